"""Reports as JSON documents and back. Pure; the keys are a promise.

A report that is read has that document again. What is no part of it is lost: whether a write that
failed is in doubt, and what ECR told of a backfill beyond what the document has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import Action, Objection, Resource, Warning
from fleet_repl.reports.documents.reader import (
    Document,
    MalformedError,
    each,
    parsed,
    read,
    unusable,
    without_collection,
)
from fleet_repl.reports.documents.shared import (
    Account,
    AccountName,
    Acknowledged,
    AwsDocument,
    Count,
    Digest,
    ErrorDocument,
    HeldDocument,
    InventoryDocument,
    ObjectionDocument,
    RegionName,
    Timestamp,
    WarningDocument,
    alike,
    alike_or_none,
    held_documents,
    moment,
)
from fleet_repl.reports.documents.writer import pieces
from fleet_repl.runs.outcomes import (
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Status,
    WaveOutcome,
    Writes,
    wave_outcomes,
)
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FleetError, StateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import timestamp

REPORT_SCHEMA: Final = "fleet-repl/report/1"

_MISCOUNTED: Final = "it does not count what is listed"
_EARLIER: Final = "Missing in documents of earlier versions."
_OF_WRITES: Final = tuple(Writes().counts)

WriteOutcome: TypeAlias = Annotated[
    Outcome,
    Meta(
        description="applied: written and read back.",
        extra_json_schema={"enum": list(map(str, _OF_WRITES))},
    ),
]
OptionalCount: TypeAlias = Count | None


class WritesDocument(Document, frozen=True):
    """Changes by what became of them."""

    applied: Count
    unchanged: Count
    failed: Count
    skipped: Count
    cancelled: Count


class CountsDocument(Document, frozen=True, kw_only=True):
    """Registries by outcome."""

    applied: Count
    partial: Annotated[Count | UnsetType, Meta(description=_EARLIER)] = UNSET
    unchanged: Count
    failed: Count
    skipped: Count
    cancelled: Count


class SummaryDocument(CountsDocument, frozen=True, kw_only=True):
    """Registries by outcome, links held, and writes by outcome."""

    held: Count
    writes: Annotated[WritesDocument | UnsetType, Meta(description=_EARLIER)] = UNSET

    @classmethod
    def of(cls, report: Report) -> SummaryDocument:
        counts = {outcome.value: report.count(outcome) for outcome in Outcome}
        return cls(**counts, held=report.held, writes=alike(report.writes, WritesDocument))

    def counts(self, report: Report) -> bool:
        """Whether it counts what a report lists. Earlier versions did not count writes, and knew
        no registry that is written in part."""
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


class ChangeOutcomeDocument(Document, frozen=True):
    resource: Resource
    action: Action
    wave: str
    outcome: WriteOutcome
    request_id: str | None
    before: AwsDocument
    after: Annotated[AwsDocument, Meta(description="What was written, or would have been.")]

    @classmethod
    def of(cls, change: ChangeOutcome) -> ChangeOutcomeDocument:
        return cls(
            resource=change.resource,
            action=change.action,
            wave=change.wave,
            outcome=change.outcome,
            request_id=change.request_id,
            before=change.before,
            after=change.after,
        )

    def change(self) -> ChangeOutcome:
        check_write_outcome(self.outcome)
        return ChangeOutcome(
            resource=self.resource,
            action=self.action,
            wave=self.wave,
            outcome=self.outcome,
            request_id=self.request_id,
            before=self.before,
            after=self.after,
        )


class RegistryOutcomeDocument(Document, frozen=True):
    account: Account
    region: RegionName
    name: AccountName
    wave: str
    outcome: Annotated[
        Outcome,
        Meta(
            description="As of a change. partial: some changes were written, the rest were "
            "skipped or cancelled."
        ),
    ]
    attempts: Annotated[Count, Meta(description="Calls made for the registry, retries included.")]
    duration_ms: Count
    changes: tuple[ChangeOutcomeDocument, ...]
    held: tuple[HeldDocument, ...]
    error: ErrorDocument | None
    because: Annotated[
        str | None, Meta(description="Why it, or the rest of it, was skipped or cancelled.")
    ]

    @classmethod
    def of(cls, outcome: RegistryOutcome) -> RegistryOutcomeDocument:
        return cls(
            account=outcome.registry.account,
            region=outcome.registry.region,
            name=outcome.name,
            wave=outcome.wave,
            outcome=outcome.outcome,
            attempts=outcome.attempts,
            duration_ms=outcome.duration_ms,
            changes=tuple(map(ChangeOutcomeDocument.of, outcome.changes)),
            held=held_documents(outcome.held),
            error=alike_or_none(outcome.error, ErrorDocument),
            because=outcome.because,
        )

    def registry_outcome(self) -> RegistryOutcome:
        return RegistryOutcome(
            registry=Registry(self.account, self.region),
            name=self.name,
            wave=self.wave,
            outcome=self.outcome,
            attempts=self.attempts,
            duration_ms=self.duration_ms,
            changes=each("changes", self.changes, ChangeOutcomeDocument.change),
            held=tuple(map(HeldDocument.link, self.held)),
            error=alike_or_none(self.error, Fault),
            because=self.because,
        )


class EndDocument(Document, frozen=True):
    account: Account
    region: RegionName
    name: AccountName

    @classmethod
    def of(cls, registry: Registry, name: str) -> EndDocument:
        return cls(registry.account, registry.region, name)

    def registry(self) -> Registry:
        return Registry(self.account, self.region)


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

    @classmethod
    def of(cls, outcome: BackfillOutcome) -> BackfillDocument:
        last = outcome.backfill
        counted = last is not None and last.total is not None
        return cls(
            source=EndDocument.of(outcome.source, outcome.source_name),
            destination=EndDocument.of(outcome.destination, outcome.destination_name),
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
            error=alike_or_none(outcome.error, ErrorDocument),
            because=outcome.because,
        )

    def outcome(self) -> BackfillOutcome:
        return BackfillOutcome(
            source=self.source.registry(),
            source_name=self.source.name,
            destination=self.destination.registry(),
            destination_name=self.destination.name,
            state=self.state,
            started=self.started,
            backfill=self._last(),
            failures=self.failure_codes,
            error=alike_or_none(self.error, Fault),
            because=self.because,
        )

    def _last(self) -> Backfill | None:
        if self.id is None:
            return None
        if self.status is None:
            raise MalformedError("status", "a text is needed, not null")
        return Backfill(
            id=self.id,
            destination=self.destination.registry(),
            status=self.status,
            started_at=moment(self.started_at, "started_at"),
            ended_at=None if self.ended_at is None else moment(self.ended_at, "ended_at"),
            total=self.total,
            completed=self.completed or 0,
            failed=self.failed or 0,
            failure_code=self.failure_code,
        )


class ReportDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=REPORT_SCHEMA):
    """What became of a run. Every registry in scope is listed exactly once."""

    run_id: str
    status: Annotated[
        Status,
        Meta(
            description="staged: it ended after a wave, as it was asked to, and everything up to "
            "it is done."
        ),
    ]
    started_at: Timestamp
    finished_at: Timestamp
    fleet: str
    inventory: InventoryDocument
    plan_digest: Annotated[
        Digest | None,
        Meta(description="Null where the run was interrupted before there was a plan."),
    ]
    rolls_back: Annotated[
        str | None,
        Meta(description="The run whose writes it took back; null for a run of the inventory."),
    ]
    forced: Annotated[bool, Meta(description="Whether objections were overridden.")]
    allowed: Annotated[
        tuple[
            Annotated[str, Meta(extra_json_schema={"enum": ["protected", "unknown-fields"]})], ...
        ],
        Meta(description="What was allowed beside that.", extra_json_schema={"uniqueItems": True}),
    ]
    objections: tuple[ObjectionDocument, ...]
    warnings: tuple[WarningDocument, ...]
    acknowledged: Acknowledged = UNSET
    summary: SummaryDocument
    waves: Annotated[
        tuple[WaveDocument, ...] | UnsetType,
        Meta(description=f"The waves in their order; a fleet without waves has one. {_EARLIER}"),
    ] = UNSET
    backfills: Annotated[
        tuple[BackfillDocument, ...],
        Meta(description="Of links that the run made, where a route asks for it."),
    ]
    registries: tuple[RegistryOutcomeDocument, ...]

    @classmethod
    def of(cls, report: Report) -> ReportDocument:
        """The document without its registries, which are many."""
        return cls(
            run_id=report.run_id,
            status=report.status,
            started_at=timestamp(report.started_at),
            finished_at=timestamp(report.finished_at),
            fleet=report.fleet,
            inventory=alike(report.inventory, InventoryDocument),
            plan_digest=report.plan_digest,
            rolls_back=report.rolls_back,
            forced=report.forced,
            allowed=report.allowed,
            objections=tuple(alike(one, ObjectionDocument) for one in report.objections),
            warnings=tuple(alike(one, WarningDocument) for one in report.warnings),
            acknowledged=report.acknowledged or UNSET,
            summary=SummaryDocument.of(report),
            waves=tuple(alike(one, WaveDocument) for one in report.waves),
            backfills=tuple(map(BackfillDocument.of, report.backfills)),
            registries=(),
        )

    def report(self) -> Report:
        report = Report(
            run_id=self.run_id,
            status=self.status,
            started_at=moment(self.started_at, "started_at"),
            finished_at=moment(self.finished_at, "finished_at"),
            fleet=self.fleet,
            inventory=alike(self.inventory, InventoryRef),
            plan_digest=self.plan_digest,
            forced=self.forced,
            allowed=self.allowed,
            rolls_back=self.rolls_back,
            objections=tuple(alike(one, Objection) for one in self.objections),
            warnings=tuple(alike(one, Warning) for one in self.warnings),
            acknowledged=self.acknowledged or 0,
            registries=each(
                "registries", self.registries, RegistryOutcomeDocument.registry_outcome
            ),
            backfills=each("backfills", self.backfills, BackfillDocument.outcome),
        )
        if not self.summary.counts(report):
            raise MalformedError("summary", _MISCOUNTED)
        return replace(report, waves=_waves(self.waves, report.registries))


def report_document(report: Report) -> JsonObject:
    """The document `fleet-repl/report/1` of a report."""
    return parsed(report_content(report))


def report_content(report: Report) -> bytes:
    """The document as it is kept: without any white space, ending with a newline."""
    registries = map(RegistryOutcomeDocument.of, report.registries)
    return b"".join(pieces(ReportDocument.of(report), "registries", registries)) + b"\n"


def parse_report(content: bytes, where: str, *, error: type[FleetError] = StateError) -> Report:
    """The report in a document, which is named as `where` in what is raised.

    Raises `error` where it is no report of this version.
    """
    try:
        with without_collection():
            return read(content, ReportDocument).report()
    except MalformedError as malformed:
        raise unusable(error, "report", where, malformed) from None


def check_write_outcome(outcome: Outcome) -> None:
    """Raises MalformedError for what a single write never comes to."""
    if outcome not in _OF_WRITES:
        raise MalformedError("outcome", f"one of {', '.join(_OF_WRITES)} is needed")


def _waves(
    documents: Iterable[WaveDocument] | UnsetType, registries: tuple[RegistryOutcome, ...]
) -> tuple[WaveOutcome, ...]:
    """The waves that a report tells of; those of its changes where it tells of none."""
    if documents is UNSET:
        return wave_outcomes(registries, ())
    waves = tuple(alike(document, WaveOutcome) for document in documents)
    counted = wave_outcomes(registries, [wave.name for wave in waves])
    if waves and tuple(replace(wave, because=None) for wave in waves) != counted:
        raise MalformedError("waves", _MISCOUNTED)
    return waves
