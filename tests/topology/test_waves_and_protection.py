"""Which registries go in which wave, which are protected, and selectors that mean nothing."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.inventory import Account, Inventory, Match, Selector, Wave
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.topology import REST, Topology, connect, registries
from fleet_repl.values.names import AccountId, Region, Registry

Connected = Callable[[str], Topology]

ACCOUNTS = """\
routes = []
[[accounts]]
id = "000000000002"
name = "shop"
labels = { env = "prod" }
regions = ["us-east-1", "us-west-2"]
[[accounts]]
id = "000000000003"
name = "search"
labels = { env = "stage" }
[[accounts]]
id = "000000000004"
name = "old"
labels = { env = "old" }
state = "retired"
"""
SHOP_EAST, SHOP_WEST = (registry_of(2, region) for region in ("us-east-1", "us-west-2"))
SEARCH = registry_of(3, "us-east-1")
OLD = registry_of(4, "us-east-1")


def wave(name: str, select: str) -> str:
    return f'[[waves]]\nname = "{name}"\nselect = {{ {select} }}\n'


def test_the_first_that_selects_it(connected: Connected) -> None:
    """In the file's order; what is left goes last."""
    topology = connected(
        ACCOUNTS + wave("canary", "regions = 'us-west-2'") + wave("shop", "accounts = 'shop'")
    )
    waves = topology.waves
    assert topology.problems == ()
    assert topology.notices == ()
    assert waves.names == ("canary", "shop", "rest")
    turns = [
        (item, waves.name(item), waves.position(item)) for item in (SHOP_EAST, SHOP_WEST, SEARCH)
    ]
    assert turns == [(SHOP_EAST, "shop", 1), (SHOP_WEST, "canary", 0), (SEARCH, "rest", 2)]


def test_retired_accounts_have_their_turn(connected: Connected) -> None:
    """What was made there is withdrawn in it, and no link goes unnoticed."""
    topology = connected(
        ACCOUNTS
        + wave("last-year", "labels.env = 'old'")
        + "[safety]\nprotected = [{ labels.env = 'old' }]\n"
    )
    assert topology.problems == ()
    assert topology.waves.name(OLD) == "last-year"
    assert topology.protected == {OLD}


def test_none_is_one_wave(connected: Connected) -> None:
    """Without waves everything is in the last one, and nothing is protected."""
    topology = connected(ACCOUNTS)
    assert topology.waves.names == ("rest",)
    assert topology.waves.position(SEARCH) == 0
    assert topology.protected == frozenset()


def test_protected_by_any_selector(connected: Connected) -> None:
    """They add up."""
    topology = connected(
        ACCOUNTS
        + "[safety]\nprotected = [{ accounts = 'search' }, { regions = 'us-west-2' }, "
        + "{ regions = 'us-west-2' }]\n"
    )
    assert topology.problems == ()
    assert topology.protected == {SEARCH, SHOP_WEST}


def test_selectors_that_match_nothing(connected: Connected) -> None:
    """An empty match is a slip, with what it nearly matched."""
    topology = connected(
        ACCOUNTS
        + wave("canary", "labels.env = 'prd'")
        + "[safety]\nprotected = [\n  {},\n  { accounts = 'search', regions = 'us-west-2' },\n]\n"
    )
    assert [str(problem) for problem in topology.problems] == [
        (
            'fleet.toml:21: waves[0].select: matches no registry: no account has env = "prd" '
            '(did you mean "prod"?)\n'
            "    compare its conditions with the labels and regions of the accounts"
        ),
        (
            "fleet.toml:25: safety.protected[1]: matches no registry: 1 account matches but lists "
            "no us-west-2\n    compare its conditions with the labels and regions of the accounts"
        ),
    ]


def test_a_wave_that_comes_too_late(connected: Connected) -> None:
    """That is noteworthy and stops nothing: labels may have been moved on."""
    text = (
        ACCOUNTS
        + wave("west", "regions = 'us-west-2'")
        + wave("most", "labels.env = ['prod', 'stage']")
        + wave("shop", "accounts = 'shop'")
        + wave("search", "accounts = 'search'")
    )
    topology = connected(text)
    assert topology.problems == ()
    assert [(notice.kind, notice.message) for notice in topology.notices] == [
        (
            "idle-wave",
            (
                "wave shop writes nothing, because all 2 registries that it selects belong to "
                "waves west, most already; put it first, or take it out"
            ),
        ),
        (
            "idle-wave",
            (
                "wave search writes nothing, because the 1 registry that it selects belongs to "
                "wave most already; put it first, or take it out"
            ),
        ),
    ]
    assert topology.waves.names == ("west", "most", "shop", "search", "rest")


def linking(*routes: tuple[str, str]) -> str:
    """The accounts, with routes from and to some of them."""
    listed = "".join(
        f'[[routes]]\nname = "r{nth}"\nfrom = {{ accounts = "{start}" }}\n'
        f'to = {{ accounts = "{end}" }}\n'
        for nth, (start, end) in enumerate(routes)
    )
    return ACCOUNTS.removeprefix("routes = []\n") + listed


