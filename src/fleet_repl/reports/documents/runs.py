"""The list of remembered runs as a JSON document. Pure; the keys are a promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.runs.history import Freeze, RunSummary, UnreadableRun
from fleet_repl.runs.outcomes import Writes
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.text import timestamp

RUNS_SCHEMA: Final = "fleet-repl/runs/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """Runs of a state location, newest first, and what stops further ones."""

    location: str
    runs: tuple[RunSummary, ...]
    older: int = 0
    """Runs that are left out."""
    frozen: Mapping[str, Freeze] = field(default_factory=dict)
    """By fleet."""
    under_way: frozenset[str] = frozenset()
    """Ids of runs that a process is at work on. Another one without a report has died."""
    unreadable: tuple[UnreadableRun, ...] = ()
    """Runs that are not among these, as something of them cannot be read."""


def runs_document(found: RunList) -> JsonObject:
    """The list as a document."""
    return {
        "schema": RUNS_SCHEMA,
        "location": found.location,
        "frozen": [
            {"fleet": fleet, "who": one.who, "why": one.why, "since": timestamp(one.since)}
            for fleet, one in sorted(found.frozen.items())
        ],
        "runs": [_run(one, under_way=one.meta.run_id in found.under_way) for one in found.runs],
        "older": found.older,
        "unreadable": [
            {"run_id": one.run_id, "fleet": one.fleet, "reason": one.reason}
            for one in found.unreadable
        ],
    }


def _run(one: RunSummary, *, under_way: bool) -> JsonObject:
    meta = one.meta
    return {
        "run_id": meta.run_id,
        "fleet": meta.fleet,
        "purpose": meta.purpose.value,
        "user": meta.holder.user,
        "host": meta.holder.host,
        "started_at": timestamp(meta.started_at),
        "finished_at": None if one.finished_at is None else timestamp(one.finished_at),
        "status": None if one.status is None else one.status.value,
        "under_way": under_way,
        "inventory": {"path": meta.inventory.path, "digest": meta.inventory.digest},
        "plan_digest": meta.plan_digest,
        "forced": meta.forced,
        "allowed": list(meta.allowed),
        "rolls_back": meta.rolls_back,
        "changes": meta.changes,
        "applied": one.applied,
        "partial": one.partial,
        "failed": one.failed,
        "writes": None if one.writes is None else _writes(one.writes),
    }


def _writes(writes: Writes) -> JsonObject:
    return {outcome.value: number for outcome, number in writes.counts.items()}
