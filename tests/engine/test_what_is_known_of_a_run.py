"""What is known of each registry while a plan is carried out, and when it is concluded."""

from __future__ import annotations

from tests.support.changes import change_of
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.engine.ledger import Ledger
from fleet_repl.planning.change import Action, HeldLink, Phase, Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.runs.events import Event, RegistryFinished
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.names import Registry

HUB, FIRST, SECOND = map(registry_of, "123")


def held(destination: Registry, *prefixes: str, because: str) -> HeldLink:
    return HeldLink(destination=destination, prefixes=prefixes, because=because)


def test_what_both_name_counts_once() -> None:
    """By its later reason; of a link of which nothing else was held, nothing is left."""
    planned = (
        held(FIRST, "base/", "team/", because="planned"),
        held(SECOND, "base/", because="planned"),
    )
    plan = RegistryPlan(registry=HUB, name="hub", state=State.UNCHANGED, changes=(), held=planned)
    events: list[Event] = []
    ledger = Ledger(plan_of(plan), events.append)
    later = (
        held(FIRST, "team/", because="later"),
        held(SECOND, "base/", because="later"),
    )
    ledger.hold(HUB, later)
    assert events == []
    ledger.note_links_known(HUB)
    assert len(events) == 1
    (outcome,) = ledger.conclude_all(Outcome.CANCELLED, None)
    assert outcome.held == (held(FIRST, "base/", because="planned"), *later)


def test_a_registry_is_concluded_once_what_was_written_has_been_looked_at_again() -> None:
    """Not before, though all of its changes are made and all of its links are told of."""
    change = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before={"rules": []},
        after={"rules": []},
    )
    plan = RegistryPlan(registry=HUB, name="hub", state=State.CHANGED, changes=(change,))
    events: list[Event] = []
    ledger = Ledger(plan_of(plan), events.append)
    ledger.record(HUB, change, Outcome.APPLIED)
    ledger.note_links_known(HUB)
    assert events == []
    ledger.note_last_look(HUB)
    assert [type(event) for event in events] == [RegistryFinished]
