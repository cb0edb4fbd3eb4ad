"""Backfills as JSON documents: each as a part of a report, all of them as a report of their own.

Pure; the keys are a promise.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.reports.documents.member_types import (
    Count,
    RegistryName,
    Timestamp,
)
from fleet_repl.reports.documents.reader import Document, MalformedError
from fleet_repl.reports.documents.run_head import RunHead, run_head
from fleet_repl.reports.documents.shared import (
    EndDocument,
    ErrorDocument,
    moment,
    recast_or_none,
)
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Status
from fleet_repl.runs.reput import Reput, ReputState
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.text import timestamp

BACKFILL_SCHEMA: Final = "fleet-repl/backfill/1"

_STATUSES: Final = [str(status) for status in Status if status is not Status.STAGED]
OptionalCount: TypeAlias = Count | None


class BackfillDocument(Document, frozen=True):
    """A backfill from one registry to another, or why there is none."""

    source: EndDocument
    destination: EndDocument
    state: Annotated[
        BackfillState,
        Meta(
            description="complete: to its end, which some copies may not have reached. unknown: "
            "AWS has a word that is not known here, or could not be asked."
        ),
    ]
    started: Annotated[bool, Meta(description="Whether this run started it.")]
    id: Annotated[
        str | None, Meta(description="AWS's id of the backfill; null where there is none.")
    ]
    status: Annotated[str | None, Meta(description="AWS's word for its state.")]
    started_at: Timestamp | None
    ended_at: Timestamp | None
    total: Annotated[
        OptionalCount,
        Meta(
            description="Copies to make, one for each image and tag; null until AWS has counted "
            "them."
        ),
    ]
    completed: OptionalCount
    failed: OptionalCount
    failure_codes: Annotated[
        dict[str, OptionalCount],
        Meta(
            description="AWS's failure code → copies that failed with it; null while they are "
            "not counted, or could not be."
        ),
    ]
    failure_code: Annotated[str | None, Meta(description="Why the backfill itself failed.")]
    error: ErrorDocument | None
    because: Annotated[
        str | None, Meta(description="Why it was not started, or is not followed any further.")
    ]
    joining: Annotated[
        bool | UnsetType,
        Meta(
            description="True where the account of its source or destination is joining, so that "
            "it is no failure. Missing otherwise."
        ),
    ] = UNSET

    @classmethod
    def of(cls, outcome: BackfillOutcome) -> BackfillDocument:
        last = outcome.backfill
        counted = last is not None and last.total is not None
        return cls(
            source=EndDocument(*outcome.source, outcome.source_name),
            destination=EndDocument(*outcome.destination, outcome.destination_name),
            state=outcome.state,
            started=outcome.started,
            id=last.id if last else None,
            status=last.status if last else None,
            started_at=timestamp(last.started_at) if last else None,
            ended_at=timestamp(last.ended_at) if last and last.ended_at else None,
            total=last.total if last else None,
            completed=last.completed if last and counted else None,
            failed=last.failed if last and counted else None,
            failure_codes=dict(sorted(outcome.failures.items())),
            failure_code=last.failure_code if last else None,
            error=recast_or_none(outcome.error, ErrorDocument),
            because=outcome.because,
            joining=outcome.joining or UNSET,
        )

    def outcome(self) -> BackfillOutcome:
        return BackfillOutcome(
            source=self.source.registry,
            source_name=self.source.name,
            destination=self.destination.registry,
            destination_name=self.destination.name,
            state=self.state,
            started=self.started,
            backfill=self._last(),
            failures=self.failure_codes,
            error=recast_or_none(self.error, Fault),
            because=self.because,
            joining=self.joining is True,
        )

    def _last(self) -> Backfill | None:
        if self.id is None:
            return None
        if self.status is None:
            raise MalformedError("status", "a text is needed, not null")
        return Backfill(
            id=self.id,
            destination=self.destination.registry,
            status=self.status,
            started_at=moment(self.started_at, "started_at"),
            ended_at=None if self.ended_at is None else moment(self.ended_at, "ended_at"),
            total=self.total,
            completed=self.completed or 0,
            failed=self.failed or 0,
            failure_code=self.failure_code,
        )


class ReputDocument(Document, frozen=True):
    """An image of a source that destinations lacked, which was to be put again."""

    source: EndDocument
    repository: str
    digest: str
    destinations: Annotated[
        tuple[RegistryName, ...],
        Meta(description="The managed registries that lack it by the document."),
    ]
    state: Annotated[
        ReputState,
        Meta(
            description="lacking: it would be put, of a dry run. there: its destinations have it "
            "by now. gone: it cannot be pulled from its source. skipped: the run was stopped."
        ),
    ]
    tag: Annotated[str | None, Meta(description="The tag that it was put under.")]
    parts: Annotated[Count, Meta(description="Images of a manifest list that were put before it.")]
    error: ErrorDocument | None

    @classmethod
    def of(cls, reput: Reput) -> ReputDocument:
        return cls(
            source=EndDocument(*reput.source, reput.source_name),
            repository=reput.image.repository,
            digest=reput.image.digest or "",
            destinations=tuple(map(str, reput.destinations)),
            state=reput.state,
            tag=reput.tag,
            parts=reput.parts,
            error=recast_or_none(reput.error, ErrorDocument),
        )


class BackfillReportDocument(
    RunHead, frozen=True, kw_only=True, tag_field="schema", tag=BACKFILL_SCHEMA
):
    """Backfills of a fleet: one entry for each source and destination."""

    status: Annotated[
        Status,
        Meta(
            description="partial: a backfill or a copy has failed, or one was not started or "
            "followed to its end.",
            extra_json_schema={"enum": _STATUSES},
        ),
    ]
    mode: Annotated[
        BackfillMode,
        Meta(
            description="start: what can be started was. wait: all were, and followed to their "
            "end. status: nothing was started. repair: those of links whose destinations lacked "
            "images by a document."
        ),
    ]
    route: Annotated[str | None, Meta(description="The only route that counted; null for all.")]
    summary: Annotated[
        dict[BackfillState, Count],
        Meta(
            description="Destinations by state.",
            extra_json_schema={"required": list(map(str, BackfillState))},
        ),
    ]
    backfills: tuple[BackfillDocument, ...]
    reputs: Annotated[
        tuple[ReputDocument, ...] | UnsetType,
        Meta(description="Only of a repair that puts images again, in place of backfills."),
    ] = UNSET

    @classmethod
    def of(cls, report: BackfillReport) -> BackfillReportDocument:
        return cls(
            **run_head(report),
            mode=report.mode,
            route=report.route,
            summary={state: report.count(state) for state in BackfillState},
            backfills=tuple(map(BackfillDocument.of, report.backfills)),
            reputs=tuple(map(ReputDocument.of, report.reputs)) or UNSET,
        )


def backfill_report_document(report: BackfillReport) -> JsonObject:
    """Returns the document `fleet-repl/backfill/1` of a report."""
    return as_json(BackfillReportDocument.of(report))
