"""Plans of many registries: equal changes once, groups by the labels that describe them exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.changes import change_of
from tests.support.links import rules_for
from tests.support.registries import registry_of

from fleet_repl import load_inventory
from fleet_repl.ecr.rules import document_of, parse_document
from fleet_repl.inventory import Inventory
from fleet_repl.planning.change import Action, Change, LinkEnd, Phase, Resource
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State, Warning
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.values.names import Region, Registry

HOME = Region("eu-west-1")


def at(number: int, region: str = HOME) -> Registry:
    return registry_of(number, region)


def end(number: int, *prefixes: str, routes: Sequence[str] = ("golden",)) -> LinkEnd:
    return LinkEnd(registry=at(number), prefixes=prefixes or ("base/",), routes=tuple(routes))


def rules(
    *added: LinkEnd, removed: Sequence[LinkEnd] = (), started: Sequence[LinkEnd] = ()
) -> Change:
    return change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before={"rules": []},
        after={"rules": []},
        links_added=added,
        links_removed=tuple(removed),
        deletes_started=tuple(started),
    )


def grants(*added: LinkEnd, removed: Sequence[LinkEnd] = ()) -> Change:
    return replace(
        rules(*added, removed=removed),
        resource=Resource.REGISTRY_POLICY,
        phase=Phase.GRANTS,
        action=Action.CREATE if added else Action.UPDATE,
    )


def changing(number: int, *changes: Change) -> RegistryPlan:
    return RegistryPlan(
        registry=at(number),
        name=f"team-{number}",
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
    )


Planned = Callable[..., Plan]


@pytest.fixture
def planned(plan: Plan) -> Planned:
    """A plan of some registries, in which nothing else is to be told."""

    def make(*registries: RegistryPlan, **more: object) -> Plan:
        made = replace(
            plan,
            registries=registries,
            summary=summarize(registries),
            objections=(),
            warnings=(),
        )
        return replace(made, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Inventory]:
    """An inventory of accounts with these labels, by number, and of these routes."""

    def load(labels: Sequence[str], routes: str = "", more: str = "") -> Inventory:
        accounts = "".join(
            f'[[accounts]]\nid = "{number:012}"\nname = "team-{number}"\nlabels = {{ {some} }}\n'
            for number, some in enumerate(labels)
        )
        path = tmp_path / "prod.toml"
        path.write_text(
            'version = 1\nname = "prod"\n[aws]\nrole = "r"\nregions = ["eu-west-1"]\n'
            f"{more}{accounts}{routes or 'routes = []'}",
            encoding="utf-8",
        )
        if not routes:
            path.write_text("routes = []\n" + path.read_text().replace("routes = []", ""))
        return load_inventory(path)

    return load


SCREEN = """\
Plan for prod (inventories/prod.toml)

000000000000 eu-west-1 (team-0)
  ~ replication configuration
      - to 000000000499 eu-west-1 (team-499): legacy/ (no route)
      + to 498 registries of env=dev: base/ (route golden)

000000000499 eu-west-1 (team-499)
  ~ registry policy (once the rules are written)
      - from 000000000000 eu-west-1 (team-0): legacy/ (no route)

498 registries of env=dev
  + registry policy
      + from 000000000000 eu-west-1 (team-0): base/ (route golden)

Routes
  golden    498 links to add: 1 source, 498 destinations
  no route  1 link to remove or narrow

Objections
  foreign-rules: 1 link would be removed

Warnings
  not-transitive: 30 times
    team-1 …
    team-2 …
    team-3 …
    … and 27 more
    … only receives base/ from the hub, and what is replicated is never replicated any farther by \
ECR.

Lists are cut short: -v shows all, --report FILE.json keeps all.

Plan: 500 registries, 500 to change, 0 unchanged, 0 unreadable; 498 links to add, 1 to remove, \
0 held.
apply refuses this plan unless it is given --force.
"""


def test_five_hundred_registries_fit_a_screen(
    planned: Planned, listed: Callable[..., Inventory]
) -> None:
    """One removal, one grant for all others: what goes is first, the rest is two lines."""
    inventory = listed(['tier = "hub"', *['env = "dev"'] * 498, 'env = "old"'])
    legacy = end(499, "legacy/", routes=())
    plan = planned(
        changing(0, rules(*map(end, range(1, 499)), removed=[legacy])),
        *(changing(number, grants(end(0))) for number in range(1, 499)),
        changing(
            499,
            replace(grants(removed=[replace(legacy, registry=at(0))]), phase=Phase.WITHDRAWALS),
        ),
        objections=(Objection(kind="foreign-rules", message="1 link would be removed"),),
        warnings=tuple(
            Warning(
                kind="not-transitive",
                message=f"team-{number} only receives base/ from the hub, and what is replicated "
                "is never replicated any farther by ECR.",
            )
            for number in range(1, 31)
        ),
    )
    text = plan_text(plan, inventory=inventory)
    assert text == SCREEN
    assert 24 <= len(text.splitlines()) <= 40
    full = plan_text(plan, inventory=inventory, full=True)
    assert full.count("\n  + registry policy\n") == 498
    assert full.count("\n      + to ") == 498
    assert full.count("farther by ECR") == 30


def test_without_the_inventory(planned: Planned) -> None:
    """As of a plan in a file: a group is told by the few registries that are not in it."""
    plan = planned(
        changing(0, rules(*map(end, range(1, 40)))),
        *(changing(number, grants(end(0))) for number in range(1, 40)),
    )
    assert plan_text(plan).startswith("""\
