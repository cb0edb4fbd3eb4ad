"""The small documents of a run: what it is, how it ended, and what it found before its writes.

Pure. Text and back; what cannot be understood is an UnreadableStateError that says where and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType, field

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Resource
from fleet_repl.reports.documents.member_types import AwsDocument, Count, Instant, RegistryName
from fleet_repl.reports.documents.reader import Document, MalformedError, read, without_collection
from fleet_repl.reports.documents.report import CountsDocument, SummaryDocument, WritesDocument
from fleet_repl.reports.documents.shared import (
    InventoryDocument,
    given,
    moment,
    prefix_list,
    prefixes_of,
    recast,
    recast_or_none,
    registry_named,
)
from fleet_repl.reports.documents.writer import line, member_pieces
from fleet_repl.runs.history import Holder, Purpose, RunMeta, UnreadableRun
from fleet_repl.runs.outcomes import Outcome, Report, Status, Writes
from fleet_repl.runs.overwritten import BeforeDocuments, RegistryBefore
from fleet_repl.state.lock_document import HolderDocument
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import instant

RUN_SCHEMA: Final = "fleet-repl/run/1"
ENDED_SCHEMA: Final = "fleet-repl/ended/1"
BEFORE_SCHEMA: Final = "fleet-repl/before/1"
ASIDE_SCHEMA: Final = "fleet-repl/aside/1"

_T = TypeVar("_T")
_D = TypeVar("_D", bound=Document)


class RunDocument(Document, frozen=True, tag_field="schema", tag=RUN_SCHEMA):
    """A run as it was before its first write."""

    run_id: str
    fleet: str
    purpose: Purpose
    holder: HolderDocument
    started_at: Instant
    inventory: InventoryDocument
    plan_digest: str
    forced: bool
    allowed: tuple[str, ...]
    rolls_back: str | None
    changes: Count

    def meta(self) -> RunMeta:
        return RunMeta(
            run_id=self.run_id,
            fleet=self.fleet,
            purpose=self.purpose,
            holder=recast(self.holder, Holder),
            started_at=moment(self.started_at, "started_at"),
            inventory=recast(self.inventory, InventoryRef),
            plan_digest=self.plan_digest,
            forced=self.forced,
            allowed=self.allowed,
            rolls_back=self.rolls_back,
            changes=self.changes,
        )


class EndedSummaryDocument(CountsDocument, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The counts of a report. Earlier versions had fewer of them, and later ones may have more."""

    held: Count | UnsetType = UNSET
    writes: WritesDocument | UnsetType = UNSET


class EndedDocument(Document, frozen=True, tag_field="schema", tag=ENDED_SCHEMA):
    """How a run ended."""

    run_id: str
    status: Status
    finished_at: Instant
    summary: EndedSummaryDocument

    def ended(self) -> Ended:
        counts = {outcome: getattr(self.summary, outcome) for outcome in Outcome}
        return Ended(
            status=self.status,
            finished_at=moment(self.finished_at, "finished_at"),
            counts={outcome: count for outcome, count in counts.items() if count is not UNSET},
            writes=recast_or_none(given(self.summary.writes), Writes),
        )


class AsideDocument(Document, frozen=True, tag_field="schema", tag=ASIDE_SCHEMA):
    """A run that died and cannot be read."""

    run_id: str
    at: Instant
    because: str


