"""The text of our statements: never longer than plain groupings, and often far shorter."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    VERSION,
    Grant,
    Owner,
    as_tuple,
    compose,
    parse_policy,
    policy_size,
    reduced,
    statements_for,
)
from fleet_repl.ecr.policy.grouping import Block, Lengths, shortest
from fleet_repl.values.canonical_json import Json, JsonObject, compact_json
from fleet_repl.values.limits import POLICY_BYTES
from fleet_repl.values.names import AccountId, Partition, Region, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HERE = registry_of("9")
BOTH = (REPLICATE_IMAGE, CREATE_REPOSITORY)
BASE = "arn:aws:ecr:eu-west-1:999999999999:repository/"
LENGTHS = Lengths(statement=96, source=33, resource=len(BASE) + len('"*",'))

Needs: TypeAlias = Mapping[AccountId, Mapping[str, tuple[str, ...]]]
"""The actions of each source by prefix."""

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
    needs: dict[AccountId, dict[str, tuple[str, ...]]] = {}
    for source, prefix, action in grants:
        needs.setdefault(source, {})[prefix] = (action,)
    return needs


def by_source(needs: Needs) -> list[Block]:
    """A block for all sources that need the same actions with the same prefixes."""
    sharing: dict[tuple[tuple[str, ...], tuple[str, ...]], list[AccountId]] = defaultdict(list)
    for source in sorted(needs):
        together: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for prefix, actions in sorted(needs[source].items()):
            together[actions].append(prefix)
        for actions, prefixes in together.items():
            sharing[actions, tuple(prefixes)].append(source)
    return sorted(Block(tuple(sources), *key) for key, sources in sharing.items())


def by_prefix(needs: Needs) -> list[Block]:
    """A block for all prefixes that the same sources need for the same actions."""
    together: dict[tuple[str, tuple[str, ...]], list[AccountId]] = defaultdict(list)
    for source in sorted(needs):
        for prefix, actions in needs[source].items():
            together[prefix, actions].append(source)
    sharing: dict[tuple[tuple[AccountId, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (prefix, actions), sources in sorted(together.items()):
        sharing[tuple(sources), actions].append(prefix)
    return sorted(Block(*key, tuple(prefixes)) for key, prefixes in sharing.items())


def meaning(blocks: Iterable[Block]) -> frozenset[Grant]:
    return frozenset(
        Grant(source, prefix, action)
        for sources, actions, prefixes in blocks
        for source in sources
        for action in actions
        for prefix in prefixes
    )


def statements(document: JsonObject) -> tuple[Json, ...]:
    return as_tuple(document["Statement"])


def policy(grants: Iterable[Grant], at: Registry = HERE, owner: Owner = OWNER) -> JsonObject:
    document = compose(parse_policy(None, owner, at), grants, owner, at).document
    assert document is not None
    return document


def routed(seed: int, *, sources: int, routes: int, prefixes: int) -> frozenset[Grant]:
    """What routes give that each take some of the sources and some of the prefixes."""
    chance = random.Random(seed)
    grants: set[Grant] = set()
    for _ in range(routes):
        some = [AccountId(f"{n:012}") for n in range(sources) if chance.random() < 0.35]
        named = [f"team{n:02}/" for n in range(prefixes) if chance.random() < 0.3]
        grants |= {Grant(source, item, REPLICATE_IMAGE) for source in some for item in named}
    return frozenset(grants)


@given(needs_of_sources)
def test_overlapping_statements_say_the_same_in_no_more_characters(needs: Needs) -> None:
    """However small: exactly what is needed, and no longer than either plain grouping."""
    blocks = shortest(grants_of(needs), LENGTHS, 0)
    assert meaning(blocks) == grants_of(needs)
    for plain in (by_source(needs), by_prefix(needs)):
        assert meaning(plain) == grants_of(needs)
        assert LENGTHS.of(blocks) <= LENGTHS.of(plain)


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
    assert LENGTHS.of(shortest(grants_of(needs), LENGTHS, POLICY_BYTES)) == len(text) - len(
        "[]"
    ) + len(",")


def text_of(blocks: Sequence[Block]) -> list[tuple[str, str, str]]:
    """Blocks as a person would write them down; accounts by their last digit."""
    return sorted(
        (",".join(source[-1] for source in sources), ",".join(actions), ",".join(prefixes))
        for sources, actions, prefixes in blocks
    )


def test_equal_principals_are_grouped_where_that_is_shorter() -> None:
    """Each source has other prefixes, and each prefix one of two sets of sources."""
    first, second, third = (AccountId(digit * 12) for digit in "123")
    act = (REPLICATE_IMAGE,)
    needs: Needs = {
        first: {"a/": act, "b/": act},
        second: {"a/": act, "b/": act, "c/": act, "d/": act},
        third: {"c/": act, "d/": act},
    }
    assert text_of(shortest(grants_of(needs), LENGTHS, POLICY_BYTES)) == [
        ("1,2", REPLICATE_IMAGE, "a/,b/"),
        ("2,3", REPLICATE_IMAGE, "c/,d/"),
    ]
    assert len(by_source(needs)) == 3


def test_statements_may_overlap() -> None:
    """Where plain groups do not fit, the third is in two statements with one of the others each."""
    first, second, third = (AccountId(digit * 12) for digit in "123")
    base, lake, shop = (f"{name * 20}/" for name in ("base", "lake", "shop"))
    act = (REPLICATE_IMAGE,)
    needs: Needs = {
        first: {base: act, shop: act},
        second: {base: act, lake: act},
        third: {base: act, lake: act, shop: act},
    }
    assert text_of(shortest(grants_of(needs), LENGTHS, 0)) == [
        ("1,3", REPLICATE_IMAGE, f"{base},{shop}"),
        ("2,3", REPLICATE_IMAGE, f"{base},{lake}"),
    ]
    assert len(by_source(needs)) == len(by_prefix(needs)) == 3
    assert len(statements_for(grants_of(needs), OWNER, HERE)) == 3


def test_what_a_shorter_prefix_grants_may_be_said_again() -> None:
    """The first may replicate all of a/, so it can share the third's statement for a/x/."""
    first, second, third = (AccountId(digit * 12) for digit in "123")
    act = (REPLICATE_IMAGE,)
    needs: Needs = {
        first: {"a/": act, "b/": act},
        second: {"a/": act},
        third: {"a/x/": act, "b/": act},
    }
    blocks = shortest(grants_of(needs), LENGTHS, 0)
    assert text_of(blocks) == [
        ("1,2", REPLICATE_IMAGE, "a/"),
        ("1,3", REPLICATE_IMAGE, "a/x/,b/"),
    ]
    assert reduced(meaning(blocks)) == grants_of(needs)
    assert len(by_source(needs)) == len(by_prefix(needs)) == 3


