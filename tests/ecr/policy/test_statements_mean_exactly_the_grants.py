"""Registry policy statements against what they allow, and what is kept of other people's."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    VERSION,
    Grant,
    Owner,
    as_composed,
    as_tuple,
    compose,
    parse_policy,
    policy_size,
    reduced,
    statements_for,
)
from fleet_repl.values.canonical_json import JsonObject, canonical_json, compact_json, short_hash
from fleet_repl.values.names import AccountId, Partition

OWNER = Owner(fleet="prod", partition=Partition.AWS)
STRANGER = Owner(fleet="other", partition=Partition.AWS)
HERE = registry_of("9")
BASE = "arn:aws:ecr:eu-west-1:999999999999:repository/"

accounts = st.sampled_from([AccountId(digit * 12) for digit in "1234"])
grants = st.frozensets(
    st.builds(
        Grant,
        accounts,
        st.sampled_from(["", "a/", "a/b/", "c/"]),
        st.sampled_from([REPLICATE_IMAGE, CREATE_REPOSITORY]),
    ),
    max_size=12,
)
foreign_statements = st.lists(
    st.one_of(
        st.builds(
            lambda sid, principal, condition: {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": ["ecr:ReplicateImage"],
                "Resource": f"{BASE}*",
                **condition,
            },
            st.sampled_from(["theirs", "FleetReplX", "FleetRepl00000000", ""]),
            st.sampled_from(["*", "arn:aws:iam::111111111111:root", ["111111111111", "2" * 12]]),
            st.sampled_from([{}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}]),
        ),
        st.builds(lambda: {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}),
        st.frozensets(
            st.builds(Grant, accounts, st.just("z/"), st.just(REPLICATE_IMAGE)), min_size=1
        ).map(lambda some: dict(statements_for(some, STRANGER, HERE)[0])),
    ),
    max_size=4,
)


def allowed(statements: Sequence[Mapping[str, Any]], account: str, name: str, action: str) -> bool:
    """Whether plain Allow statements of ours let `account` do `action` on repository `name`."""

    def many(value: object) -> list[Any]:
        return list(value) if isinstance(value, list | tuple) else [value]

    return any(
        f"arn:aws:iam::{account}:root" in many(statement["Principal"]["AWS"])
        and action in many(statement["Action"])
        and any((BASE + name).startswith(resource[:-1]) for resource in many(statement["Resource"]))
        for statement in statements
    )


@given(grants)
def test_statements_allow_exactly_the_grants(these: frozenset[Grant]) -> None:
    """Every account, repository and action: allowed if and only if granted."""
    statements = [dict(item) for item in statements_for(these, OWNER, HERE)]
    for account in ("1" * 12, "2" * 12, "3" * 12, "4" * 12, "5" * 12):
        for name in ("x", "a/x", "a/b/x", "c/x"):
            for action in (REPLICATE_IMAGE, CREATE_REPOSITORY):
                wanted = any(
                    change.source == account
                    and change.action == action
                    and name.startswith(change.prefix)
                    for change in these
                )
                assert allowed(statements, account, name, action) == wanted


@given(grants)
def test_reading_back_gives_the_same_grants(these: frozenset[Grant]) -> None:
    """What was written means the same when read; the statements are all ours, with unique Sids."""
    document = compose(parse_policy(None, OWNER, HERE), these, OWNER, HERE).document
    parsed = parse_policy(json.loads(json.dumps(document)), OWNER, HERE)
    assert parsed.grants == reduced(these)
    assert (parsed.foreign, parsed.opaque) == ((), ())
    assert (document is None) == (not these)
    sids = [item["Sid"] for item in statements_for(these, OWNER, HERE)]
    assert len(set(sids)) == len(sids)


@given(foreign_statements, grants, grants)
def test_foreign_statements_survive_every_merge(
    theirs: list[JsonObject], first: frozenset[Grant], then: frozenset[Grant]
) -> None:
    """Whatever we add and take away, other people's statements stay, unchanged and in order."""
    document: JsonObject = {"Version": "2008-10-17", "Id": "theirs", "Statement": theirs}
    start = parse_policy(document, OWNER, HERE)
    assert list(start.foreign) == theirs
    between = compose(start, first, OWNER, HERE).document
    after = compose(parse_policy(between, OWNER, HERE), then, OWNER, HERE).document
    parsed = parse_policy(after, OWNER, HERE)
    assert list(parsed.foreign) == theirs
    if after is None:
        assert not theirs
    elif between is not None:
        assert (after["Version"], after["Id"]) == ("2008-10-17", "theirs")
    emptied = compose(parsed, frozenset(), OWNER, HERE).document
    assert (emptied is None) == (not theirs)


patterns = st.builds(
    Grant, accounts, st.sampled_from(["a/*", "a?/", "a${aws:username}"]), st.just(REPLICATE_IMAGE)
)


@given(foreign_statements, grants, st.frozensets(patterns, max_size=2))
def test_a_policy_that_was_made_is_as_one_that_is_read(
    theirs: list[JsonObject], ours: frozenset[Grant], odd: frozenset[Grant]
) -> None:
    """Whoever makes a policy knows what it means without parsing it: just what a read would tell,
    also where a prefix holds what a policy takes for a pattern."""
    document: JsonObject = {"Version": "2012-10-17", "Statement": theirs}
    made = compose(parse_policy(document, OWNER, HERE), ours | odd, OWNER, HERE)
    read = parse_policy(made.document, OWNER, HERE)
    assert (made.grants, made.opaque, made.implied) == (read.grants, read.opaque, read.implied)
    assert (made.foreign, made.outdated) == (read.foreign, read.outdated)


