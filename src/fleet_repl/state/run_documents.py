"""The small documents of a run: what it is, how it ended, and what it found before its writes.

Pure. Text and back; what cannot be understood is an UnreadableStateError that says where and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from fleet_repl.planning.ownership import Cells
from fleet_repl.planning.plan import Resource
from fleet_repl.reports.documents import reader as members
from fleet_repl.reports.documents.reader import MalformedError, as_object
from fleet_repl.reports.documents.reading_shared import expect_schema, inventory_reference, writes
from fleet_repl.reports.documents.report import SummaryDocument
from fleet_repl.reports.documents.shared import InventoryDocument, alike, prefixes_document
from fleet_repl.reports.documents.writer import (
    compact,
    instant,
)
from fleet_repl.runs.history import (
    BeforeDocuments,
    Holder,
    Purpose,
    RegistryBefore,
    RunMeta,
    UnreadableRun,
)
from fleet_repl.runs.outcomes import Outcome, Report, Status, Writes
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.names import Registry

RUN_SCHEMA: Final = "fleet-repl/run/1"
ENDED_SCHEMA: Final = "fleet-repl/ended/1"
BEFORE_SCHEMA: Final = "fleet-repl/before/1"
ASIDE_SCHEMA: Final = "fleet-repl/aside/1"

_TEMPLATES: Final = "creation-templates"
_OWNED: Final = "owned"
_RUN: Final = frozenset(
    {
        "schema",
        "run_id",
        "fleet",
        "purpose",
        "holder",
        "started_at",
        "inventory",
        "plan_digest",
        "forced",
        "allowed",
        "rolls_back",
        "changes",
    }
)
_HOLDER: Final = frozenset({"run_id", "purpose", "user", "host", "pid", "process"})
_ENDED: Final = frozenset({"schema", "run_id", "status", "finished_at", "summary"})
_BEFORE: Final = frozenset({"schema", "registries"})
_RESOURCES: Final = (Resource.REPLICATION_CONFIGURATION, Resource.REGISTRY_POLICY)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, in short."""

    status: Status
    finished_at: datetime
    counts: Mapping[Outcome, int]
    """Registries by outcome."""
    writes: Writes | None = None
    """None where an earlier version has not counted them."""


def run_content(meta: RunMeta) -> bytes:
    """The document `fleet-repl/run/1`."""
    holder = meta.holder
    return _line(
        {
            "schema": RUN_SCHEMA,
            "run_id": meta.run_id,
            "fleet": meta.fleet,
            "purpose": meta.purpose.value,
            "holder": {
                "run_id": holder.run_id,
                "purpose": holder.purpose.value,
                "user": holder.user,
                "host": holder.host,
                "pid": holder.pid,
                "process": holder.process,
            },
            "started_at": instant(meta.started_at),
            "inventory": alike(meta.inventory, InventoryDocument),
            "plan_digest": meta.plan_digest,
            "forced": meta.forced,
            "allowed": list(meta.allowed),
            "rolls_back": meta.rolls_back,
            "changes": meta.changes,
        }
    )


def parse_run(content: bytes, where: str) -> RunMeta:
    """What a run is. Raises UnreadableStateError."""
    return _read(content, where, RUN_SCHEMA, _run)


def ended_content(report: Report) -> bytes:
    """The document `fleet-repl/ended/1`: what a list of runs tells of a report."""
    return _line(
        {
            "schema": ENDED_SCHEMA,
            "run_id": report.run_id,
            "status": report.status.value,
            "finished_at": instant(report.finished_at),
            "summary": SummaryDocument.of(report),
        }
    )


def parse_ended(content: bytes, where: str) -> Ended:
    """How a run ended. Raises UnreadableStateError."""
    return _read(content, where, ENDED_SCHEMA, _ended)


def aside_content(run: UnreadableRun, at: datetime) -> bytes:
    """The document `fleet-repl/aside/1`: a run that died is not looked into any more."""
    return _line(
        {
            "schema": ASIDE_SCHEMA,
            "run_id": run.run_id,
            "at": instant(at),
            "because": run.reason,
        }
    )


