"""The text of our statements: never longer than plain groupings, and often far shorter."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_repl.canonical import JsonObject, compact_json
from fleet_repl.grants import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    compose,
    parse_policy,
    policy_size,
    reduced,
    statements_for,
)
from fleet_repl.grants.blocks import Block, Lengths, Needs, by_prefix, by_source
from fleet_repl.grants.search import AMPLE, shortest
from fleet_repl.limits import POLICY_BYTES
from fleet_repl.names import AccountId, Partition, Region, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HERE = Registry(AccountId("9" * 12), Region("eu-west-1"))
BOTH = (REPLICATE_IMAGE, CREATE_REPOSITORY)
BASE = "arn:aws:ecr:eu-west-1:999999999999:repository/"
LENGTHS = Lengths(statement=96, source=33, resource=len(BASE) + len('"*",'))

needs_of_sources = st.dictionaries(
    st.integers(0, 6).map(lambda n: AccountId(f"{n:012}")),
    st.dictionaries(
        st.sampled_from(["a/", "b/", "c/", "d/", "a-long-one/"]),
        st.sampled_from([BOTH, (REPLICATE_IMAGE,), (CREATE_REPOSITORY,)]),
        min_size=1,
    ),
    min_size=1,
)


def grants_of(needs: Needs) -> frozenset[Grant]:
    return frozenset(
        Grant(source, prefix, action)
        for source, row in needs.items()
        for prefix, actions in row.items()
        for action in actions
    )


def needs_of(grants: Iterable[Grant]) -> Needs:
    """The other way round, for a single action."""
    found: dict[AccountId, dict[str, tuple[str, ...]]] = {}
    for source, prefix, action in grants:
        found.setdefault(source, {})[prefix] = (action,)
    return found


def meaning(blocks: Iterable[Block]) -> frozenset[Grant]:
    return frozenset(
        Grant(source, prefix, action)
        for sources, actions, prefixes in blocks
        for source in sources
        for action in actions
        for prefix in prefixes
    )


def policy(grants: Iterable[Grant], at: Registry = HERE, owner: Owner = OWNER) -> JsonObject:
    document = compose(parse_policy(None, owner, at), grants, owner, at)
    assert document is not None
    return document


def routed(seed: int, *, sources: int, routes: int, prefixes: int) -> frozenset[Grant]:
    """What routes give that each take some of the sources and some of the prefixes."""
    chance = random.Random(seed)
    found: set[Grant] = set()
    for _ in range(routes):
        some = [AccountId(f"{n:012}") for n in range(sources) if chance.random() < 0.35]
        named = [f"team{n:02}/" for n in range(prefixes) if chance.random() < 0.3]
        found |= {Grant(source, one, REPLICATE_IMAGE) for source in some for one in named}
    return frozenset(found)


@given(needs_of_sources)
def test_a_search_says_the_same_in_no_more_characters(needs: Needs) -> None:
    """However small: exactly what is needed, and no longer than either plain grouping."""
    found = shortest(needs, LENGTHS, ample=0)
    assert meaning(found) == grants_of(needs)
    for plain in (by_source(needs), by_prefix(needs)):
        assert meaning(plain) == grants_of(needs)
        assert LENGTHS.of_all(found) <= LENGTHS.of_all(plain)


@given(
    st.frozensets(
        st.builds(
            Grant,
            st.integers(0, 40).map(lambda n: AccountId(f"{n:012}")),
            st.sampled_from(["", "a/", "a/b/", "a/b/c/", "b/", "c/", "d/", "e/"]),
            st.sampled_from(BOTH),
        ),
        min_size=40,
        max_size=150,
    ),
    st.randoms(use_true_random=False),
)
def test_a_long_text_means_what_is_granted_in_whatever_order(
    grants: frozenset[Grant], chance: random.Random
) -> None:
    """Far above what is ample, shorter prefixes among longer ones: read back, it is the same."""
    document = policy(grants)
    assert parse_policy(document, OWNER, HERE).grants == reduced(grants)
    shuffled = sorted(grants)
    chance.shuffle(shuffled)
    assert policy(shuffled) == document


@given(needs_of_sources)
def test_lengths_are_those_of_the_text(needs: Needs) -> None:
    """What blocks are weighed by is what their statements take."""
    text = compact_json(statements_for(grants_of(needs), OWNER, HERE))
    assert LENGTHS.of_all(shortest(needs, LENGTHS)) == len(text) - len("[]") + len(",")


def text_of(blocks: Sequence[Block]) -> list[tuple[str, str, str]]:
    """Blocks as a person would write them down; accounts by their last digit."""
    return sorted(
        (",".join(one[-1] for one in sources), ",".join(actions), ",".join(prefixes))
        for sources, actions, prefixes in blocks
    )


def test_equal_principals_are_grouped_where_that_is_shorter() -> None:
    """Each source has other prefixes, and each prefix one of two sets of sources."""
    one, two, three = (AccountId(digit * 12) for digit in "123")
    act = (REPLICATE_IMAGE,)
    needs: Needs = {
        one: {"a/": act, "b/": act},
        two: {"a/": act, "b/": act, "c/": act, "d/": act},
        three: {"c/": act, "d/": act},
    }
    assert text_of(shortest(needs, LENGTHS)) == [
        ("1,2", REPLICATE_IMAGE, "a/,b/"),
        ("2,3", REPLICATE_IMAGE, "c/,d/"),
    ]
    assert len(by_source(needs)) == 3


def test_statements_may_overlap() -> None:
    """Actions are needed in part together: to say one twice is shorter than to keep apart."""
    needs: Needs = {
        AccountId("1" * 12): {"a/": BOTH, "b/": (REPLICATE_IMAGE,), "c/": (CREATE_REPOSITORY,)}
    }
    assert text_of(shortest(needs, LENGTHS, ample=0)) == [
        ("1", CREATE_REPOSITORY, "a/,c/"),
        ("1", REPLICATE_IMAGE, "a/,b/"),
    ]
    assert len(by_source(needs)) == len(by_prefix(needs)) == 3


def test_what_a_shorter_prefix_grants_may_be_said_again() -> None:
    """The first may replicate everything, so it can share the other's statement for a/."""
    one, two = AccountId("1" * 12), AccountId("2" * 12)
    needs: Needs = {one: {"": (REPLICATE_IMAGE,), "a/": (CREATE_REPOSITORY,)}, two: {"a/": BOTH}}
    found = shortest(needs, LENGTHS, ample=0)
    assert text_of(found) == [
        ("1", REPLICATE_IMAGE, ""),
        ("1,2", f"{REPLICATE_IMAGE},{CREATE_REPOSITORY}", "a/"),
    ]
    assert reduced(meaning(found)) == grants_of(needs)
    assert len(by_source(needs)) == len(by_prefix(needs)) == 3


