"""A round as one line for people and as the JSON document that a notification is.

Pure. The keys are a promise, and fit the published schema `round`. Lists are capped: a chat is no
place for four thousand registries, and the plan and the report have them all.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from fleet_repl.planning.plan import Moved, Objection, RegistryPlan
from fleet_repl.reports.documents.fields import fault_document
from fleet_repl.runs.outcomes import RegistryOutcome
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, first_line, listed, timestamp
from fleet_repl.watch.news import News
from fleet_repl.watch.round import Round, Verdict, kinds_against

ROUND_SCHEMA: Final = "fleet-repl/round/1"
SHOWN: Final = 50
"""Registries that a list names at the most."""
IN_A_LINE: Final = 5
"""Registries that a line names at the most."""


def headline(round_: Round) -> str:
    """A round in one line: `prod: 2 of 12 registries differ`."""
    parts = [_finding(round_)]
    if round_.left_alone:
        parts.append(f"{len(round_.left_alone):,} left alone")
    if round_.excluded:
        parts.append(f"excluded: {_excluded_named(round_.excluded)}")
    if round_.inventory_error is not None:
        parts.append(f"by the last good inventory, as it is broken: {round_.inventory_error}")
    return f"{round_.fleet}: {'; '.join(parts)}"


def round_document(round_: Round, news: News | None = None) -> JsonObject:
    """The document `fleet-repl/round/1`; `news`: why it is sent."""
    text = headline(round_)
    about = [one for one in round_.plan.registries if _told_of(one, round_)] if round_.plan else []
    return {
        "schema": ROUND_SCHEMA,
        # Chats show the member of this name.
        "text": f"{text} (again as wanted)" if news is News.RECOVERED else text,
        "news": news.value if news else None,
        "round": round_.number,
        "fleet": round_.fleet,
        "run_id": round_.run_id,
        "verdict": round_.verdict.value,
        "exit_code": int(round_.exit_code),
        "fix": round_.fix,
        "started_at": timestamp(round_.started_at),
        "finished_at": timestamp(round_.finished_at),
        "inventory": {
            "path": round_.inventory.path,
            "digest": round_.inventory.digest,
            "error": round_.inventory_error,
        },
        "plan_digest": round_.plan.digest if round_.plan else None,
        "drift_since": timestamp(round_.drift_since) if round_.drift_since else None,
        "summary": _summary(round_),
        "registries": [
            _registry(one, round_.outcomes.get(one.registry), round_) for one in about[:SHOWN]
        ],
        "more_registries": max(0, len(about) - SHOWN),
        "left_alone": [_place(one) for one in round_.left_alone[:SHOWN]],
        "more_left_alone": max(0, len(round_.left_alone) - SHOWN),
        "excluded": [excluded_document(one) for one in round_.excluded[:SHOWN]],
        "more_excluded": max(0, len(round_.excluded) - SHOWN),
        "objections": [_objection(one) for one in round_.objections],
        "error": round_.error,
    }


def excluded_document(one: RegistryPlan) -> JsonObject:
    """A registry that is not corrected, and what speaks against that."""
    return {**_place(one.registry), "objections": [_objection(each) for each in one.objections]}


def _objection(objection: Objection) -> Json:
    return {"kind": objection.kind, "message": objection.message}


def _excluded_named(excluded: tuple[RegistryPlan, ...]) -> str:
    """`222222222222/eu-west-1 (foreign-rules), 333333333333/eu-west-1 (protected) and 2 more`."""
    names = [f"{one.registry} ({', '.join(kinds_against(one))})" for one in excluded]
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
            kinds = ", ".join(dict.fromkeys(one.kind for one in round_.objections))
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
    told = [f"{counts[key]:,} {word}" for key, word in _WORDS.items() if counts[key]]
    held = _held(round_)
    return ", ".join([*told, f"{counted(held, 'link')} held"] if held else told)


def _held(round_: Round) -> int:
    if round_.report is not None:
        return round_.report.held
    return round_.plan.summary.held if round_.plan else 0


def _summary(round_: Round) -> Json:
    plan = round_.plan
    if plan is None:
        return None
    outcomes: dict[str, Json] = {key: round_.counts.get(key, 0) for key in _WORDS}
    return {
        "registries": len(plan.registries),
        "drifted": len(round_.drifted),
        "still_differing": len(round_.differing),
        "held": _held(round_),
        "links_added": plan.summary.links_added,
        "links_removed": plan.summary.links_removed,
        "outcomes": outcomes,
    }


def _told_of(one: RegistryPlan, round_: Round) -> bool:
    outcome = round_.outcomes.get(one.registry)
    return bool(one.changes or one.fails or one.held) or (
        outcome is not None and (outcome.error is not None or bool(outcome.held))
    )


def _registry(one: RegistryPlan, outcome: RegistryOutcome | None, round_: Round) -> Json:
    return {
        **_place(one.registry),
        "name": one.name,
        "wave": one.wave,
        "state": one.state.value,
        "outcome": outcome.outcome.value if outcome else None,
        "left_alone": one.registry in round_.left_alone,
        "moved": _moved(one.moved),
        "held": len(outcome.held if outcome else one.held),
        "error": fault_document(outcome.error if outcome else one.error),
        "because": outcome.because if outcome else None,
    }


def _place(registry: Registry) -> dict[str, Json]:
    return {"account": registry.account, "region": registry.region}


def _moved(moved: Moved | None) -> Json:
    if moved is None:
        return None
    return {
        "by": moved.by.value,
        "run_id": moved.run_id,
        "at": timestamp(moved.at) if moved.at else None,
    }