Plan for prod (inventories/prod.toml)

000000000000 eu-west-1 (team-0)
  ~ replication configuration
      + to 39 registries, all of the plan but 000000000000 eu-west-1 (team-0): base/ (route golden)

39 registries, all of the plan but 000000000000 eu-west-1 (team-0)
  + registry policy
      + from 000000000000 eu-west-1 (team-0): base/ (route golden)

Routes
""")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (range(1, 9), "8 registries of env=dev"),
        (range(9, 17), "8 registries of env=stage"),
        (range(1, 17), "16 registries of env=dev|stage"),
        (range(1, 5), "4 registries of env=dev, team=a"),
        (range(17), "17 registries, all of the fleet"),
        (
            (1, 2),
            "2 registries: 000000000001 eu-west-1 (team-1), 000000000002 eu-west-1 (team-2)",
        ),
        (
            (1, 2, 3, 9),
            (
                "4 registries: 000000000001 eu-west-1 (team-1), 000000000002 eu-west-1 (team-2), "
                "000000000003 eu-west-1 (team-3), 000000000009 eu-west-1 (team-9)"
            ),
        ),
        (
            range(1, 13),
            (
                "12 registries: 000000000001 eu-west-1 (team-1), 000000000002 eu-west-1 (team-2), "
                "000000000003 eu-west-1 (team-3) and 9 more"
            ),
        ),
    ],
)
def test_what_a_group_is_called(
    planned: Planned, listed: Callable[..., Inventory], members: Sequence[int], expected: str
) -> None:
    """By labels that hold for exactly these; otherwise by its members and their number."""
    labels = [
        'tier = "hub"',
        *['env = "dev", team = "a"'] * 4,
        *['env = "dev", team = "b"'] * 4,
        *['env = "stage", team = "a"'] * 8,
    ]
    plan = planned(*(changing(number, grants(end(99))) for number in members))
    assert plan_text(plan, inventory=listed(labels)).splitlines()[2] == expected


def test_whoever_loses_something_is_named(planned: Planned) -> None:
    """Where no label describes them, each of them."""
    losing = grants(removed=[end(0, routes=())])
    plan = planned(
        *(changing(number, losing) for number in range(1, 25, 2)),
        *(changing(number) for number in range(2, 25, 2)),
    )
    listed_accounts = ", ".join(f"{number:012}" for number in range(1, 25, 2))
    assert plan_text(plan).splitlines()[2] == f"12 registries: eu-west-1 {listed_accounts}"


def test_wherever_links_no_longer_lead_is_named(planned: Planned) -> None:
    """All of it; of what is new, a few are enough."""
    odd, even = range(1, 25, 2), range(2, 26, 2)
    change = rules(*map(end, even), removed=[end(number, routes=()) for number in odd])
    plan = planned(changing(0, change), *(changing(number) for number in range(1, 30)))
    listed_accounts = ", ".join(f"{number:012}" for number in odd)
    assert plan_text(plan).splitlines()[4:6] == [
        f"      - to 12 registries (eu-west-1 {listed_accounts}): base/ (no route)",
        (
            "      + to 12 registries (000000000002 eu-west-1 (team-2), 000000000004 eu-west-1 "
            "(team-4), 000000000006 eu-west-1 (team-6) and 9 more): base/ (route golden)"
        ),
    ]


def test_a_rule_that_goes_is_before_what_is_new(planned: Planned) -> None:
    """Nobody can tell what it does, so nobody can tell what is lost."""
    change = replace(rules(end(1)), before=parse_document({"rules": [{"speed": "high"}]}))
    lines = plan_text(planned(changing(0, change), changing(1))).splitlines()
    assert lines[4:6] == [
        '      - rules[0] {"speed":"high"}',
        "      + to 000000000001 eu-west-1 (team-1): base/ (route golden)",
    ]


def test_a_mesh(planned: Planned) -> None:
    """Everybody is linked to all others: one block, not one for each."""
    everyone = range(12)
    plan = planned(
        *(
            changing(
                number,
                grants(*(end(other) for other in everyone if other != number)),
                rules(*(end(other) for other in everyone if other != number)),
            )
            for number in everyone
        )
    )
    assert (
        plan_text(plan)
        == """\