odd = st.builds(
    Grant,
    accounts,
    st.sampled_from(['q"/', "b\\/", "é/", "\ud800/", "\x7f/"]),
    st.just(REPLICATE_IMAGE),
)


@given(foreign_statements, grants, st.frozensets(odd, max_size=3))
def test_the_text_of_a_policy_is_counted_and_hashed_as_it_is_sent(
    foreign: list[JsonObject], these: frozenset[Grant], more: frozenset[Grant]
) -> None:
    """Although statements are put together from parts: whatever JSON has to escape in a prefix,
    beside any other statements, and in registries whose names are longer."""
    document: JsonObject | None = {"Version": VERSION, "Statement": foreign} if foreign else None
    for registry in (HERE, registry_of("8", "ap-southeast-2")):
        made = compose(parse_policy(document, OWNER, registry), these | more, OWNER, registry)
        assert made.size == policy_size(made.document)
        ours = as_tuple((made.document or {}).get("Statement"))[len(foreign) :]
        for statement in ours:
            assert isinstance(statement, Mapping)
            content = {key: value for key, value in statement.items() if key != "Sid"}
            sid = OWNER.sid_prefix + short_hash(canonical_json(content))
            assert next(iter(statement.items())) == ("Sid", sid)


@given(foreign_statements, grants, st.sampled_from(["as it is", "respelled", "with an Id"]))
def test_a_policy_is_kept_small_without_a_change(
    theirs: list[JsonObject], ours: frozenset[Grant], how: str
) -> None:
    """What was read is kept as what it is made from only where that gives the very same text, also
    in another process."""
    made = compose(parse_policy(None, OWNER, HERE), ours, OWNER, HERE).document
    document: dict[str, Any] | None = None if made is None else json.loads(json.dumps(made))
    if theirs and document is not None:
        document["Statement"] += theirs
    if document is not None and how == "respelled":
        document["Statement"][0] = dict(reversed(document["Statement"][0].items()))
    if document is not None and how == "with an Id":
        document["Id"] = "x"
    read = parse_policy(document, OWNER, HERE)
    kept = as_composed(read, OWNER, HERE)
    assert (kept is not read) == (bool(ours) and not theirs and how == "as it is")
    for policy in (kept, pickle.loads(pickle.dumps(kept))):
        assert compact_json(policy.document) == compact_json(document)
        assert (policy.grants, policy.foreign) == (read.grants, read.foreign)
        assert (policy.size, policy.is_missing) == (read.size, read.is_missing)
        assert policy.same_as(read)


@given(grants, st.randoms(use_true_random=False))
def test_order_grouping_and_spelling_are_no_difference(
    these: frozenset[Grant], random: Random
) -> None:
    """One statement per grant, shuffled, ids for ARNs, lists of one: the same grants."""
    scattered: list[Any] = [
        {
            "Sid": f"{OWNER.sid_prefix}{index:08x}",
            "Effect": "Allow",
            "Principal": {
                "AWS": random.choice([grant.source, [f"arn:aws:iam::{grant.source}:root"]])
            },
            "Action": random.choice([grant.action, [grant.action.lower()]]),
            "Resource": [f"{BASE}{grant.prefix}*"],
        }
        for index, grant in enumerate(these)
    ]
    random.shuffle(scattered)
    parsed = parse_policy({"Version": "2012-10-17", "Statement": scattered}, OWNER, HERE)
    assert parsed.grants == reduced(these)
    assert parsed.opaque == ()


def test_sources_that_share_resources_share_a_statement() -> None:
    """Two sources of the same prefixes are one statement, with the Sid the format asks for."""
    first, second = AccountId("1" * 12), AccountId("2" * 12)
    statements = statements_for(
        [
            Grant(source, "a/", action)
            for source in (second, first)
            for action in (REPLICATE_IMAGE, CREATE_REPOSITORY)
        ],
        OWNER,
        HERE,
    )
    assert statements == (
        {
            "Sid": "FleetRepl6754af961dd7ff1f",
            "Effect": "Allow",
            "Principal": {
                "AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]
            },
            "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
            "Resource": "arn:aws:ecr:eu-west-1:999999999999:repository/a/*",
        },
    )


def test_a_statement_of_ours_that_someone_edited_is_no_grant() -> None:
    """A condition, a Deny, another principal, action or resource, or one of these left empty: not
    understood, so rewritten."""
    good = dict(statements_for([Grant(AccountId("1" * 12), "a/", REPLICATE_IMAGE)], OWNER, HERE)[0])
    edits: list[dict[str, Any]] = [
        {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}},
        {"Effect": "Deny"},
        {"Principal": "*"},
        {"Principal": {"AWS": "arn:aws:iam::111111111111:role/x"}},
        {"Principal": {"Service": "ecr.amazonaws.com"}},
        {"Action": "ecr:*"},
        {"Resource": f"{BASE}a/exact"},
        {"Resource": f"{BASE}a*b*"},
        {"Resource": "arn:aws:ecr:eu-west-2:999999999999:repository/a/*"},
        {"Principal": {"AWS": []}},
        {"Action": []},
        {"Resource": []},
    ]
    for edit in edits:
        edited = {**good, **edit}
        parsed = parse_policy({"Version": "2012-10-17", "Statement": [edited]}, OWNER, HERE)
        assert (parsed.grants, parsed.opaque, parsed.foreign) == (frozenset(), (edited,), ()), edit
        assert compose(parsed, frozenset(), OWNER, HERE).document is None


def test_a_single_statement_need_not_be_a_list() -> None:
    """A policy whose Statement is one object is read like a list of one."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}
    parsed = parse_policy({"Version": "2012-10-17", "Statement": statement}, OWNER, HERE)
    assert parsed.foreign == (statement,)
