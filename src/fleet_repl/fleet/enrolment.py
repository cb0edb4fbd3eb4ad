"""Finds the accounts that are joining in a run, and excuses them in its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleet_repl.engine.observe import observe
from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.recover import known_fingerprints
from fleet_repl.planning.enrolment import NONE_JOINING, joining_accounts, young_accounts
from fleet_repl.runs.events import Event, RegistryRead
from fleet_repl.values.names import AccountId, Registry


async def young_in(context: RunContext) -> Mapping[AccountId, str]:
    """Returns the accounts that are joining if AWS refuses their roles, each with a sentence."""
    young = young_accounts(context.inventory, context.started)
    if not young:
        return NONE_JOINING
    fingerprints, _ = await known_fingerprints(context)
    return young_accounts(context.inventory, context.started, fingerprints)


async def joining_among(
    registries: Iterable[Registry], context: RunContext
) -> Mapping[AccountId, str]:
    """Returns the accounts of these registries that are joining, each with a sentence.

    Only registries of accounts that came less than a day ago are read, as a plan reads them: so a
    command that needs no plan says the same of an account as a plan would.
    """
    young = await young_in(context)
    asked = {registry for registry in registries if registry.account in young} if young else set()
    if not asked:
        return NONE_JOINING
    sink = excusing(context.on_event, young)
    how = replace(context.observing({}), on_event=sink, owner=None, with_templates=())
    observation, _ = await observe(asked, how)
    return joining_accounts(observation, young)


def excusing(sink: EventSink, young: Mapping[AccountId, str]) -> EventSink:
    """Returns a sink that adds to the event of a registry whose role was refused why that is no
    failure. `young`: the accounts of `young_accounts`."""
    if not young:
        return sink

    def pass_on(event: Event) -> None:
        if isinstance(event, RegistryRead) and event.error is not None and event.error.role_refused:
            event = replace(event, excuse=young.get(event.registry.account))
        sink(event)

    return pass_on
