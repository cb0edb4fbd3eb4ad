"""Each objection in the words that its reader gets, and when there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from tests.planning.objections.conftest import Make

from fleet_repl.inventory import Amount, Safety
from fleet_repl.planning.change import Resource
from fleet_repl.planning.objections import (
    objections,
    objections_to,
    outstanding,
    rolled_back_objection,
)
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import Objection
from fleet_repl.values.names import Registry

ANYTHING = Safety(
    max_removals=Amount(percent=Fraction(100)), max_unreadable=Amount(percent=Fraction(100))
)


def share(percent: int) -> Amount:
    return Amount(percent=Fraction(percent))


@pytest.fixture
def owned(place: Callable[[int], Registry]) -> dict[Registry, Applied]:
    """A record by which every link out of registry 1 is the fleet's own."""
    return {place(1): Applied(links={place(900 + end): ("a/", "b/") for end in range(40)})}


def test_links_of_others(losing: Make, place: Callable[[int], Registry]) -> None:
    """Where something is on record, what is not is somebody else's."""
    record = {place(7): Applied()}
    (warning,) = objections([losing(1, 2, 3), losing(2, 1, 1)], record)
    assert warning.kind == "foreign-rules"
    assert warning.message == (
        "3 links out of 2 registries would be removed or narrowed, as no route asks for them: "
        "000000000001/eu-west-1 → 000000000900/eu-west-1 and others. Nothing records that "
        "fleet-repl made them, so they may be somebody else's. Add a route for what must stay, "
        'keep it with rules = "additive", or go on with --force.'
    )


def test_objections_to_single_registries(
    losing: Make, idle: Make, place: Callable[[int], Registry]
) -> None:
    """Each registry is objected to for what it loses itself, and those of a plan are together
    those of its registries."""
    record, protected = {place(2): Applied(links={place(900): ("a/", "b/")})}, {place(2)}
    plans = [losing(1, 2, 3), losing(2, 1, 1), losing(3, 0, 2), idle(4)]
    single = [objections_to(plan, record, protected=protected) for plan in plans]
    assert [[warning.kind for warning in warnings] for warnings in single] == [
        ["foreign-rules"],
        ["protected"],
        [],
        [],
    ]
    assert single[0][0].message.startswith(
        "2 links out of 000000000001/eu-west-1 would be removed or narrowed"
    )
    wide = objections(plans, record, protected=protected, safety=ANYTHING)
    assert {warning.kind for warning in wide} == {
        warning.kind for warnings in single for warning in warnings
    }
    assert objections_to(plans[1], record, protected=protected, allow=["protected"]) == ()


def test_the_first_run(losing: Make) -> None:
    """It meets rules of others for the first time, and says what a file means for them."""
    (warning,) = objections([losing(1, 1, 3)], {})
    assert warning.kind == "foreign-rules"
    assert warning.message == (
        "1 link out of 000000000001/eu-west-1 would be removed or narrowed, as no route asks for "
        "it: 000000000001/eu-west-1 → 000000000900/eu-west-1. Nothing is on record for this fleet "
        "yet, so whatever is in place may be somebody else's. By default (rules = "
        '"exclusive") the inventory is the whole truth about the rules of every registry that it '
        "lists, and what no route asks for goes. To take over what is in place, let `fleet-repl "
        "import INVENTORY` print routes for it. To leave it to others, write rules = "
        '"additive", in [ownership] or for one account. To let it go, go on with --force.'
    )


def test_too_many_removals(losing: Make, owned: dict[Registry, Applied]) -> None:
    """One more than the share, and a link that is narrowed counts as one."""
    (warning,) = objections([losing(1, 7, 20, narrowed=2)], owned)
    assert warning.kind == "max-removals"
    assert warning.message == (
        "7 of 20 links in place would be removed or narrowed, and max_removals allows 6 (30%): "
        "000000000001/eu-west-1 → 000000000900/eu-west-1 and others. Look whether a route, a "
        "label or an account has got lost. If they shall go, go on with --force, or raise "
        "max_removals in [safety]."
    )
    assert objections([losing(1, 6, 20)], owned) == ()