def test_a_source_of_every_repository_is_left_out_of_longer_prefixes() -> None:
    """It is in one statement only."""
    hub = AccountId("1" * 12)
    grants = {Grant(hub, "", REPLICATE_IMAGE), Grant(hub, "a/", REPLICATE_IMAGE)}
    grants |= {Grant(AccountId(f"{n:012}"), "a/", REPLICATE_IMAGE) for n in range(100)}
    texts = [compact_json(one) for one in statements_for(grants, OWNER, HERE)]
    assert len(texts) == 2
    assert sum(text.count(hub) for text in texts) == 1


def test_a_few_sources_are_grouped_plainly() -> None:
    """Where there is room, every source is in one statement only, or every prefix is."""
    grants = routed(1, sources=6, routes=2, prefixes=4)
    assert policy_size(policy(grants)) < AMPLE
    needs = needs_of(grants)
    assert shortest(needs, LENGTHS) in (by_source(needs), by_prefix(needs))


def test_two_sources_are_grouped_by_prefix_where_that_is_shorter() -> None:
    """A long prefix that both may have is written once."""
    one, two = AccountId("1" * 12), AccountId("2" * 12)
    act, long = (REPLICATE_IMAGE,), f"{'long' * 20}/"
    needs: Needs = {one: {long: act, "a/": act}, two: {long: act}}
    assert len(by_source(needs)) == 2
    assert shortest(needs, LENGTHS) == by_prefix(needs) != by_source(needs)


