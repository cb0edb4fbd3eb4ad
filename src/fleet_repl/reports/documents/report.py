"""Reports as JSON documents and back. Pure; the keys are a promise.

A report that is read has its document again, byte for byte. Two facts of a report are in no
document: whether the outcome of a failed write is unknown, and members of ECR's own description of
a backfill that the document does not list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import Objection, Warning
from fleet_repl.reports.documents.backfill import BackfillDocument
from fleet_repl.reports.documents.member_types import (
    EARLIER,
    Acknowledged,
    Allowed,
    Count,
    Digest,
    Labels,
)
from fleet_repl.reports.documents.reader import (
    Document,
    MalformedError,
    parsed,
    read,
    read_items,
    unusable,
    without_collection,
)
from fleet_repl.reports.documents.registry_outcomes import RegistryOutcomeDocument
from fleet_repl.reports.documents.run_head import RunHead, run_head
from fleet_repl.reports.documents.shared import (
    ObjectionDocument,
    WarningDocument,
    given,
    label_members,
    moment,
    recast,
)
from fleet_repl.reports.documents.writer import indented_pieces, pieces
from fleet_repl.runs.outcomes import (
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    WaveOutcome,
    Writes,
    wave_outcomes,
)
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FleetError, StateError

REPORT_SCHEMA: Final = "fleet-repl/report/1"

_MISCOUNTED: Final = "it does not count what is listed"


class WritesDocument(Document, frozen=True):
    """Changes by what became of them."""

    applied: Count
    unchanged: Count
    failed: Count
    skipped: Count
    cancelled: Count

    @classmethod
    def of(cls, registries: Iterable[RegistryOutcomeDocument]) -> WritesDocument:
        """Returns the counts of registries, for a document that has none."""
        counts = Counter(change.outcome for registry in registries for change in registry.changes)
        return cls(**{outcome.value: counts[outcome] for outcome in Writes().counts})

    @property
    def total(self) -> int:
        return self.applied + self.unchanged + self.failed + self.skipped + self.cancelled


class CountsDocument(Document, frozen=True, kw_only=True):
    """Registries by outcome."""

    applied: Count
    partial: Annotated[Count | UnsetType, Meta(description=EARLIER)] = UNSET
    unchanged: Count
    failed: Count
    skipped: Count
    cancelled: Count


class SummaryDocument(CountsDocument, frozen=True, kw_only=True):
    """Registries by outcome, links held, and writes by outcome."""

    held: Count
    writes: Annotated[WritesDocument | UnsetType, Meta(description=EARLIER)] = UNSET

    @classmethod
    def of(cls, report: Report) -> SummaryDocument:
        counts = {outcome.value: report.count(outcome) for outcome in Outcome}
        return cls(**counts, held=report.held, writes=recast(report.writes, WritesDocument))

    def counts(self, report: Report) -> bool:
        """Returns whether the counts are those of a report. Earlier versions had no counts of
        writes, nor of registries that are written in part."""
        counted = SummaryDocument.of(report)
        return self in (counted, msgspec.structs.replace(counted, partial=UNSET, writes=UNSET))


class WaveDocument(Document, frozen=True):
    """What became of the writes of a wave."""

    name: str
    registries: Annotated[Count, Meta(description="Those with a change in the wave.")]
    writes: WritesDocument
    because: Annotated[
        str | None,
        Meta(description="Why writes of it were skipped or cancelled; null where none were."),
    ]


class ReportDocument(RunHead, frozen=True, kw_only=True, tag_field="schema", tag=REPORT_SCHEMA):
    """What became of a run. Every registry in scope is listed exactly once."""

    duration_ms: Annotated[
        Count | UnsetType,
        Meta(
            description="How long the run took, in milliseconds. Missing where both times say so, "
            "and in documents of earlier versions."
        ),
    ] = UNSET
    status: Annotated[
        Status,
        Meta(
            description="staged: it ended after a wave, as it was asked to, and everything up to "
            "it is done."
        ),
    ]
    plan_digest: Annotated[
        Digest | None,
        Meta(description="Null where the run was interrupted before there was a plan."),
    ]
    rolls_back: Annotated[
        str | None,
        Meta(description="The run whose writes it took back; null for a run of the inventory."),
    ]
    forced: Annotated[bool, Meta(description="Whether objections were overridden.")]
    allowed: Allowed
    objections: tuple[ObjectionDocument, ...]
    warnings: tuple[WarningDocument, ...]
    acknowledged: Acknowledged = UNSET
    labels: Labels = UNSET
    summary: SummaryDocument
    waves: Annotated[
        tuple[WaveDocument, ...] | UnsetType,
        Meta(description=f"The waves in their order; a fleet without waves has one. {EARLIER}"),
    ] = UNSET
    backfills: Annotated[
        tuple[BackfillDocument, ...],
        Meta(description="Of links that the run made, where a route asks for it."),
    ]
    registries: tuple[RegistryOutcomeDocument, ...]

    @classmethod
    def of(cls, report: Report) -> ReportDocument:
        """Returns the document of a report with an empty list of registries."""
        return cls(
            **run_head(report),
            duration_ms=_duration(report),
            plan_digest=report.plan_digest,
            rolls_back=report.rolls_back,
            forced=report.forced,
            allowed=report.allowed,
            objections=tuple(
                recast(objection, ObjectionDocument) for objection in report.objections
            ),
            warnings=tuple(recast(warning, WarningDocument) for warning in report.warnings),
            acknowledged=report.acknowledged or UNSET,
            labels=label_members(report.labels),
            summary=SummaryDocument.of(report),
            waves=tuple(recast(wave, WaveDocument) for wave in report.waves),
            backfills=tuple(map(BackfillDocument.of, report.backfills)),
            registries=(),
        )

    def report(self) -> Report:
        report = Report(
            run_id=self.run_id,
            status=self.status,
            started_at=moment(self.started_at, "started_at"),
            finished_at=moment(self.finished_at, "finished_at"),
            duration_ms=given(self.duration_ms),
            fleet=self.fleet,
            inventory=recast(self.inventory, InventoryRef),
            plan_digest=self.plan_digest,
            forced=self.forced,
            allowed=self.allowed,
            rolls_back=self.rolls_back,
            objections=tuple(recast(objection, Objection) for objection in self.objections),
            warnings=tuple(recast(warning, Warning) for warning in self.warnings),
            acknowledged=self.acknowledged or 0,
            labels=self.labels or {},
            registries=read_items(
                "registries", self.registries, RegistryOutcomeDocument.registry_outcome
            ),
            backfills=read_items("backfills", self.backfills, BackfillDocument.outcome),
        )
        if not self.summary.counts(report):
            raise MalformedError("summary", _MISCOUNTED)
        return replace(report, waves=_waves(self.waves, report.registries))


def report_document(report: Report) -> JsonObject:
    """Returns the document `fleet-repl/report/1` of a report."""
    return parsed(report_content(report))


def report_content(report: Report) -> bytes:
    """Returns the document as one line of JSON without white space, as the state keeps it."""
    return b"".join(report_pieces(report))


def report_pieces(report: Report) -> Iterator[bytes]:
    """Yields `report_content` in pieces."""
    registries = map(RegistryOutcomeDocument.of, report.registries)
    yield from pieces(ReportDocument.of(report), "registries", registries)
    yield b"\n"


def indented_report(report: Report) -> Iterator[str]:
    """Yields the document as indented text, in pieces."""
    registries = map(RegistryOutcomeDocument.of, report.registries)
    return indented_pieces(ReportDocument.of(report), "registries", registries)


def parse_report(content: bytes, where: str, *, error: type[FleetError] = StateError) -> Report:
    """Returns the report in a document. Errors name the document as `where`.

    Raises `error` when the document is not a report of this version.
    """
    try:
        with without_collection():
            return read(content, ReportDocument).report()
    except MalformedError as malformed:
        raise unusable(error, "report", where, malformed) from None


def _duration(report: Report) -> int | UnsetType:
    """Returns the milliseconds that a run took, unless the whole seconds of its times say so."""
    began, ended = (at.replace(microsecond=0) for at in (report.started_at, report.finished_at))
    if report.took == ended - began:
        return UNSET
    return report.took // timedelta(milliseconds=1)


def _waves(
    documents: Iterable[WaveDocument] | UnsetType, registries: tuple[RegistryOutcome, ...]
) -> tuple[WaveOutcome, ...]:
    """Returns the waves of a report; counted from its changes where the document has none."""
    if documents is UNSET:
        return wave_outcomes(registries, ())
    waves = tuple(recast(document, WaveOutcome) for document in documents)
    counted = wave_outcomes(registries, [wave.name for wave in waves])
    if waves and tuple(replace(wave, because=None) for wave in waves) != counted:
        raise MalformedError("waves", _MISCOUNTED)
    return waves
