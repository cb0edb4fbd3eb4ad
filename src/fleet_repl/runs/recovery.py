"""Recovery: what a run had done that ended without a report, by its journal and what is in place.

Pure. The journal says how most writes ended. For a write that was under way, the document that is
in place says whether ECR made it (`open_writes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from fleet_repl.ecr.policy import Owner
from fleet_repl.planning.change import Change
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Effort, RegistryPlan
from fleet_repl.planning.stored import stored_content
from fleet_repl.runs.history import JournalEntry, PastRun
from fleet_repl.runs.journal import JournaledWrite, WriteKey, key_of, last_writes
from fleet_repl.runs.open_writes import Verdict, verdict_of
from fleet_repl.runs.outcomes import (
    AS_PLANNED,
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    wave_outcomes,
)
from fleet_repl.runs.results import change_outcome, registry_outcome
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import joined

_Verdicts: TypeAlias = Mapping[WriteKey, Verdict]
"""The outcomes of the writes that were under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """The outcome of a run that ended without a report, as far as it is known."""

    report: Report
    """The report that the run would have written if it had been interrupted in good order."""
    planned: int
    """The number of writes in the plan. All numbers here are numbers of writes."""
    done: int
    """Writes after which the document was as planned."""
    failed: int
    """Writes that had failed, or that the run had decided not to send."""
    under_way: int
    """Writes that were announced in the journal, and whose end is not in the journal."""
    in_place: int
    """Writes under way whose document is in place."""
    in_doubt: int
    """Writes under way whose outcome stays unknown."""
    message: str
    """All of this in a sentence."""


def aftermath(
    past: PastRun,
    seen: Mapping[Registry, Observed | Unreadable],
    owner: Owner,
    waves: Sequence[str] = (REST,),
) -> Aftermath:
    """Returns what a run that ended without a report had done.

    A run with a report had done everything, and died before it could say so. `seen` is what is in
    place now in the registries that `still_open` names; the write that was under way in a missing
    registry stays in doubt. `waves` are in their order.
    """
    writes = last_writes(past.journal)
    verdicts = {
        key: verdict_of(sent, seen.get(sent.registry), owner) for key, sent in _open(past).items()
    }
    counts = Counter(verdict.outcome for verdict in verdicts.values())
    ends = [write.ended.outcome for write in writes.values() if write.ended is not None]
    done = sum(outcome in AS_PLANNED for outcome in ends)
    unworded = Aftermath(
        report=past.report or _report(past, writes, verdicts, waves),
        planned=past.meta.changes,
        done=done,
        failed=len(ends) - done,
        under_way=len(verdicts),
        in_place=counts[Outcome.APPLIED],
        in_doubt=counts[Outcome.FAILED],
        message="",
    )
    return replace(unworded, message=_sentence(unworded, past))


def still_open(past: PastRun) -> frozenset[Registry]:
    """Returns the registries with a write that was under way. `aftermath` needs to see them."""
    return frozenset(sent.registry for sent in _open(past).values())


def _report(
    past: PastRun,
    writes: Mapping[WriteKey, JournaledWrite],
    verdicts: _Verdicts,
    waves: Sequence[str],
) -> Report:
    """The report that the run did not write. The run ended with the last line of its journal."""
    meta = past.meta
    because = (
        f"the run ended without a report (process {meta.holder.pid} on host {meta.holder.host})"
    )
    registries = tuple(
        _outcome(registry_plan, writes, verdicts, because) for registry_plan in past.plan.registries
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
        labels=past.plan.account_labels,
        registries=registries,
        waves=wave_outcomes(registries, waves),
    )


def _open(past: PastRun) -> Mapping[WriteKey, JournalEntry]:
    """The announcements of writes that may have been sent, and whose end is not in the journal."""
    if past.report is not None:
        return {}
    return {
        key: write.sent
        for key, write in last_writes(past.journal).items()
        if write.sent is not None and write.ended is None
    }


def _outcome(
    registry_plan: RegistryPlan,
    writes: Mapping[WriteKey, JournaledWrite],
    verdicts: _Verdicts,
    because: str,
) -> RegistryOutcome:
    """The outcome of a registry, which is as bad as the worst of its writes."""
    changes: list[ChangeOutcome] = []
    error = registry_plan.error if registry_plan.fails else None
    for change in registry_plan.changes:
        key = key_of(registry_plan.registry, change)
        write, verdict = writes.get(key, JournaledWrite()), verdicts.get(key)
        refusal = registry_plan.refused.get(change.resource)
        if write.ended is None:
            error = error or (verdict.error if verdict is not None else refusal)
        changes.append(_change_outcome(change, write, verdict, refusal, because))
    is_as_planned = all(change.outcome in AS_PLANNED for change in changes)
    return registry_outcome(
        registry_plan,
        changes,
        held=registry_plan.held,
        effort=Effort(),
        error=error,
        because=None if is_as_planned and not registry_plan.fails else because,
    )


def _change_outcome(
    change: Change,
    write: JournaledWrite,
    verdict: Verdict | None,
    refusal: Fault | None,
    because: str,
) -> ChangeOutcome:
    request_id, in_doubt = None, False
    if write.ended is not None:
        outcome = write.ended.outcome or Outcome.FAILED
        request_id, in_doubt = write.ended.request_id, write.ended.in_doubt
    elif verdict is not None:
        outcome, in_doubt = verdict.outcome, verdict.in_doubt
    else:
        outcome = Outcome.CANCELLED if refusal is None else Outcome.FAILED
    if write.sent is not None:
        # The run may have left something out of what was planned: a link that was held after all.
        before = stored_content(change.resource, write.sent.before)
        after = stored_content(change.resource, write.sent.after)
        change = replace(change, before=before, after=after)
    return change_outcome(change, outcome, request_id, in_doubt=in_doubt, because=because)


def _sentence(aftermath: Aftermath, past: PastRun) -> str:
    """Returns a sentence about the writes that the run had made, for people."""
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