def before_content(before: BeforeDocuments) -> bytes:
    """The document `fleet-repl/before/1`."""
    registries = {
        str(registry): _registry_document(one) for registry, one in sorted(before.items())
    }
    return _line({"schema": BEFORE_SCHEMA, "registries": registries})


def parse_before(content: bytes, where: str) -> BeforeDocuments:
    """What registries had before a run. Raises UnreadableStateError."""
    return _read(content, where, BEFORE_SCHEMA, _before)


def _line(document: Mapping[str, object]) -> bytes:
    return compact(document) + b"\n"


def _read(content: bytes, where: str, schema: str, read: Callable[[JsonObject], _T]) -> _T:
    try:
        found = members.parsed(content)
        expect_schema(found, schema)
        return read(found)
    except MalformedError as malformed:
        raise UnreadableStateError(
            f"what is remembered of a run cannot be read: {where}: {malformed}\n"
            "    move the run's folder away to go on without it"
        ) from None


def _run(found: JsonObject) -> RunMeta:
    as_object(found, keys=_RUN)
    return RunMeta(
        run_id=members.text(found, "run_id"),
        fleet=members.text(found, "fleet"),
        purpose=members.choice(found, "purpose", Purpose),
        holder=members.inner(found, "holder", _holder),
        started_at=members.moment(found, "started_at"),
        inventory=members.inner(found, "inventory", inventory_reference),
        plan_digest=members.text(found, "plan_digest"),
        forced=members.truth(found, "forced"),
        allowed=members.texts(found, "allowed"),
        rolls_back=members.optional_text(found, "rolls_back"),
        changes=members.number(found, "changes"),
    )


def _holder(found: JsonObject) -> Holder:
    as_object(found, keys=_HOLDER)
    return Holder(
        run_id=members.text(found, "run_id"),
        purpose=members.choice(found, "purpose", Purpose),
        user=members.text(found, "user"),
        host=members.text(found, "host"),
        pid=members.number(found, "pid"),
        process=members.text(found, "process"),
    )


def _ended(found: JsonObject) -> Ended:
    as_object(found, keys=_ENDED)
    summary = members.mapping(found, "summary")
    return Ended(
        status=members.choice(found, "status", Status),
        finished_at=members.moment(found, "finished_at"),
        counts={
            outcome: members.number(summary, outcome.value)
            for outcome in Outcome
            if outcome.value in summary or outcome is not Outcome.PARTIAL
        },
        writes=members.inner(summary, "writes", writes) if "writes" in summary else None,
    )


def _registry_document(one: RegistryBefore) -> JsonObject:
    found: dict[str, Json] = {
        resource.value: document for resource, document in sorted(one.documents.items())
    }
    if one.templates:
        found[_TEMPLATES] = dict(sorted(one.templates.items()))
    if one.owned:
        found[_OWNED] = {
            str(end): prefixes_document(prefixes) for end, prefixes in sorted(one.owned.items())
        }
    return found


def _before(found: JsonObject) -> BeforeDocuments:
    as_object(found, keys=_BEFORE)
    listed = members.mapping(found, "registries")
    before: dict[Registry, RegistryBefore] = {}
    for name in listed:
        try:
            before[members.registry(name)] = members.inner(listed, name, _registry_before)
        except MalformedError as error:
            raise error.below("registries") from None
    return before


def _registry_before(found: JsonObject) -> RegistryBefore:
    if strange := found.keys() - {*_RESOURCES, _TEMPLATES, _OWNED}:
        raise MalformedError(min(strange), "this version does not know this member")
    templates = members.mapping(found, _TEMPLATES) if _TEMPLATES in found else {}
    return RegistryBefore(
        documents={
            resource: members.document(found, resource)
            for resource in _RESOURCES
            if resource in found
        },
        templates={prefix: members.document(templates, prefix) for prefix in templates},
        owned=_cells(members.mapping(found, _OWNED)) if _OWNED in found else {},
    )


def _cells(found: JsonObject) -> Cells:
    return {members.registry(end): members.prefixes(found, end) for end in found}