def test_a_source_of_every_repository_is_left_out_of_longer_prefixes() -> None:
    """It is in one statement only."""
    hub = AccountId("1" * 12)
    grants = {Grant(hub, "", REPLICATE_IMAGE), Grant(hub, "a/", REPLICATE_IMAGE)}
    grants |= {Grant(AccountId(f"{n:012}"), "a/", REPLICATE_IMAGE) for n in range(100)}
    texts = [compact_json(item) for item in statements_for(grants, OWNER, HERE)]
    assert len(texts) == 2
    assert sum(text.count(hub) for text in texts) == 1


def test_a_few_sources_are_grouped_plainly() -> None:
    """Where there is room, every source is in one statement only, or every prefix is."""
    grants = routed(1, sources=6, routes=2, prefixes=4)
    assert policy_size(policy(grants)) < POLICY_BYTES
    needs = needs_of(grants)
    assert sorted(shortest(grants_of(needs), LENGTHS, POLICY_BYTES)) in (
        by_source(needs),
        by_prefix(needs),
    )


def test_two_sources_are_grouped_by_prefix_where_that_is_shorter() -> None:
    """A long prefix that both may have is written once."""
    first, second = AccountId("1" * 12), AccountId("2" * 12)
    act, long = (REPLICATE_IMAGE,), f"{'long' * 20}/"
    needs: Needs = {first: {long: act, "a/": act}, second: {long: act}}
    assert len(by_source(needs)) == 2
    assert sorted(shortest(grants_of(needs), LENGTHS, POLICY_BYTES)) == by_prefix(needs)
    assert by_prefix(needs) != by_source(needs)


