"""Recovery: what a run had done that ended without a report, by its journal and by a look.

Pure. The journal says how most writes ended. A write that was under way is decided by what is in
place (`open_writes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from fleet_repl.ecr.policy import Owner
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Change, RegistryPlan, Resource
from fleet_repl.planning.stored import stored_content
from fleet_repl.runs.history import JournalEntry, Moment, PastRun, prefix_of
from fleet_repl.runs.open_writes import Verdict, verdict_of
from fleet_repl.runs.outcomes import (
    SETTLED,
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    wave_outcomes,
    worst,
)
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import joined

_Write: TypeAlias = tuple[Registry, Resource, str, str, str | None]
"""One write of a run: what of which registry, in which wave and phase; a template's prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What is known of a run that ended without a report."""

    report: Report
    """As it would have been written, had the run been interrupted in good order."""
    planned: int
    """Writes that the run was to make."""
    done: int
    """Writes that had ended well."""
    failed: int
    """Writes that had failed, or were not to be tried in the end."""
    under_way: int
    """Writes that were announced, and of which the journal does not say how they ended."""
    in_place: int
    """Writes under way that were made."""
    in_doubt: int
    """Writes under way of which nobody can tell whether they were made."""
    message: str
    """All of this in a sentence."""


@dataclass(slots=True)
class _Journaled:
    """The last lines of the journal about each write."""

    sent: dict[_Write, JournalEntry] = field(default_factory=dict)
    ended: dict[_Write, JournalEntry] = field(default_factory=dict)
    open: dict[_Write, JournalEntry] = field(default_factory=dict)
    """Writes that may have been sent, and of which the journal does not say how they ended."""


def aftermath(
    past: PastRun,
    seen: Mapping[Registry, Observed | Unreadable],
    owner: Owner,
    waves: Sequence[str] = (REST,),
) -> Aftermath:
    """What a run had done that has not ended as it should.

    A run with a report had done everything, and died before it could say so. `seen` is what is in
    place now in the registries that `still_open` names; the write that was under way in a missing
    registry stays in doubt. `waves` are in their order.
    """
    journaled = _journaled(past)
    verdicts = {
        write: verdict_of(entry, seen.get(entry.registry), owner)
        for write, entry in journaled.open.items()
    }
    counts = Counter(verdict.outcome for verdict in verdicts.values())
    done = sum(entry.outcome in SETTLED for entry in journaled.ended.values())
    unworded = Aftermath(
        report=past.report or _report(past, journaled, verdicts, waves),
        planned=past.meta.changes,
        done=done,
        failed=len(journaled.ended) - done,
        under_way=len(verdicts),
        in_place=counts[Outcome.APPLIED],
        in_doubt=counts[Outcome.FAILED],
        message="",
    )
    return replace(unworded, message=_sentence(unworded, past))


def still_open(past: PastRun) -> frozenset[Registry]:
    """Registries with a write that was under way: those that `aftermath` has to have seen."""
    return frozenset(entry.registry for entry in _journaled(past).open.values())


def _report(
    past: PastRun, journaled: _Journaled, verdicts: Mapping[_Write, Verdict], waves: Sequence[str]
) -> Report:
    """The report that the run did not write. It ended with the last line of its journal."""
    meta = past.meta
    because = (
        f"the run ended without a report (process {meta.holder.pid} on host {meta.holder.host})"
    )
    registries = tuple(
        _outcome(registry_plan, journaled, verdicts, because)
        for registry_plan in past.plan.registries
    )
    return Report(
        run_id=meta.run_id,
        status=Status.INTERRUPTED,
        started_at=meta.started_at,
        finished_at=max((entry.at for entry in past.journal), default=meta.started_at),
        fleet=meta.fleet,
        inventory=meta.inventory,
        plan_digest=meta.plan_digest,
        forced=meta.forced,
        allowed=meta.allowed,
        rolls_back=meta.rolls_back,
        objections=past.plan.objections,
        warnings=past.plan.warnings,
        acknowledged=past.plan.acknowledged,
        registries=registries,
        waves=wave_outcomes(registries, waves),
    )