def test_a_share_of_few_links_says_nothing(
    losing: Make, idle: Make, owned: dict[Registry, Applied]
) -> None:
    """Below ten in place the share is not looked at; a count always is."""
    assert objections([losing(1, 9, 9)], owned) == ()
    assert objections([losing(1, 4, 9), idle(2, 1)], owned) != ()
    none = Safety(max_removals=Amount(count=0))
    (warning,) = objections([losing(1, 1, 9)], owned, safety=none)
    assert "1 of 9 links in place would" in warning.message
    assert (
        "max_removals allows 0: 000000000001/eu-west-1 → 000000000900/eu-west-1." in warning.message
    )


def test_what_is_not_written_takes_nothing_away(
    losing: Make, owned: dict[Registry, Applied], place: Callable[[int], Registry]
) -> None:
    """Changes that are shown and refused are no removals."""
    plan = losing(1, 20, 20, refused=True)
    assert plan.refused.keys() == {Resource.REPLICATION_CONFIGURATION}
    assert objections([plan], {}, protected={place(1)}) == ()


def test_too_many_changes(losing: Make, idle: Make, owned: dict[Registry, Applied]) -> None:
    """A share and a count; only of a count it helps to change fewer at a time."""
    plans = [losing(1, 0, 3), losing(2, 0, 3), idle(3), idle(4)]
    (warning,) = objections(plans, owned, safety=Safety(max_changed=share(49)))
    assert warning.kind == "max-changed"
    assert warning.message == (
        "2 of 4 registries would be changed, and max_changed allows 1 (49%): "
        "000000000001/eu-west-1 (team-1) and others. If that is meant, go on with --force, or "
        "raise max_changed in [safety]."
    )
    (warning,) = objections(plans[:1], owned, safety=Safety(max_changed=Amount(count=0)))
    assert warning.message == (
        "1 of 1 registry would be changed, and max_changed allows 0: 000000000001/eu-west-1 "
        "(team-1). If that is meant, change fewer with --account, --label or --region, go on with "
        "--force, or raise max_changed in [safety]."
    )
    assert objections(plans, owned, safety=Safety(max_changed=share(50))) == ()


def test_too_many_unreadable(unread: Make, idle: Make) -> None:
    """Ten of forty are more than 20%; nine are too few to matter, however many they are of."""
    ten = [unread(number) for number in range(10)]
    (warning,) = objections([*ten, *map(idle, range(10, 40))], {})
    assert warning.kind == "max-unreadable"
    assert warning.message == (
        "10 of 40 registries could not be read, and max_unreadable allows 8 (20%): "
        "000000000000/eu-west-1 (team-0) and others. The plan has their errors. If the rest shall "
        "be written all the same, go on with --force, or raise max_unreadable in [safety]."
    )
    assert objections([*ten, *map(idle, range(10, 50))], {}) == ()
    assert objections(ten[:9], {}) == ()
    (warning,) = objections(ten[:1], {}, safety=Safety(max_unreadable=Amount(count=0)))
    assert warning.message.startswith(
        "1 of 1 registry could not be read, and max_unreadable allows 0"
    )


def test_retired_accounts_are_excused(unread: Make) -> None:
    """One that is gone already is no failure."""
    gone = [unread(number, retired=True) for number in range(20)]
    assert objections(gone, {}, safety=Safety(max_unreadable=Amount(count=0))) == ()


def test_protected_registries(
    losing: Make, owned: dict[Registry, Applied], place: Callable[[int], Registry]
) -> None:
    """Not one link of theirs goes without the word for it."""
    plans = [losing(1, 1, 20), losing(2, 0, 3)]
    (warning,) = objections(plans, owned, protected={place(1), place(2)})
    assert warning.kind == "protected"
    assert warning.message == (
        "1 link out of 000000000001/eu-west-1, which is protected, would be removed or narrowed: "
        "000000000001/eu-west-1 → 000000000900/eu-west-1. Look whether a route, a label or an "
        "account has got lost. --force is not enough to let it go: give --allow protected."
    )
    assert objections(plans, owned, protected={place(1)}, allow=["protected"]) == ()
    assert objections(plans, owned, protected={place(2), place(900)}) == ()


