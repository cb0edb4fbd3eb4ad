"""Statements under a name that the fleet had are ours, and are written once more."""

from __future__ import annotations

from typing import Any

from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    compose,
    foreign_sids,
    parse_policy,
    statements_for,
)
from fleet_repl.values.names import AccountId, Partition

HERE = registry_of("9")
BEFORE = Owner(fleet="old-name", partition=Partition.AWS)
NOW = Owner(fleet="prod", partition=Partition.AWS, formerly=("older", "old-name"))
STRANGER = Owner(fleet="prod", partition=Partition.AWS)
GRANT = Grant(AccountId("1" * 12), "base/", REPLICATE_IMAGE)
OTHER = Grant(AccountId("2" * 12), "base/", CREATE_REPOSITORY)


def document(*statements: Any) -> Any:
    return {"Version": "2012-10-17", "Statement": statements}


def test_statements_with_a_former_mark_are_grants() -> None:
    """Their meaning counts; without the former name they are a stranger's."""
    before = document(*statements_for([GRANT], BEFORE, HERE))
    ours = parse_policy(before, NOW, HERE)
    assert (ours.grants, ours.foreign, ours.outdated) == (frozenset({GRANT}), (), True)
    theirs = parse_policy(before, STRANGER, HERE)
    assert (theirs.grants, len(theirs.foreign), theirs.outdated) == (frozenset(), 1, False)


def test_writing_them_again_is_a_change_and_the_last_one() -> None:
    """Same grants, another mark: not the same policy. After that there is nothing to do."""
    policy = parse_policy(document(*statements_for([GRANT], BEFORE, HERE)), NOW, HERE)
    written = compose(policy, policy.grants, NOW, HERE).document
    again = parse_policy(written, NOW, HERE)
    assert (again.grants, again.outdated) == (frozenset({GRANT}), False)
    assert not policy.same_as(again)
    assert not policy.shows(again)
    assert written == document(*statements_for([GRANT], NOW, HERE))


def test_a_renaming_that_was_broken_off_goes_on() -> None:
    """Both marks beside each other: all of it is ours, and still outdated."""
    statements = [*statements_for([GRANT], BEFORE, HERE), *statements_for([OTHER], NOW, HERE)]
    policy = parse_policy(document(*statements), NOW, HERE)
    assert (policy.grants, policy.outdated) == (frozenset({GRANT, OTHER}), True)


def test_the_present_name_among_the_former_ones_makes_nothing_outdated() -> None:
    """A fleet that has its name back."""
    owner = Owner(fleet="prod", partition=Partition.AWS, formerly=("prod",))
    policy = parse_policy(document(*statements_for([GRANT], owner, HERE)), owner, HERE)
    assert (policy.grants, policy.outdated) == (frozenset({GRANT}), False)


def test_foreign_statements_are_named_in_their_order() -> None:
    """Those that share a Sid once, those without a Sid as a count; ours not at all."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}
    ours = statements_for([GRANT], NOW, HERE)

    def names(*sids: str | None) -> tuple[str, ...]:
        theirs = [deny if sid is None else {"Sid": sid, **deny} for sid in sids]
        return foreign_sids(parse_policy(document(*theirs, *ours), NOW, HERE))

    assert names() == ()
    assert names("Two", "One", "Two") == ("Two", "One")
    assert names(None, "One", "") == ("One", "2 statements without Sid")
    assert names(None) == ("a statement without Sid",)


def test_what_is_written_anew_although_nothing_is_missing() -> None:
    """A statement with a former mark, or one that somebody edited: each by itself is enough."""
    current, former = (statements_for([GRANT], owner, HERE) for owner in (NOW, BEFORE))
    edited = [{**item, "Effect": "Deny"} for item in current]
    for statements, untidy in ((current, False), (former, True), (edited, True)):
        assert parse_policy(document(*statements), NOW, HERE).is_untidy is untidy
