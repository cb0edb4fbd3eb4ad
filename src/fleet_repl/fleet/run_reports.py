"""The reports of runs: of a plan that was applied, of a plan that was refused, of an interruption.

Builds values; nothing here writes or reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from fleet_repl.engine.waves import ends_after
from fleet_repl.fleet.context import RunContext
from fleet_repl.planning.account_facts import account_labels
from fleet_repl.planning.acknowledgements import noted
from fleet_repl.planning.authorize import Authorized
from fleet_repl.planning.change import fall_short
from fleet_repl.planning.discovery import discovery_warnings
from fleet_repl.planning.plan import Effort, Objection, Plan, Warning, regions_unknown
from fleet_repl.runs.events import RegistryFinished, RunFinished
from fleet_repl.runs.outcomes import (
    AS_PLANNED,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    wave_outcomes,
)
from fleet_repl.runs.results import untouched
from fleet_repl.topology import NOTICES
from fleet_repl.values.errors import reason_of
from fleet_repl.values.names import Registry


def applied_report(
    context: RunContext,
    authorized: Authorized,
    outcomes: tuple[RegistryOutcome, ...],
    *,
    warnings: tuple[Warning, ...],
    until: str | None,
) -> Report:
    """The report of an authorized plan, before its backfills. `until`: the last wave, if asked."""
    status = run_status(
        outcomes,
        until=until,
        interrupted=context.stop.interrupted,
        short=regions_unknown(warnings),
    )
    report = _report(context, authorized.plan, outcomes, status, authorized.objections, warnings)
    return replace(report, forced=authorized.forced, allowed=authorized.allowed)


def refused_report(
    context: RunContext,
    plan: Plan,
    because: str,
    *,
    objections: tuple[Objection, ...],
    warnings: tuple[Warning, ...],
) -> Report:
    """The report of a plan that is not applied, which is an event: a run that has ended."""
    outcomes = reported(untouched(plan, because), context)
    report = _report(context, plan, outcomes, Status.REFUSED, objections, warnings)
    context.on_event(RunFinished(report=report))
    return report


def interrupted_report(
    context: RunContext,
    scope: Collection[Registry],
    efforts: Mapping[Registry, Effort],
    *,
    rolls_back: str | None,
) -> Report:
    """The report of a run that was stopped before there was a plan."""
    desired = context.desired
    warnings = (*context.warnings, *discovery_warnings(context.inventory, now=context.started))
    known = noted(warnings, context.inventory, judged=NOTICES)
    return Report(
        run_id=context.run_id,
        status=Status.INTERRUPTED,
        started_at=context.started,
        finished_at=context.pace.clock.now(),
        fleet=context.inventory.name,
        inventory=context.inventory_ref,
        plan_digest=None,
        rolls_back=rolls_back,
        warnings=known.warnings,
        acknowledged=known.acknowledged,
        labels=account_labels(context.inventory, scope),
        waves=wave_outcomes((), desired.waves.names),
        registries=tuple(
            RegistryOutcome(
                registry=registry,
                name=desired.names[registry.account],
                wave=desired.waves.name(registry),
                outcome=Outcome.CANCELLED,
                attempts=efforts.get(registry, Effort()).attempts,
                because="interrupted before there was a plan",
            )
            for registry in sorted(scope)
        ),
    )


def run_status(
    outcomes: Sequence[RegistryOutcome],
    *,
    until: str | None,
    interrupted: bool,
    short: bool,
) -> Status:
    """The status of a run, before its backfills. `short`: registries may not have been read, as
    accounts did not say their regions."""
    if interrupted:
        return Status.INTERRUPTED
    if all(registry.outcome in AS_PLANNED for registry in outcomes):
        held = any(fall_short(registry.held) for registry in outcomes)
        return Status.PARTIAL if held or short else Status.OK
    if until is not None and all(_done_up_to(until, registry) for registry in outcomes):
        return Status.STAGED
    good = any(registry.outcome in (*AS_PLANNED, Outcome.PARTIAL) for registry in outcomes)
    return Status.PARTIAL if good else Status.FAILED


def reported(
    outcomes: tuple[RegistryOutcome, ...], context: RunContext
) -> tuple[RegistryOutcome, ...]:
    """The outcomes of a plan that is not carried out, each sent as an event."""
    for outcome in outcomes:
        context.on_event(RegistryFinished(outcome=outcome))
    return outcomes


def with_warning(report: Report, error: Exception, failure: str, consequence: str) -> Report:
    """The report with a warning that something about the run could not be recorded."""
    message = f"{failure}: {reason_of(error)}; {consequence}"
    warning = Warning(kind="not-recorded", message=message)
    return replace(report, warnings=(*report.warnings, warning))


def _report(
    context: RunContext,
    plan: Plan,
    outcomes: tuple[RegistryOutcome, ...],
    status: Status,
    objections: tuple[Objection, ...],
    warnings: tuple[Warning, ...],
) -> Report:
    return Report(
        run_id=context.run_id,
        status=status,
        started_at=context.started,
        finished_at=context.pace.clock.now(),
        fleet=plan.fleet,
        inventory=plan.inventory,
        plan_digest=plan.digest,
        rolls_back=plan.rolls_back,
        objections=objections,
        warnings=warnings,
        acknowledged=plan.acknowledged,
        labels=account_labels(context.inventory, (outcome.registry for outcome in outcomes)),
        registries=outcomes,
        waves=wave_outcomes(outcomes, context.desired.waves.names),
    )


def _done_up_to(wave: str, registry: RegistryOutcome) -> bool:
    """Returns whether nothing of a registry is left but what comes after `wave`."""
    left = [change for change in registry.changes if change.outcome not in AS_PLANNED]
    as_asked = all(change.because == ends_after(wave) for change in left)
    done = registry.outcome is not Outcome.FAILED and not fall_short(registry.held)
    return as_asked and done