def test_of_equal_groupings_each_source_has_its_own() -> None:
    """So that the text of one source stays as it is when another one changes."""
    first, second = AccountId("1" * 12), AccountId("2" * 12)
    act = (REPLICATE_IMAGE,)
    needs: Needs = {first: {"a/": act, "b/": act}, second: {"b/": act}}
    # To say a source twice is as long as to say a prefix twice.
    lengths = Lengths(statement=96, source=33, resource=31)
    assert lengths.of(by_source(needs)) == lengths.of(by_prefix(needs))
    assert sorted(shortest(grants_of(needs), lengths, POLICY_BYTES)) == by_source(needs)
    assert by_source(needs) != by_prefix(needs)


def test_what_is_just_ample_is_grouped_plainly() -> None:
    """To the character; one more has a shorter text searched for."""
    grants = routed(1, sources=30, routes=10, prefixes=20)
    needs = needs_of(grants)
    plain = min(by_source(needs), by_prefix(needs), key=LENGTHS.of)
    room = LENGTHS.of(plain)
    assert sorted(shortest(grants, LENGTHS, room)) == plain
    assert LENGTHS.of(shortest(grants, LENGTHS, room - 1)) < room


@pytest.mark.parametrize(
    ("sources", "routes", "prefixes", "plain", "fewest"),
    [(80, 6, 20, 27_358, 9_078), (30, 10, 20, 18_013, 9_308)],
)
def test_routes_that_cross_fit_where_plain_groupings_do_not(
    sources: int, routes: int, prefixes: int, plain: int, fewest: int
) -> None:
    """A mix of sources and prefixes for each route. The figures are exact: the same needs give
    the same text on every machine."""
    grants = routed(7, sources=sources, routes=routes, prefixes=prefixes)
    document = policy(grants)
    assert parse_policy(document, OWNER, HERE).grants == grants
    groupings = (by_source(needs_of(grants)), by_prefix(needs_of(grants)))
    assert (min(map(LENGTHS.of, groupings)), policy_size(document)) == (plain, fewest)
    assert fewest < POLICY_BYTES


def test_plain_statements_stay_where_they_fit() -> None:
    """Although overlapping ones would be shorter. What others have in the policy counts, and so
    does the limit of the inventory."""
    grants = routed(7, sources=60, routes=6, prefixes=10)
    plain = statements_for(grants, OWNER, HERE)
    assert LENGTHS.of(by_source(needs_of(grants))) == len(compact_json(plain)) - len("[],") + 2
    overlapping = statements_for(grants, replace(OWNER, policy_bytes=6_000), HERE)
    assert len(compact_json(overlapping)) < 5_000
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "x" * 4_000}
    documents: list[Any] = [{"Version": VERSION, "Statement": [theirs]}, {"Id": "x" * 4_000}]
    for document in documents:
        there = compose(parse_policy(document, OWNER, HERE), grants, OWNER, HERE).document
        assert there is not None
        assert set(map(compact_json, overlapping)) <= set(map(compact_json, statements(there)))
        assert policy_size(there) < POLICY_BYTES < policy_size(document) + len(compact_json(plain))


def test_grants_far_over_the_limit_are_exact_and_shorter_all_the_same() -> None:
    """As short as is found, so that the size that is named is no larger than it has to be."""
    needs = needs_of(routed(7, sources=300, routes=12, prefixes=40))
    blocks = shortest(grants_of(needs), LENGTHS, POLICY_BYTES)
    assert meaning(blocks) == grants_of(needs)
    plain = min(LENGTHS.of(by_source(needs)), LENGTHS.of(by_prefix(needs)))
    assert 4 * LENGTHS.of(blocks) < plain


def test_what_no_policy_could_hold_is_grouped_plainly() -> None:
    """The work is bounded: nobody waits for a text that is refused anyway."""
    needs: Needs = {
        AccountId(f"{n:012}"): {f"{number}/": BOTH for number in range(200) if number != n}
        for n in range(200)
    }
    blocks = shortest(grants_of(needs), LENGTHS, POLICY_BYTES)
    assert 200 * (LENGTHS.source + LENGTHS.resource) > POLICY_BYTES
    assert sorted(blocks) in (by_source(needs), by_prefix(needs))


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