class RegistryBeforeDocument(Document, frozen=True):
    """The documents that a run replaces in a registry. Others are missing."""

    registry_policy: AwsDocument | UnsetType = field(default=UNSET, name="registry-policy")
    replication: AwsDocument | UnsetType = field(default=UNSET, name="replication-configuration")
    templates: dict[str, AwsDocument] | UnsetType = field(default=UNSET, name="creation-templates")
    owned: dict[RegistryName, tuple[str, ...] | None] | UnsetType = UNSET

    @classmethod
    def of(cls, before: RegistryBefore) -> RegistryBeforeDocument:
        owned = {str(end): prefix_list(prefixes) for end, prefixes in sorted(before.owned.items())}
        return cls(
            registry_policy=before.documents.get(Resource.REGISTRY_POLICY, UNSET),
            replication=before.documents.get(Resource.REPLICATION_CONFIGURATION, UNSET),
            templates=dict(sorted(before.templates.items())) or UNSET,
            owned=owned or UNSET,
        )

    def before(self) -> RegistryBefore:
        documents = {
            Resource.REPLICATION_CONFIGURATION: self.replication,
            Resource.REGISTRY_POLICY: self.registry_policy,
        }
        owned = self.owned or {}
        return RegistryBefore(
            documents={
                resource: document
                for resource, document in documents.items()
                if document is not UNSET
            },
            templates=self.templates or {},
            owned={registry_named(end): prefixes_of(prefixes) for end, prefixes in owned.items()},
        )


class BeforeDocument(Document, frozen=True, tag_field="schema", tag=BEFORE_SCHEMA):
    """The documents that a run replaces, by registry."""

    registries: dict[RegistryName, RegistryBeforeDocument]

    def before(self) -> BeforeDocuments:
        return {
            registry_named(name): document.before() for name, document in self.registries.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a run, as lists of runs show it."""

    status: Status
    finished_at: datetime
    counts: Mapping[Outcome, int]
    """The numbers of registries by outcome."""
    writes: Writes | None = None
    """None in documents of earlier versions."""


def run_content(meta: RunMeta) -> bytes:
    """Returns the document `fleet-repl/run/1`."""
    return line(
        RunDocument(
            run_id=meta.run_id,
            fleet=meta.fleet,
            purpose=meta.purpose,
            holder=recast(meta.holder, HolderDocument),
            started_at=instant(meta.started_at),
            inventory=recast(meta.inventory, InventoryDocument),
            plan_digest=meta.plan_digest,
            forced=meta.forced,
            allowed=meta.allowed,
            rolls_back=meta.rolls_back,
            changes=meta.changes,
        )
    )


def parse_run(content: bytes, where: str) -> RunMeta:
    """Returns the run in a document. Raises UnreadableStateError."""
    return _read(content, where, RunDocument, RunDocument.meta)


def ended_content(report: Report) -> bytes:
    """Returns the document `fleet-repl/ended/1`: what lists of runs show of a report."""
    summary = recast(SummaryDocument.of(report), EndedSummaryDocument)
    finished_at = instant(report.finished_at)
    return line(EndedDocument(report.run_id, report.status, finished_at, summary))


def parse_ended(content: bytes, where: str) -> Ended:
    """Returns the end of a run in a document. Raises UnreadableStateError."""
    return _read(content, where, EndedDocument, EndedDocument.ended)


def aside_content(run: UnreadableRun, at: datetime) -> bytes:
    """Returns the document `fleet-repl/aside/1` of a run that died and cannot be read."""
    return line(AsideDocument(run.run_id, instant(at), run.reason))


def before_pieces(before: Iterable[tuple[Registry, RegistryBefore]]) -> Iterator[bytes]:
    """Yields, in pieces, the document `fleet-repl/before/1` of these registries, in their order."""
    members = ((str(registry), RegistryBeforeDocument.of(entry)) for registry, entry in before)
    yield from member_pieces(BeforeDocument({}), "registries", members)
    yield b"\n"


def parse_before(content: bytes, where: str) -> BeforeDocuments:
    """Returns the documents that a run replaces. Raises UnreadableStateError."""
    with without_collection():
        return _read(content, where, BeforeDocument, BeforeDocument.before)


def _read(content: bytes, where: str, kind: type[_D], value: Callable[[_D], _T]) -> _T:
    try:
        return value(read(content, kind))
    except MalformedError as malformed:
        raise UnreadableStateError(
            f"what is remembered of a run cannot be read: {where}: {malformed}\n"
            "    move the run's folder away to go on without it"
        ) from None