def test_a_link_is_of_the_first_wave_of_either_end(connected: Connected) -> None:
    """A receiver in an early wave has its link made early, whatever the source is in."""
    topology = connected(
        linking(("search", "shop"))
        + wave("west", "regions = 'us-west-2'")
        + wave("search", "accounts = 'search'")
    )
    assert (topology.problems, topology.notices) == ((), ())
    waves = topology.waves
    turns = {(link.destination, waves.of_link(SEARCH, link.destination)) for link in topology.links}
    assert turns == {(SHOP_EAST, 1), (SHOP_WEST, 0)}
    assert waves.of_link(SHOP_WEST, SEARCH) == 0
    assert waves.of_link(SHOP_EAST, OLD) == 2


def test_a_wave_whose_links_are_made_earlier(connected: Connected) -> None:
    """Its registries are its own, and their links belong to the other ends' waves."""
    text = linking(("search", "shop"))
    early = wave("canary", "accounts = 'search'")
    late = wave("shop", "accounts = 'shop'")
    topology = connected(text + early + late)
    assert [(notice.kind, notice.message) for notice in topology.notices] == [
        (
            "idle-wave",
            (
                "wave shop makes no link, because every link of the 2 registries that it selects "
                "belongs to wave canary already, by its other end; put it first, or take it out"
            ),
        )
    ]
    assert [notice.about for notice in topology.notices] == [(frozenset({"shop"}),)]
    template = (
        '[[templates]]\nname = "base"\nprefix = "base"\nselect = { accounts = "shop" }\n'
        'tag_mutability = "immutable"\n'
    )
    assert connected(text + template + early + late).notices == ()
    retired = wave("shop", "labels.env = ['prod', 'old']")
    assert connected(text + early + retired).notices == ()


def test_a_wave_without_links(connected: Connected) -> None:
    """No route starts or ends in it. Where no route links anything, that is no matter of waves."""
    text = wave("canary", "regions = 'us-west-2'")
    topology = connected(linking(("search", "search")) + text)
    assert [notice for notice in topology.notices if notice.kind == "idle-wave"] == []
    to_east = linking(("search", "shop")).replace(
        'to = { accounts = "shop" }', 'to = { accounts = "shop", regions = "us-east-1" }'
    )
    topology = connected(to_east + text)
    assert [(notice.kind, notice.message) for notice in topology.notices] == [
        (
            "idle-wave",
            (
                "wave canary makes no link, because no route links the 1 registry that it "
                "selects; select others, or take it out"
            ),
        )
    ]


def test_the_desired_state_has_both(load: Callable[[str], Inventory]) -> None:
    """Plans are made from them."""
    inventory = load(
        ACCOUNTS
        + wave("canary", "accounts = 'search'")
        + "[safety]\nprotected = [{ accounts = 'shop' }]\n"
    )
    desired, _ = desired_state(inventory)
    assert desired.waves.name(SEARCH) == "canary"
    assert desired.protected == {SHOP_EAST, SHOP_WEST}


REGIONS = tuple(map(Region, ("us-east-1", "us-west-2", "eu-west-1")))
accounts = st.lists(
    st.tuples(st.sets(st.sampled_from(REGIONS), min_size=1), st.booleans()), min_size=1, max_size=6
)
selectors = st.builds(
    Selector,
    match=st.builds(
        Match,
        accounts=st.none()
        | st.frozensets(st.integers(0, 5).map(lambda item: AccountId(f"{item}"))),
        regions=st.none() | st.frozensets(st.sampled_from(REGIONS)),
    ),
)


def selected(selector: Selector, registry: Registry) -> bool:
    """What a selector without labels and `not` means."""
    match = selector.match
    return (match.accounts is None or registry.account in match.accounts) and (
        match.regions is None or registry.region in match.regions
    )


@given(accounts, st.lists(selectors, max_size=4))
def test_each_registry_is_in_one_wave(
    listed: list[tuple[set[Region], bool]], chosen: list[Selector]
) -> None:
    """The first that selects it, retired or not, and else the last."""
    inventory = Inventory(
        path="fleet.toml",
        digest="",
        name="fleet",
        accounts=tuple(
            Account(
                id=AccountId(f"{number}"),
                name=f"{number}",
                regions=tuple(regions),
                role=None,
                retired=retired,
            )
            for number, (regions, retired) in enumerate(listed)
        ),
        waves=tuple(
            Wave(name=f"w{number}", select=selector) for number, selector in enumerate(chosen)
        ),
    )
    waves = connect(inventory).waves
    assert waves.names == (*(wave.name for wave in inventory.waves), REST)
    for registry in registries(inventory):
        first = next(
            (wave.name for wave in inventory.waves if selected(wave.select, registry)), REST
        )
        assert waves.name(registry) == first
