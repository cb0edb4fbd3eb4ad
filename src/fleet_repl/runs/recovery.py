"""Recovery: what a run had done that ended without a report, by its journal and by a look.

Pure. A write whose end the journal tells is as it tells; one that was under way is decided by
what is in place. What neither shows stays in doubt, and is never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import parse_stored_rules
from fleet_repl.ecr.templates import parse_template, template_at
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Change, RegistryPlan, Resource, operation_of
from fleet_repl.planning.stored import stored_content
from fleet_repl.runs.history import JournalEntry, Moment, PastRun, prefix_of
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
from fleet_repl.values.errors import Fault, FaultKind
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
    """Those that had ended well."""
    failed: int
    """Those that had failed, or were not to be tried in the end."""
    under_way: int
    """Those that were announced, and that nobody saw the end of."""
    in_place: int
    """Those under way that have been written."""
    in_doubt: int
    """Those under way of which nobody can tell."""
    message: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of a write that was under way."""

    outcome: Outcome
    error: Fault | None = None

    @property
    def in_doubt(self) -> bool:
        return self.outcome is Outcome.FAILED


@dataclass(slots=True)
class _Told:
    """What the journal tells of each write."""

    sent: dict[_Write, JournalEntry] = field(default_factory=dict)
    ended: dict[_Write, JournalEntry] = field(default_factory=dict)
    open: dict[_Write, JournalEntry] = field(default_factory=dict)
    """Those that were sent, maybe, and whose end is not told."""


def aftermath(
    past: PastRun,
    seen: Mapping[Registry, Observed | Unreadable],
    owner: Owner,
    waves: Sequence[str] = (REST,),
) -> Aftermath:
    """What a run had done that has not ended as it should.

    One whose report is there had done it all, and died before it could say so. `seen` is what is
    in place now, of the registries that `still_open` names; of one that is missing, the write that
    was under way stays in doubt. `waves` are in their order.
    """
    told = _told(past)
    verdicts = {
        write: _judged(entry, seen.get(entry.registry), owner) for write, entry in told.open.items()
    }
    counts = Counter(verdict.outcome for verdict in verdicts.values())
    done = sum(entry.outcome in SETTLED for entry in told.ended.values())
    unworded = Aftermath(
        report=past.report or _report(past, told, verdicts, waves),
        planned=past.meta.changes,
        done=done,
        failed=len(told.ended) - done,
        under_way=len(verdicts),
        in_place=counts[Outcome.APPLIED],
        in_doubt=counts[Outcome.FAILED],
        message="",
    )
    return replace(unworded, message=_sentence(unworded, past))


def still_open(past: PastRun) -> frozenset[Registry]:
    """Registries with a write that was under way: those that `aftermath` has to have seen."""
    return frozenset(entry.registry for entry in _told(past).open.values())


def _report(
    past: PastRun, told: _Told, verdicts: Mapping[_Write, _Verdict], waves: Sequence[str]
) -> Report:
    """The report that the run did not write. It ended when its journal last told of something."""
    meta = past.meta
    because = (
        f"the run ended without a report (process {meta.holder.pid} on host {meta.holder.host})"
    )
    registries = tuple(
        _outcome(registry_plan, told, verdicts, because) for registry_plan in past.plan.registries
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


def _told(past: PastRun) -> _Told:
    told = _Told()
    for entry in past.journal:
        write = (entry.registry, entry.resource, entry.wave, entry.phase.value, entry.prefix)
        match entry.moment:
            case Moment.SENDING:
                # Sent once more after an end was told: on top of what others had made meanwhile.
                told.sent[write] = entry
                told.ended.pop(write, None)
            case Moment.SETTLED:
                told.ended[write] = entry
            case _:
                assert_never(entry.moment)
    if past.report is None:
        told.open = {write: entry for write, entry in told.sent.items() if write not in told.ended}
    return told


def _judged(entry: JournalEntry, seen: Observed | Unreadable | None, owner: Owner) -> _Verdict:
    """Whether a write that was under way has happened."""
    fault = Fault(
        kind=FaultKind.TIMEOUT,
        operation=operation_of(entry.resource, entry.action),
        message="the run ended when it was to be written, and whether it was nobody has seen",
        hint="run drift to see what is in place",
    )
    match seen:
        case Unreadable(error=error):
            why = f"the run ended when it was to be written, and it cannot be read: {error}"
            return _Verdict(
                Outcome.FAILED,
                Fault(kind=error.kind, operation=fault.operation, message=why, hint=error.hint),
            )
        case None:
            return _Verdict(Outcome.FAILED, fault)
        case Observed():
            return _compared(entry, seen, owner, fault)
        case _:
            assert_never(seen)


def _compared(entry: JournalEntry, seen: Observed, owner: Owner, unseen: Fault) -> _Verdict:
    """A write that was under way, by what is in place."""
    in_place = _in_place(entry, seen, owner)
    if in_place is None:
        return _Verdict(Outcome.FAILED, unseen)
    before, after = in_place
    if after:
        return _Verdict(Outcome.APPLIED)
    if before:
        return _Verdict(Outcome.CANCELLED)
    return _Verdict(
        Outcome.FAILED,
        Fault(
            kind=FaultKind.CONFLICT,
            operation=unseen.operation,
            message="the run ended when it was to be written, and what is in place is neither "
            "what was there before nor what was to be written",
            hint=unseen.hint,
        ),
    )


def _in_place(entry: JournalEntry, seen: Observed, owner: Owner) -> tuple[bool, bool] | None:
    """Whether what was there before is in place, and whether what was written is; None: unseen."""
    match entry.resource:
        case Resource.REPLICATION_CONFIGURATION:
            rules = seen.replication
            before, after = map(parse_stored_rules, (entry.before, entry.after))
            return rules.same_as(before), rules.shows(after)
        case Resource.REGISTRY_POLICY:
            if seen.policy is None:
                return None
            old, new = (
                parse_policy(document, owner, entry.registry)
                for document in (entry.before, entry.after)
            )
            return seen.policy.same_as(old), seen.policy.shows(new)
        case Resource.CREATION_TEMPLATE:
            if seen.templates is None:
                return None
            there = parse_template(template_at(seen.templates, entry.prefix or ""))
            return (
                there.same_as(parse_template(entry.before)),
                there.shows(parse_template(entry.after)),
            )
        case _:
            assert_never(entry.resource)


def _outcome(
    registry_plan: RegistryPlan, told: _Told, verdicts: Mapping[_Write, _Verdict], because: str
) -> RegistryOutcome:
    """A registry of the plan: as bad as the worst of its writes."""
    changes: list[ChangeOutcome] = []
    error = registry_plan.error if registry_plan.fails else None
    for change in registry_plan.changes:
        ended, fault = _change_outcome(registry_plan, change, told, verdicts, because)
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
    told: _Told,
    verdicts: Mapping[_Write, _Verdict],
    because: str,
) -> tuple[ChangeOutcome, Fault | None]:
    write = (
        registry_plan.registry,
        change.resource,
        change.wave,
        change.phase.value,
        prefix_of(change),
    )
    sent, ended, verdict = told.sent.get(write), told.ended.get(write), verdicts.get(write)
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
    told = [
        f"{count} {verb}"
        for count, verb in (
            (aftermath.in_place, "is in place" if aftermath.in_place == 1 else "are in place"),
            (untouched, "was not made" if untouched == 1 else "were not made"),
            (aftermath.in_doubt, "is in doubt" if aftermath.in_doubt == 1 else "are in doubt"),
        )
        if count
    ]
    return joined(told)
