"""Examines a fleet and composes the report: accounts, base identity, state. Writes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.doctor import DoctorContext, examine
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.enrolment import excusing, young_in
from fleet_repl.inventory import Inventory
from fleet_repl.runs.doctor import (
    BaseIdentity,
    DoctorReport,
    ExaminedAccount,
    FleetProblem,
    Needs,
    StsUse,
    fleet_problems,
    joining_notes,
    needs_of,
    notes_of,
    queue_note,
    queue_problem,
    run_problems,
    session_seconds,
)
from fleet_repl.state.examine import examine_state
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.queues import QueueAddress


async def examine_fleet(
    scope: frozenset[Registry], context: RunContext, queue: QueueAddress | None
) -> DoctorReport:
    """Examines the registries in scope, the run that does it, the state location, and a queue of
    deliveries."""
    inventory, access = context.inventory, context.registries.access
    base, desired = access.base_identity(), context.desired
    needs = needs_of(inventory, desired.templates, desired.by_name)
    young = await young_in(context)
    subjects = _subjects(scope, inventory, needs, base, young)
    how = DoctorContext(
        reader=context.registries,
        permissions=access,
        needs=needs,
        questions={account: subject.questions for account, subject in subjects.items()},
        concurrency=inventory.apply.concurrency,
        stop=context.stop,
        on_event=excusing(context.on_event, young),
        workers=context.workers,
    )
    examined = await examine(scope, how)
    fleets = (inventory.name, *context.access.formerly)
    state, sts = await examine_state(context.store, context.folder, fleets), _sts_use(context)
    problems = fleet_problems(subjects.values(), examined)
    queue_problems, queue_notes = await _examine_queue(queue, context)
    return DoctorReport(
        fleet=inventory.name,
        started_at=context.started,
        finished_at=context.pace.clock.now(),
        base=base,
        session_seconds=session_seconds(base, inventory),
        sts=sts,
        state=state,
        problems=(*run_problems(base), *state.problems, *queue_problems, *problems),
        notes=(
            *notes_of(inventory, needs, base, sts, examined),
            *queue_notes,
            *joining_notes(subjects.values(), examined),
        ),
        registries={
            registry: subjects[registry.account].checks(registry, examined[registry.account])
            for registry in sorted(scope)
            if registry.account in examined
        },
        names={account: subject.account.name for account, subject in subjects.items()},
        interrupted=context.stop.interrupted,
    )


async def _examine_queue(
    queue: QueueAddress | None, context: RunContext
) -> tuple[tuple[FleetProblem, ...], tuple[str, ...]]:
    """Looks at a queue of deliveries, and receives nothing; returns the problem, or a note."""
    if queue is None or context.stop.interrupted:
        return (), ()
    waiting = context.registries.access.waiting_messages(queue)
    answer = await answer_of("GetQueueAttributes", waiting)
    if isinstance(answer, Fault):
        return (queue_problem(answer),), ()
    return (), (queue_note(answer),)


def _subjects(
    scope: frozenset[Registry],
    inventory: Inventory,
    needs: Needs,
    base: BaseIdentity,
    young: Mapping[AccountId, str],
) -> dict[AccountId, ExaminedAccount]:
    """Returns the accounts in scope, by id."""
    within = {registry.account for registry in scope}
    unanswered = {} if inventory.discovery is None else inventory.discovery.unanswered
    return {
        account.id: ExaminedAccount(
            account=account,
            needs=needs,
            base=base,
            via=inventory.aws.via,
            inventory=shlex.quote(inventory.path),
            unlisted=unanswered.get(account.id),
            joining=young.get(account.id),
        )
        for account in inventory.accounts
        if account.id in within
    }


def _sts_use(context: RunContext) -> StsUse:
    """Returns what the fleet takes from the quota of STS, and what this run has taken."""
    inventory, calls = context.inventory, context.registries.statistics().calls
    return StsUse(
        accounts=sum(account.role is not None for account in inventory.accounts),
        rate=inventory.apply.sts_rate,
        measured=context.registries.access.busiest_second(),
        throttled=calls.get(("sts", "AssumeRole", FaultKind.THROTTLED), 0),
    )