def test_of_equal_groupings_each_source_has_its_own() -> None:
    """So that the text of one source stays as it is when another one changes."""
    one, two = AccountId("1" * 12), AccountId("2" * 12)
    act = (REPLICATE_IMAGE,)
    needs: Needs = {one: {"a/": act, "b/": act}, two: {"b/": act}}
    # To say a source twice is as long as to say a prefix twice.
    lengths = Lengths(statement=96, source=33, resource=31)
    assert lengths.of_all(by_source(needs)) == lengths.of_all(by_prefix(needs))
    assert shortest(needs, lengths) == by_source(needs) != by_prefix(needs)


def test_what_is_just_ample_is_grouped_plainly() -> None:
    """To the character; one more has a shorter text searched for."""
    grants = routed(1, sources=30, routes=10, prefixes=20)
    needs = needs_of(grants)
    plain = min(by_source(needs), by_prefix(needs), key=LENGTHS.of_all)
    ample = LENGTHS.of_all(plain)
    assert shortest(needs, LENGTHS, ample=ample) == plain
    assert LENGTHS.of_all(shortest(needs, LENGTHS, ample=ample - 1)) < ample


@pytest.mark.parametrize(
    ("sources", "routes", "prefixes", "plain", "found"),
    [(60, 6, 10, 6_509, 4_326), (80, 6, 20, 27_358, 8_645), (30, 10, 20, 18_013, 8_404)],
)
def test_routes_that_cross_take_far_less_than_plain_groupings(
    sources: int, routes: int, prefixes: int, plain: int, found: int
) -> None:
    """A mix of sources and prefixes for each route. The figures are exact: the same needs give
    the same text on every machine."""
    grants = routed(7, sources=sources, routes=routes, prefixes=prefixes)
    document = policy(grants)
    assert parse_policy(document, OWNER, HERE).grants == grants
    groupings = (by_source(needs_of(grants)), by_prefix(needs_of(grants)))
    assert (min(map(LENGTHS.of_all, groupings)), policy_size(document)) == (plain, found)
    assert found < POLICY_BYTES


def test_a_search_that_is_given_up_is_still_exact_and_shorter() -> None:
    """Far over the limit the steps run out: what has been found by then is what counts."""
    needs = needs_of(routed(7, sources=300, routes=12, prefixes=40))
    found = shortest(needs, LENGTHS)
    assert meaning(found) == grants_of(needs)
    plain = min(LENGTHS.of_all(by_source(needs)), LENGTHS.of_all(by_prefix(needs)))
    assert 4 * LENGTHS.of_all(found) < plain


def test_what_no_policy_could_hold_is_grouped_plainly() -> None:
    """Nobody waits for a search whose result is refused anyway."""
    needs: Needs = {
        AccountId(f"{n:012}"): {f"{one}/": BOTH for one in range(200) if one != n}
        for n in range(200)
    }
    found = shortest(needs, LENGTHS)
    assert 200 * (LENGTHS.source + LENGTHS.resource) > POLICY_BYTES
    assert found in (by_source(needs), by_prefix(needs))


@pytest.mark.parametrize(
    ("actions", "prefixes", "region", "partition", "fit"),
    [
        ((REPLICATE_IMAGE,), [""], "eu-west-1", Partition.AWS, 304),
        (BOTH, [""], "eu-west-1", Partition.AWS, 303),
        (BOTH, ["base/", "golden/"], "ap-northeast-1", Partition.AWS, 301),
        (BOTH, [""], "cn-north-1", Partition.CN, 277),
        (BOTH, [""], "us-gov-west-1", Partition.US_GOV, 250),
    ],
)
def test_300_sources_of_one_set_of_prefixes_fit_a_policy(
    actions: tuple[str, ...], prefixes: list[str], region: str, partition: Partition, fit: int
) -> None:
    """A source more costs its root ARN, quotes and a comma; other partitions have longer ones."""
    owner = Owner(fleet="prod", partition=partition)
    at = Registry(HERE.account, Region(region))

    def size(sources: int) -> int:
        these = [
            Grant(AccountId(f"{n:012}"), prefix, action)
            for n in range(sources)
            for prefix in prefixes
            for action in actions
        ]
        return policy_size(policy(these, at, owner))

    assert size(101) - size(100) == len(f'"arn:{partition}:iam::000000000000:root",')
    assert size(fit) <= POLICY_BYTES < size(fit + 1)
