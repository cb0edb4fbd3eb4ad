"""The ownership record of a fleet, which has what it last applied, as a document and back.

A document that cannot be read never counts as an empty record: links of the fleet would then be
taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET, UnsetType

from fleet_repl.planning.ownership import Applied, Record, together
from fleet_repl.reports.documents.member_types import RegistryName
from fleet_repl.reports.documents.reader import Document, MalformedError, read, without_collection
from fleet_repl.reports.documents.shared import expect_fleet, prefix_list, registry_named, zoned
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY

APPLIED_SCHEMA: Final = "fleet-repl/applied/1"


class EntryDocument(Document, frozen=True):
    """The links and templates that a fleet last applied to a registry."""

    links: dict[RegistryName, tuple[str, ...] | None] | UnsetType = UNSET
    templates: tuple[str, ...] | UnsetType = UNSET
    given_up: bool | UnsetType = UNSET
    due: dict[RegistryName, str] | UnsetType = UNSET

    @classmethod
    def of(cls, applied: Applied) -> EntryDocument:
        due = {str(end): since.isoformat() for end, since in sorted(applied.due.items())}
        return cls(
            links={
                str(end): prefix_list(prefixes) for end, prefixes in sorted(applied.links.items())
            },
            templates=applied.templates,
            given_up=applied.given_up or UNSET,
            due=due or UNSET,
        )

    def applied(self) -> Applied:
        links, due = self.links or {}, self.due or {}
        return Applied(
            links={
                registry_named(end): EVERY_REPOSITORY
                if prefixes is None
                else tuple(sorted({*prefixes}))
                for end, prefixes in links.items()
            },
            templates=self.templates or (),
            given_up=self.given_up is True,
            due={registry_named(end): zoned(since, f"due.{end}") for end, since in due.items()},
        )


class RecordDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=APPLIED_SCHEMA):
    """The record of a fleet."""

    fleet: str
    formerly: tuple[str, ...] | UnsetType = UNSET
    registries: dict[RegistryName, EntryDocument]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A record, and the former names that it includes."""

    record: Record
    formerly: tuple[str, ...] = ()
    """Former names of the fleet whose records were merged into this one."""


def record_document(fleet: str, remembered: Remembered) -> bytes:
    """Returns the document of a record. Equal records have equal documents."""
    registries = sorted(remembered.record.items())
    return line_in_utf8(
        RecordDocument(
            fleet=fleet,
            formerly=remembered.formerly,
            registries={
                str(registry): EntryDocument.of(applied) for registry, applied in registries
            },
        )
    )


def parse_record(content: bytes, fleet: str, *, where: str) -> Remembered:
    """Returns the record in a document. Raises StateError, which names the document as `where`."""
    try:
        with without_collection():
            document = read(content, RecordDocument)
            expect_fleet(fleet, document.fleet)
            entries = document.registries.items()
            record = {registry_named(name): entry.applied() for name, entry in entries}
    except MalformedError as malformed:
        raise StateError(
            f"the record of what was applied cannot be used: {where}: {malformed}\n"
            "    move it away to go on without one: links that no route asks for then count as "
            "somebody else's"
        ) from None
    return Remembered(record=record, formerly=document.formerly or ())


def merge_records(records: Iterable[Record]) -> Record:
    """Returns several records of a fleet merged into one."""
    merged: dict[Registry, Applied] = {}
    for record in records:
        for registry, applied in record.items():
            existing = merged.get(registry)
            merged[registry] = applied if existing is None else together(existing, applied)
    return merged
