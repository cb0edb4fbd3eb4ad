"""Examines a fleet and composes the report: accounts, base identity, state. Writes nothing."""

from __future__ import annotations

import shlex

from fleet_repl.engine.doctor import DoctorContext, examine
from fleet_repl.fleet.context import RunContext
from fleet_repl.runs.doctor import (
    DoctorReport,
    Patient,
    StsUse,
    checks_of,
    fleet_problems,
    needs_of,
    notes_of,
    questions_of,
    run_problems,
    session_seconds,
)
from fleet_repl.state import examine_state
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import Registry


async def examine_fleet(scope: frozenset[Registry], context: RunContext) -> DoctorReport:
    """Examines the registries in scope, the run that does it, and the state location."""
    inventory, access, clock = context.inventory, context.registries.access, context.pace.clock
    base, needs = access.base_identity(), needs_of(inventory, context.desired.templates)
    accounts = {registry.account for registry in scope}
    listed = [account for account in inventory.accounts if account.id in accounts]
    retired = {account.id for account in listed if account.retired}
    examined = await examine(
        scope,
        DoctorContext(
            reader=context.registries,
            permissions=access,
            needs=needs,
            questions={account.id: questions_of(needs, account, base) for account in listed},
            concurrency=inventory.apply.concurrency,
            stop=context.stop,
            on_event=context.on_event,
        ),
    )
    sts = _sts_use(context)
    fleets = (inventory.name, *context.access.formerly)
    state = await examine_state(context.store, context.folder, fleets)
    patients = [
        Patient(
            account=account,
            needs=needs,
            base=base,
            via=inventory.aws.via,
            inventory=shlex.quote(inventory.path),
        )
        for account in listed
    ]
    return DoctorReport(
        fleet=inventory.name,
        started_at=context.started,
        finished_at=clock.now(),
        base=base,
        session_seconds=session_seconds(base, inventory),
        sts=sts,
        state=state,
        problems=(*run_problems(base), *state.problems, *fleet_problems(patients, examined)),
        notes=notes_of(inventory, needs, base, sts, examined),
        registries={
            registry: checks_of(
                registry,
                needs,
                examined[registry.account],
                retired=registry.account in retired,
            )
            for registry in sorted(scope)
            if registry.account in examined
        },
        names={account.id: account.name for account in listed},
        interrupted=context.stop.interrupted,
    )


def _sts_use(context: RunContext) -> StsUse:
    """Returns what the fleet takes from the quota of STS, and what this run has taken."""
    inventory, calls = context.inventory, context.registries.statistics().calls
    return StsUse(
        accounts=sum(account.role is not None for account in inventory.accounts),
        rate=inventory.apply.sts_rate,
        measured=context.registries.access.busiest_second(),
        throttled=calls.get(("sts", "AssumeRole", FaultKind.THROTTLED), 0),
    )
