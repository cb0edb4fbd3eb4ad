"""The lock of a fleet as a document and back. An unreadable document is never a free lock."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType

from fleet_repl.reports.documents.member_types import Count
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.shared import expect_fleet, given, plain, recast_or_none, zoned
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state.lock_rules import LockDocument
from fleet_repl.values.errors import StateError

LOCK_SCHEMA: Final = "fleet-repl/lock/1"


class HolderDocument(Document, frozen=True):
    """The process that makes, or made, a run."""

    run_id: str
    purpose: Purpose
    user: str
    host: str
    pid: Count
    process: str


class _Lock(Document, frozen=True, tag_field="schema", tag=LOCK_SCHEMA):
    fleet: str
    holder: HolderDocument | None
    taken_at: str
    renewed_at: str
    renewals: Count
    sharers: dict[str, str] | UnsetType | None = UNSET

    def lock(self) -> LockDocument:
        holder = recast_or_none(self.holder, Holder)
        for name in ("run_id", "user", "host", "process") if holder is not None else ():
            plain(getattr(holder, name), f"holder.{name}")
        for fleet, entry_digest in (self.sharers or {}).items():
            plain(fleet, "sharers")
            plain(entry_digest, f"sharers.{fleet}")
        return LockDocument(
            fleet=self.fleet,
            holder=holder,
            taken_at=zoned(self.taken_at, "taken_at"),
            renewed_at=zoned(self.renewed_at, "renewed_at"),
            renewals=self.renewals,
            sharers=given(self.sharers),
        )


def lock_content(document: LockDocument) -> bytes:
    return line_in_utf8(
        _Lock(
            fleet=document.fleet,
            holder=recast_or_none(document.holder, HolderDocument),
            taken_at=document.taken_at.isoformat(),
            renewed_at=document.renewed_at.isoformat(),
            renewals=document.renewals,
            sharers=UNSET if document.sharers is None else dict(document.sharers),
        )
    )


def parse_lock(content: bytes, fleet: str | None, *, where: str) -> LockDocument:
    """Returns the lock in a document. `fleet`: the fleet that it must be of; None for any fleet.
    Raises StateError, which names the document as `where`."""
    try:
        document = read(content, _Lock).lock()
        expect_fleet(document.fleet if fleet is None else fleet, document.fleet)
    except MalformedError as malformed:
        raise StateError(
            f"the fleet's lock cannot be used: {where}: {malformed}\n"
            "    see that no other run of this fleet is under way, then remove it"
        ) from None
    return document