Plan for prod (inventories/prod.toml)

12 registries, all of the plan
  + registry policy
      + from the others: base/ (route golden)
  ~ replication configuration
      + to the others: base/ (route golden)

Routes
  golden  132 links to add: 12 sources, 12 destinations

Plan: 12 registries, 12 to change, 0 unchanged, 0 unreadable; 132 links to add, 0 to remove, \
0 held.
"""
    )


def test_hubs_with_spokes_of_their_own(planned: Planned, listed: Callable[..., Inventory]) -> None:
    """Of many blocks that differ in the ends of their links alone, one: with how many each has."""
    spokes = {hub: range(10 + hub * 20, 30 + hub * 20 - (hub == 4)) for hub in range(5)}
    labels = [*['tier = "hub"'] * 5, *['tier = "none"'] * 5, *['tier = "spoke"'] * 99]
    plan = planned(
        *(changing(hub, rules(*map(end, own))) for hub, own in spokes.items()),
        *(changing(item, grants(end(hub))) for hub, own in spokes.items() for item in own),
    )
    assert (
        plan_text(plan, inventory=listed(labels))
        == """\
Plan for prod (inventories/prod.toml)

5 registries of tier=hub
  ~ replication configuration
      + to up to 20 registries each (99 registries of tier=spoke): base/ (route golden)

99 registries of tier=spoke
  + registry policy
      + from 1 registry each (5 registries of tier=hub): base/ (route golden)

Routes
  golden  99 links to add: 5 sources, 99 destinations

Plan: 104 registries, 104 to change, 0 unchanged, 0 unreadable; 99 links to add, 0 to remove, \
0 held.
"""
    )


ROUTES = """
[[routes]]
name = "golden"
from = { accounts = "team-0" }
to = { accounts = "team-1" }
prefixes = ["base/"]

[[routes]]
name = "tools"
from = { accounts = "team-0" }
to = { accounts = "team-1" }
prefixes = ["tools/"]
replicate_deletes = true
"""


def test_only_routes_that_ask_for_what_changed_are_named(
    planned: Planned, listed: Callable[..., Inventory]
) -> None:
    """A link has all its routes; what is new of it may be for one of them. A kept plan, which is
    shown without its inventory, says the same."""
    inventory = listed(['tier = "hub"', 'tier = "spoke"'], ROUTES)
    both = ("golden", "tools")
    plan = planned(
        changing(
            0,
            rules(
                end(1, "tools/", routes=["tools"]),
                removed=[end(1, "legacy/", routes=both)],
                started=[end(1, "tools/", routes=["tools"])],
            ),
        ),
        changing(1),
    )
    lines = plan_text(plan, inventory=inventory).splitlines()
    assert lines[4:11] == [
        "      - to 000000000001 eu-west-1 (team-1): legacy/ (narrowed)",
        (
            "      ! deletions travel from now on, to 000000000001 eu-west-1 (team-1): tools/ "
            "(route tools)"
        ),
        "      + to 000000000001 eu-west-1 (team-1): tools/ (route tools)",
        "",
        "Routes",
        "  tools     1 link to add, 1 link starts to replicate deletions: 1 source, 1 destination",
        "  no route  1 link to remove or narrow",
    ]
    assert plan_text(plan).splitlines()[2:] == lines[2:]


def test_what_stays_of_a_narrowed_link_is_said(planned: Planned) -> None:
    """Less goes than what stands behind the minus: images of the rest travel on."""
    links = {at(1): ("base/go", "base/rust", "tools/")}
    narrowed = replace(
        rules(removed=[end(1, "base/")]), after=parse_document(document_of(rules_for(links)))
    )
    assert plan_text(planned(changing(0, narrowed), changing(1))).splitlines()[4] == (
        "      - to 000000000001 eu-west-1 (team-1): base/ (narrowed to base/go, base/rust)"
    )


def test_protected_registries_are_marked(
    planned: Planned, listed: Callable[..., Inventory]
) -> None:
    """Where they lose something, as --allow lets them."""
    more = '[safety]\nprotected = [{ accounts = "team-0" }]\n'
    inventory = listed(['tier = "hub"', 'tier = "spoke"'], ROUTES, more)
    plan = planned(changing(0, rules(removed=[end(1)])), changing(1, grants(end(0))))
    lines = plan_text(plan, inventory=inventory).splitlines()
    assert lines[2] == "000000000000 eu-west-1 (team-0), protected"
    assert "000000000001 eu-west-1 (team-1)" in lines
