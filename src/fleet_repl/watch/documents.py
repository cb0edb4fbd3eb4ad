"""A round as one line for people, as a log entry and as the JSON document of a notification.

Pure. The keys are stable, and fit the published schema `round`. Lists are cut to the first
entries: a chat is no place for four thousand registries, and the plan and the report list all.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, assert_never

from fleet_repl.planning.plan import Objection, RegistryPlan
from fleet_repl.reports.documents.round import (
    SHOWN,
    ExcludedDocument,
    MovedDocument,
    ObjectionDocument,
    OutcomeCountsDocument,
    RegistryDocument,
    RoundDocument,
    RoundInventoryDocument,
    SummaryDocument,
)
from fleet_repl.reports.documents.shared import ErrorDocument, PlaceDocument, recast_or_none
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.reports.log_entry import Level, LogEntry
from fleet_repl.runs.outcomes import RegistryOutcome
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.text import counted, first_line, listed, timestamp
from fleet_repl.watch.news import News
from fleet_repl.watch.outside_changes import authors
from fleet_repl.watch.round import Round, Verdict, kinds_against

IN_A_LINE: Final = 5
"""Registries that a line names at the most."""


def headline(round_: Round) -> str:
    """A round in one line: `prod: 2 of 12 registries differ`."""
    parts = [_finding(round_)]
    if round_.joining:
        parts.append(f"{counted(len(round_.joining), 'registry')} joining")
    if names := authors(round_):
        parts.append(f"changed outside by {listed(names, IN_A_LINE)}")
    if round_.left_alone:
        parts.append(f"{len(round_.left_alone):,} left alone")
    if round_.excluded:
        parts.append(f"excluded: {_excluded_named(round_.excluded)}")
    if round_.inventory_error is not None:
        parts.append(f"by the last good inventory, as it is broken: {round_.inventory_error}")
    return f"{round_.fleet}: {'; '.join(parts)}"


def round_document(round_: Round, news: News | None = None) -> JsonObject:
    """Returns the document `fleet-repl/round/1` as JSON; `news`: the reason for sending it."""
    return as_json(document_of_round(round_, news))


def document_of_round(round_: Round, news: News | None = None) -> RoundDocument:
    """Returns the document of a round; `news`: the reason for sending it."""
    text = headline(round_)
    registries = round_.plan.registries if round_.plan else ()
    outcomes = round_.outcomes
    notable = [
        planned for planned in registries if _is_notable(planned, outcomes.get(planned.registry))
    ]
    inventory = round_.inventory
    return RoundDocument(
        text=f"{text} (again as wanted)" if news is News.RECOVERED else text,
        news=news.value if news else None,
        round=round_.number,
        fleet=round_.fleet,
        run_id=round_.run_id,
        verdict=round_.verdict.value,
        exit_code=int(round_.exit_code),
        fix=round_.fix,
        started_at=timestamp(round_.started_at),
        finished_at=timestamp(round_.finished_at),
        inventory=RoundInventoryDocument(inventory.path, inventory.digest, round_.inventory_error),
        plan_digest=round_.plan.digest if round_.plan else None,
        drift_since=timestamp(round_.drift_since) if round_.drift_since else None,
        summary=_summary(round_),
        registries=tuple(
            _registry(planned, outcomes.get(planned.registry), round_)
            for planned in notable[:SHOWN]
        ),
        more_registries=max(0, len(notable) - SHOWN),
        left_alone=tuple(PlaceDocument(*registry) for registry in round_.left_alone[:SHOWN]),
        more_left_alone=max(0, len(round_.left_alone) - SHOWN),
        excluded=tuple(map(_excluded, round_.excluded[:SHOWN])),
        more_excluded=max(0, len(round_.excluded) - SHOWN),
        objections=tuple(map(_objection, round_.objections)),
        error=round_.error,
    )


def round_entry(round_: Round) -> LogEntry:
    """A round as a log entry, whose level and fields alarms can be set on."""
    match round_.verdict:
        case Verdict.IN_SYNC | Verdict.CORRECTED | Verdict.BUSY | Verdict.INTERRUPTED:
            level: Level = "info"
        case Verdict.DRIFT | Verdict.FROZEN | Verdict.PARTIAL:
            level = "warning"
        case Verdict.FAILED | Verdict.REFUSED | Verdict.BROKEN:
            level = "error"
        case _:
            assert_never(round_.verdict)
    took = (round_.finished_at - round_.started_at).total_seconds()
    fields: dict[str, Json] = {
        "round": round_.number,
        "fleet": round_.fleet,
        "run_id": round_.run_id,
        "verdict": round_.verdict.value,
        "exit_code": int(round_.exit_code),
        "seconds": round(took, 3),
        "drifted": len(round_.drifted),
        "still_differing": len(round_.differing),
        "left_alone": len(round_.left_alone),
        "joining": len(round_.joining),
        "excluded": [as_json(_excluded(planned)) for planned in round_.excluded[:SHOWN]],
        "more_excluded": max(0, len(round_.excluded) - SHOWN),
        "error": round_.error,
    }
    message = f"round {round_.number}: {headline(round_)} ({took:.1f} s)"
    return LogEntry(level=level, event="round-finished", message=message, fields=fields)


def _excluded(planned: RegistryPlan) -> ExcludedDocument:
    return ExcludedDocument(*planned.registry, tuple(map(_objection, planned.objections)))


def _objection(objection: Objection) -> ObjectionDocument:
    return ObjectionDocument(objection.kind, objection.message)


def _excluded_named(excluded: tuple[RegistryPlan, ...]) -> str:
    """`222222222222/eu-west-1 (foreign-rules), 333333333333/eu-west-1 (protected) and 2 more`."""
    names = [f"{planned.registry} ({', '.join(kinds_against(planned))})" for planned in excluded]
    return listed(names, IN_A_LINE)


def _finding(round_: Round) -> str:
    plan, error = round_.plan, first_line(round_.error or "")
    if plan is None:
        interrupted = round_.verdict is Verdict.INTERRUPTED
        return "interrupted before there was a plan" if interrupted else f"no plan: {error}"
    registries = counted(len(plan.registries), "registry")
    differ = f"{len(round_.drifted):,} of {registries} {_verb(len(round_.drifted))}"
    match round_.verdict:
        case Verdict.IN_SYNC:
            return f"in sync, {registries}"
        case Verdict.REFUSED:
            kinds = ", ".join(dict.fromkeys(objection.kind for objection in round_.objections))
            return f"{differ}; refused: {kinds}"
        case Verdict.BUSY | Verdict.FROZEN:
            return f"{differ}; sat out: {error}"
        case Verdict.BROKEN:
            return f"{differ}; not corrected: {error}"
        case _:
            return f"{registries}: {_counts(round_)}"


def _verb(number: int) -> str:
    return "differs" if number == 1 else "differ"


_WORDS: Final = {
    "applied": "corrected",
    "partial": "corrected in part",
    "changed": "differing",
    "unreadable": "unreadable",
    "failed": "failed",
    "skipped": "skipped",
    "cancelled": "cancelled",
    "unchanged": "as wanted",
}


def _counts(round_: Round) -> str:
    counts = Counter(round_.counts)
    parts = [f"{counts[key]:,} {word}" for key, word in _WORDS.items() if counts[key]]
    if links := held_links(round_):
        parts.append(f"{counted(links, 'link')} held")
    return ", ".join(parts)


def held_links(round_: Round) -> int:
    """Returns the number of links that are held after a round."""
    if round_.report is not None:
        return round_.report.held
    return round_.plan.summary.held if round_.plan else 0


def _summary(round_: Round) -> SummaryDocument | None:
    plan, counts = round_.plan, round_.counts
    if plan is None:
        return None
    return SummaryDocument(
        registries=len(plan.registries),
        drifted=len(round_.drifted),
        still_differing=len(round_.differing),
        held=held_links(round_),
        links_added=plan.summary.links_added,
        links_removed=plan.summary.links_removed,
        joining=len(round_.joining),
        outcomes=OutcomeCountsDocument(**{key: counts.get(key, 0) for key in _WORDS}),
    )


def _is_notable(planned: RegistryPlan, outcome: RegistryOutcome | None) -> bool:
    """Returns whether a registry differs, fails, is joining, or has held links."""
    return bool(planned.changes or planned.fails or planned.joining or planned.held) or (
        outcome is not None and (outcome.error is not None or bool(outcome.held))
    )


def _registry(
    planned: RegistryPlan, outcome: RegistryOutcome | None, round_: Round
) -> RegistryDocument:
    return RegistryDocument(
        *planned.registry,
        planned.name,
        wave=planned.wave,
        state=planned.state,
        outcome=outcome.outcome if outcome else None,
        left_alone=planned.registry in round_.left_alone,
        moved=None if planned.moved is None else MovedDocument.of(planned.moved),
        held=len(outcome.held if outcome else planned.held),
        error=recast_or_none(outcome.error if outcome else planned.error, ErrorDocument),
        because=outcome.because if outcome else planned.joining,
    )