def _journaled(past: PastRun) -> _Journaled:
    journaled = _Journaled()
    for entry in past.journal:
        write = (entry.registry, entry.resource, entry.wave, entry.phase.value, entry.prefix)
        match entry.moment:
            case Moment.SENDING:
                # A write is sent again after its end where others had changed the document.
                journaled.sent[write] = entry
                journaled.ended.pop(write, None)
            case Moment.SETTLED:
                journaled.ended[write] = entry
            case _:
                assert_never(entry.moment)
    if past.report is None:
        journaled.open = {
            write: entry for write, entry in journaled.sent.items() if write not in journaled.ended
        }
    return journaled


def _outcome(
    registry_plan: RegistryPlan,
    journaled: _Journaled,
    verdicts: Mapping[_Write, Verdict],
    because: str,
) -> RegistryOutcome:
    """A registry of the plan: as bad as the worst of its writes."""
    changes: list[ChangeOutcome] = []
    error = registry_plan.error if registry_plan.fails else None
    for change in registry_plan.changes:
        ended, fault = _change_outcome(registry_plan, change, journaled, verdicts, because)
        changes.append(ended)
        error = error or fault
    outcomes = {change.outcome for change in changes}
    outcome = Outcome.FAILED if registry_plan.fails else worst(outcomes)
    reason = None if outcome is Outcome.APPLIED else because
    if outcome is Outcome.UNCHANGED:
        reason = registry_plan.excuse
    return RegistryOutcome(
        registry=registry_plan.registry,
        name=registry_plan.name,
        wave=registry_plan.wave,
        outcome=outcome,
        changes=tuple(changes),
        held=registry_plan.held,
        error=error,
        because=reason,
    )


def _change_outcome(
    registry_plan: RegistryPlan,
    change: Change,
    journaled: _Journaled,
    verdicts: Mapping[_Write, Verdict],
    because: str,
) -> tuple[ChangeOutcome, Fault | None]:
    write = (
        registry_plan.registry,
        change.resource,
        change.wave,
        change.phase.value,
        prefix_of(change),
    )
    sent, ended, verdict = (
        journaled.sent.get(write),
        journaled.ended.get(write),
        verdicts.get(write),
    )
    refusal = registry_plan.refused.get(change.resource)
    outcome, error = Outcome.CANCELLED, None
    if ended is not None:
        outcome = ended.outcome or Outcome.FAILED
    elif verdict is not None:
        outcome, error = verdict.outcome, verdict.error
    elif refusal is not None:
        outcome, error = Outcome.FAILED, refusal
    # The run may have left something out of what was planned: a link that was held after all.
    before, after = change.before, change.after
    if sent is not None:
        before, after = (
            stored_content(change.resource, document) for document in (sent.before, sent.after)
        )
    return (
        ChangeOutcome(
            resource=change.resource,
            action=change.action,
            wave=change.wave,
            outcome=outcome,
            request_id=ended.request_id if ended is not None else None,
            before=before,
            after=after,
            in_doubt=ended.in_doubt
            if ended is not None
            else verdict is not None and verdict.in_doubt,
            because=because if outcome in (Outcome.CANCELLED, Outcome.SKIPPED) else None,
        ),
        error,
    )


def _sentence(aftermath: Aftermath, past: PastRun) -> str:
    """What had been done, for people."""
    if past.report is not None:
        return f"{past.meta.holder} ended right after its report: {past.report.status}"
    noun = "write was" if aftermath.planned == 1 else "writes were"
    parts = [f"{aftermath.done} of its {aftermath.planned} {noun} done"]
    if aftermath.failed:
        parts.append(f"{aftermath.failed} had failed")
    if aftermath.under_way:
        was = "was" if aftermath.under_way == 1 else "were"
        parts.append(f"{aftermath.under_way} {was} under way: {_looked_up(aftermath)}")
    return f"{past.meta.holder} ended without a report: {', '.join(parts)}"


def _looked_up(aftermath: Aftermath) -> str:
    untouched = aftermath.under_way - aftermath.in_place - aftermath.in_doubt
    counts = [
        f"{count} {verb}"
        for count, verb in (
            (aftermath.in_place, "is in place" if aftermath.in_place == 1 else "are in place"),
            (untouched, "was not made" if untouched == 1 else "were not made"),
            (aftermath.in_doubt, "is in doubt" if aftermath.in_doubt == 1 else "are in doubt"),
        )
        if count
    ]
    return joined(counts)