def test_several_protected_registries(losing: Make, place: Callable[[int], Registry]) -> None:
    """They are counted."""
    plans = [losing(1, 2, 3), losing(2, 1, 3)]
    warning = objections(plans, {}, protected={place(1), place(2)})[-1]
    assert warning.message.startswith(
        "3 links out of 2 registries, which are protected, would be removed or narrowed: "
        "000000000001/eu-west-1 → 000000000900/eu-west-1 and others. Look"
    )
    assert "to let them go: give --allow protected." in warning.message


def test_everything_at_once(losing: Make, unread: Make, place: Callable[[int], Registry]) -> None:
    """None hides another."""
    plans = [losing(1, 20, 20), *(unread(number) for number in range(2, 22))]
    warnings = objections(
        plans, {}, safety=Safety(max_changed=Amount(count=0)), protected={place(1)}
    )
    assert [warning.kind for warning in warnings] == [
        "foreign-rules",
        "max-removals",
        "max-changed",
        "max-unreadable",
        "protected",
    ]


def test_what_was_rolled_back() -> None:
    """Both runs and when, in UTC wherever it is read."""
    when = datetime(2026, 11, 23, 9, 15, 59, tzinfo=timezone(timedelta(hours=1)))
    warning = rolled_back_objection("20261123T080000Z-ab12cd", "20261123T081500Z-ef34ab", when)
    assert warning == rolled_back_objection(
        "20261123T080000Z-ab12cd", "20261123T081500Z-ef34ab", when.astimezone(UTC)
    )
    assert warning.kind == "rolled-back"
    assert warning.message == (
        "run 20261123T081500Z-ef34ab rolled back run 20261123T080000Z-ab12cd, which had applied "
        "this version of the inventory, on 2026-11-23 at 08:15 UTC. To apply it again would undo "
        "that. Change the inventory, or go on with --force."
    )


@pytest.mark.parametrize(
    ("force", "allow", "left"),
    [
        (False, (), ["max-removals", "protected", "rolled-back"]),
        (True, (), ["protected"]),
        (False, ("protected",), ["max-removals", "rolled-back"]),
        (True, ("protected", "unknown-fields"), []),
        (False, ("max-removals",), ["max-removals", "protected", "rolled-back"]),
    ],
)
def test_what_is_left_of_them(force: bool, allow: tuple[str, ...], left: list[str]) -> None:
    """`--force` is for all but the protected, and `--allow protected` for these alone."""
    kinds = ("max-removals", "protected", "rolled-back")
    raised = [Objection(kind=kind, message="no") for kind in kinds]
    assert [warning.kind for warning in outstanding(raised, force=force, allow=allow)] == left


def test_thresholds_of_a_hundred_percent_never_object(losing: Make, unread: Make) -> None:
    """Whoever allows everything is not asked."""
    plans = [losing(1, 20, 20), *(unread(number) for number in range(2, 30))]
    warnings = objections(plans, {}, safety=ANYTHING)
    assert [warning.kind for warning in warnings] == ["foreign-rules"]


@pytest.mark.parametrize(
    ("allow", "objects"),
    [((), True), (("unknown-fields",), True), (("max-removals",), True), (("protected",), False)],
)
def test_only_its_own_word_clears_the_protected(
    losing: Make, place: Callable[[int], Registry], *, allow: tuple[str, ...], objects: bool
) -> None:
    """Whatever else is allowed, links of protected registries stay guarded."""
    warnings = objections(
        [losing(1, 1, 20)], {}, safety=ANYTHING, protected={place(1)}, allow=allow
    )
    assert ("protected" in [warning.kind for warning in warnings]) is objects
