"""Links that turn out to be held while a plan is carried out, beside those it held already."""

from __future__ import annotations

from datetime import UTC, datetime

from fleet_repl.engine.ledger import Ledger
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.outcomes import Event, Outcome
from fleet_repl.plan import HeldLink, InventoryRef, Plan, RegistryPlan, State, Summary

HUB, FIRST, SECOND = (Registry(AccountId(digit * 12), Region("eu-west-1")) for digit in "123")


def held(destination: Registry, *prefixes: str, because: str) -> HeldLink:
    return HeldLink(destination=destination, prefixes=prefixes, because=because)


def test_what_both_name_counts_once() -> None:
    """By its later reason; of a link of which nothing else was held, nothing is left."""
    planned = (
        held(FIRST, "base/", "team/", because="planned"),
        held(SECOND, "base/", because="planned"),
    )
    one = RegistryPlan(registry=HUB, name="hub", state=State.UNCHANGED, changes=(), held=planned)
    plan = Plan(
        digest="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest=""),
        summary=Summary(
            registries=1,
            changed=0,
            unchanged=1,
            unreadable=0,
            held=3,
            links_added=0,
            links_removed=0,
        ),
        registries=(one,),
    )
    events: list[Event] = []
    ledger = Ledger(plan, events.append)
    later = (
        held(FIRST, "team/", because="later"),
        held(SECOND, "base/", because="later"),
    )
    ledger.hold(HUB, later)
    (outcome,) = ledger.conclude_all(Outcome.CANCELLED, None)
    assert outcome.held == (held(FIRST, "base/", because="planned"), *later)
