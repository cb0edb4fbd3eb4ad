"""The list of remembered runs as the JSON document `fleet-repl/runs/1`.

Pure; the keys are a promise.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.reports.documents.member_types import (
    EARLIER,
    Allowed,
    Count,
    Digest,
    Timestamp,
)
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.report import WritesDocument
from fleet_repl.reports.documents.shared import (
    InventoryDocument,
    recast,
    recast_or_none,
)
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.runs.history import Freeze, Purpose, RunList, RunSummary, UnreadableRun
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.text import timestamp

RUNS_SCHEMA: Final = "fleet-repl/runs/1"


class FreezeDocument(Document, frozen=True):
    fleet: str
    who: str
    why: str
    since: Timestamp

    @classmethod
    def of(cls, fleet: str, freeze: Freeze) -> FreezeDocument:
        return cls(fleet, freeze.who, freeze.why, timestamp(freeze.since))


class RunDocument(Document, frozen=True, kw_only=True):
    run_id: str
    fleet: str
    purpose: Annotated[Purpose, Meta(extra_json_schema={"enum": list(map(str, Purpose))})]
    user: str
    host: str
    started_at: Timestamp
    finished_at: Annotated[Timestamp | None, Meta(description="Null for a run without a report.")]
    status: Annotated[
        Status | None,
        Meta(
            description="Null for a run without a report: under_way tells whether it still goes "
            "on, or died."
        ),
    ]
    under_way: Annotated[
        bool,
        Meta(
            description="Whether a process is at work on it. False for a run that has ended or "
            "died."
        ),
    ]
    inventory: InventoryDocument
    plan_digest: Digest
    forced: Annotated[bool, Meta(description="Whether objections were overridden.")]
    allowed: Allowed
    rolls_back: Annotated[str | None, Meta(description="The run whose writes this one takes back.")]
    changes: Annotated[Count, Meta(description="Writes that the plan asks for.")]
    applied: Annotated[Count, Meta(description="Registries.")]
    partial: Annotated[
        Count | UnsetType,
        Meta(
            description="Registries of which some changes were written, and the rest skipped or "
            f"cancelled. {EARLIER}"
        ),
    ] = UNSET
    failed: Annotated[Count, Meta(description="Registries.")]
    writes: Annotated[
        WritesDocument | UnsetType | None,
        Meta(
            description="Changes by what became of them; null for a run without a report, or of "
            f"an earlier version. {EARLIER}"
        ),
    ] = UNSET

    @classmethod
    def of(cls, run: RunSummary, *, under_way: bool) -> RunDocument:
        meta = run.meta
        return cls(
            run_id=meta.run_id,
            fleet=meta.fleet,
            purpose=meta.purpose,
            user=meta.holder.user,
            host=meta.holder.host,
            started_at=timestamp(meta.started_at),
            finished_at=None if run.finished_at is None else timestamp(run.finished_at),
            status=run.status,
            under_way=under_way,
            inventory=recast(meta.inventory, InventoryDocument),
            plan_digest=meta.plan_digest,
            forced=meta.forced,
            allowed=meta.allowed,
            rolls_back=meta.rolls_back,
            changes=meta.changes,
            applied=run.applied,
            partial=run.partial,
            failed=run.failed,
            writes=recast_or_none(run.writes, WritesDocument),
        )


class UnreadableDocument(Document, frozen=True):
    run_id: str
    fleet: str
    reason: Annotated[str, Meta(description="Which document, and what is wrong with it.")]

    @classmethod
    def of(cls, run: UnreadableRun) -> UnreadableDocument:
        return recast(run, cls)


class RunListDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=RUNS_SCHEMA):
    """Runs that a state location remembers, newest first."""

    location: Annotated[str, Meta(description="A folder, or s3://bucket/prefix.")]
    frozen: Annotated[
        tuple[FreezeDocument, ...], Meta(description="Fleets that nobody may write to for now.")
    ]
    runs: tuple[RunDocument, ...]
    older: Annotated[Count, Meta(description="Runs that are left out.")]
    unreadable: Annotated[
        tuple[UnreadableDocument, ...],
        Meta(description="Runs that are not among these, as something of them cannot be read."),
    ]
    pruned: Annotated[
        tuple[RunDocument, ...] | UnsetType,
        Meta(description="With --prune only: the runs that were removed, and are not in `runs`."),
    ] = UNSET
    dry_run: Annotated[
        bool | UnsetType,
        Meta(description="With --prune only: whether nothing was removed, only shown."),
    ] = UNSET

    @classmethod
    def of(cls, listed: RunList) -> RunListDocument:
        return cls(
            location=listed.location,
            frozen=tuple(
                FreezeDocument.of(fleet, freeze) for fleet, freeze in sorted(listed.frozen.items())
            ),
            runs=tuple(
                RunDocument.of(run, under_way=run.meta.run_id in listed.under_way)
                for run in listed.runs
            ),
            older=listed.older,
            unreadable=tuple(map(UnreadableDocument.of, listed.unreadable)),
            pruned=UNSET
            if listed.pruned is None
            else tuple(RunDocument.of(run, under_way=False) for run in listed.pruned.runs),
            dry_run=UNSET if listed.pruned is None else listed.pruned.dry_run,
        )


def runs_document(listed: RunList) -> JsonObject:
    """Returns the document `fleet-repl/runs/1` of a list of runs."""
    return as_json(RunListDocument.of(listed))
