"""Which backfills are started, followed, or wait: laws, and the cases worth a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import Backfill, BackfillState, Decision, decide
from fleet_repl.values.names import Registry

HERE, NEXT_DOOR = map(registry_of, "23")
FAR = registry_of("2", "us-east-1")

Make = Callable[..., Backfill]


def named(decision: Decision) -> list[Registry]:
    """Every destination that a decision speaks of."""
    followed = [link.destination for link in (*decision.follow, *decision.done)]
    return sorted([*decision.start, *followed, *decision.waiting])


def after(listed: tuple[Backfill, ...], decision: Decision, now: datetime) -> tuple[Backfill, ...]:
    """What ECR lists once everything was started."""
    return listed + tuple(
        Backfill(id=f"new-{item}", destination=item, status="PREPARING", started_at=now)
        for item in decision.start
    )


@given(data=st.data())
def test_every_wish_is_answered_once(
    data: DataObject, listings: SearchStrategy[Any], wishes: SearchStrategy[Any]
) -> None:
    """Started, followed, done or waiting: never two of them, and nobody else's."""
    wanted = data.draw(wishes)
    assert named(decide(wanted, data.draw(listings))) == sorted(wanted)


@given(data=st.data())
def test_ecr_never_has_to_refuse(
    data: DataObject, listings: SearchStrategy[Any], wishes: SearchStrategy[Any], noon: datetime
) -> None:
    """At most ten are active in a registry, and one for a destination region."""
    listed = data.draw(listings)
    decision = decide(data.draw(wishes), listed)
    active = [item for item in after(listed, decision, noon) if item.active]
    assert len(active) <= 10
    assert max(Counter(link.destination.region for link in active).values(), default=0) <= 1


@given(data=st.data())
def test_what_was_started_is_not_started_again(
    data: DataObject, listings: SearchStrategy[Any], wishes: SearchStrategy[Any], noon: datetime
) -> None:
    """Who asks again right away, however the clocks differ, starts nothing."""
    listed, wanted = data.draw(listings), data.draw(wishes)
    decision = decide(wanted, listed)
    then = after(listed, decision, noon - timedelta(days=1))
    fresh = {item.id for item in then} - {item.id for item in listed}
    again = decide(wanted, then, fresh=fresh)
    assert again.start == ()
    assert {link.destination for link in again.follow} >= set(decision.start)


@given(data=st.data())
def test_everything_is_started_in_the_end(
    data: DataObject, listings: SearchStrategy[Any], wishes: SearchStrategy[Any]
) -> None:
    """As long as backfills end, the queue gets shorter; each destination has one new at most."""
    listed, wanted = data.draw(listings), data.draw(wishes)
    fresh: set[str] = set()
    started: Counter[Registry] = Counter()
    for turn in range(len(wanted) + 2):
        decision = decide(wanted, listed, fresh=fresh)
        started.update(decision.start)
        moment = datetime.fromisoformat("2026-11-24T00:00:00Z") + timedelta(seconds=turn)
        new = {item.id for item in after((), decision, moment)}
        fresh |= new
        listed = tuple(
            replace(item, status="COMPLETE", ended_at=moment) if item.active else item
            for item in after(listed, decision, moment)
        )
    assert not decide(wanted, listed, fresh=fresh).waiting
    assert all(number == 1 for number in started.values())


@given(data=st.data())
def test_order_of_the_list_is_nothing(
    data: DataObject, listings: SearchStrategy[Any], wishes: SearchStrategy[Any]
) -> None:
    """The decision is that of the set."""
    listed, wanted = data.draw(listings), data.draw(wishes)
    shuffled = data.draw(st.permutations(listed))
    assert decide(wanted, shuffled) == decide(wanted, listed)


def test_one_that_is_there_does(made: Make) -> None:
    """Under way it is followed; complete it is done."""
    running, complete = made("IN_PROGRESS", HERE), made("COMPLETE", FAR)
    decision = decide({HERE: None, FAR: None}, [running, complete])
    assert decision == Decision(follow=(running,), done=(complete,))


def test_one_that_came_to_nothing_is_started_again(made: Make) -> None:
    """Failed or stopped."""
    for status in ("FAILED", "STOPPED"):
        assert decide({HERE: None}, [made(status, HERE)]).start == (HERE,)


def test_copies_that_failed_are_not_done(made: Make) -> None:
    """ECR calls it complete; only the run that started it leaves it at that."""
    short = replace(made("COMPLETE", HERE), failed=1)
    assert decide({HERE: None}, [short]).start == (HERE,)
    assert decide({HERE: None}, [short], fresh={short.id}).done == (short,)
    whole = made("COMPLETE", HERE, short.started_at - timedelta(hours=1), "b")
    assert decide({HERE: None}, [whole, short]).done == (whole,)


def test_who_has_waited_longest_goes_first(made: Make, noon: datetime) -> None:
    """One that fails each time does not keep its neighbour out for ever."""
    failed = made("FAILED", HERE)
    assert decide({HERE: None, NEXT_DOOR: None}, [failed]).start == (NEXT_DOOR,)
    later = made("FAILED", NEXT_DOOR, noon + timedelta(hours=1), "b")
    assert decide({HERE: None, NEXT_DOOR: None}, [failed, later]).start == (HERE,)


def test_what_is_past_counts_for_the_turn_only(made: Make) -> None:
    """Where all is to be copied again, a complete one is as good as none."""
    complete = made("COMPLETE", HERE)
    assert decide({HERE: None}, [complete], past={complete.id}).start == (HERE,)
    both = decide({HERE: None, NEXT_DOOR: None}, [complete], past={complete.id})
    assert both.start == (NEXT_DOOR,)


def test_a_complete_one_from_before_the_link_does_not_count(made: Make, noon: datetime) -> None:
    """It copied what the rules said then; one that still runs has to end first."""
    since = noon + timedelta(seconds=1)
    assert decide({HERE: since}, [made("COMPLETE", HERE)]).start == (HERE,)
    assert decide({HERE: since}, [made("IN_PROGRESS", HERE)]).waiting == {
        HERE: "an earlier backfill to it has not ended"
    }
    assert decide({HERE: noon}, [made("COMPLETE", HERE)]).start == ()


def test_one_that_is_being_stopped_is_waited_for(made: Make) -> None:
    """It will not get to its end, and holds its region until then."""
    assert HERE in decide({HERE: None}, [made("STOPPING", HERE)]).waiting


def test_others_hold_the_region(made: Make) -> None:
    """Another account's registry in the same region has to wait, and is told for whom."""
    decision = decide({HERE: None}, [made("PREPARING", NEXT_DOOR)])
    assert decision.waiting == {
        HERE: "ECR runs one backfill to a region at a time, and that to "
        "333333333333/eu-west-1 has not ended"
    }


def test_others_fill_the_registry(made: Make) -> None:
    """Ten of anybody's are all there can be."""
    running = [made("IN_PROGRESS", registry_of("9", f"ap-north-{number}")) for number in range(10)]
    decision = decide({HERE: None}, running)
    assert decision.waiting == {HERE: "ECR runs 10 backfills of a registry at a time"}
    assert decide({HERE: None}, running[:9]).start == (HERE,)


def test_a_status_that_is_not_known_counts_as_under_way(made: Make) -> None:
    """Until ECR says when it ended."""
    unknown = made("PONDERING", HERE)
    assert unknown.state is BackfillState.UNKNOWN
    assert decide({HERE: None}, [unknown]).follow == (unknown,)
    ended = replace(unknown, ended_at=unknown.started_at)
    assert decide({HERE: None}, [ended]).start == (HERE,)
