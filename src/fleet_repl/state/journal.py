"""The journal of a run: a line before each write is sent, and a line when it has ended.

Lines that wait at the same time are written together. So a line that must be on the disk before its
write is sent seldom costs a sync of its own: of 20 registries that are about to be written, the
first writes the lines of all. After a failure the file may end within a line. Nothing is appended
then, and a reader ignores the last half line.
"""

from __future__ import annotations

import json
from typing import Final

import anyio
from msgspec import UNSET, UnsetType

from fleet_repl.engine.stores import Store
from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.reports.documents.member_types import AwsDocument, Instant, RegistryName
from fleet_repl.reports.documents.reader import Document, MalformedError, parsed, read
from fleet_repl.reports.documents.registry_outcomes import check_write_outcome
from fleet_repl.reports.documents.shared import given, moment, registry_named
from fleet_repl.reports.documents.writer import compact, line
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import StateError, UnreadableStateError
from fleet_repl.values.text import instant

JOURNAL_SCHEMA: Final = "fleet-repl/journal/1"

_OF_SENDING: Final = frozenset({"before", "after"})
_OF_ENDED: Final = frozenset({"outcome", "request_id", "in_doubt"})
_OF_TEMPLATES: Final = frozenset({"prefix"})


class EntryDocument(Document, frozen=True, kw_only=True):
    """A line of the journal. The members after `wave` depend on `moment` and `resource`."""

    moment: Moment
    at: Instant
    registry: RegistryName
    resource: Resource
    action: Action
    phase: Phase
    wave: str
    prefix: str | UnsetType = UNSET
    before: AwsDocument | UnsetType = UNSET
    after: AwsDocument | UnsetType = UNSET
    outcome: Outcome | UnsetType = UNSET
    request_id: str | UnsetType | None = UNSET
    in_doubt: bool | UnsetType = UNSET

    @classmethod
    def of(cls, entry: JournalEntry) -> EntryDocument:
        sending = entry.moment is Moment.SENDING
        return cls(
            moment=entry.moment,
            at=instant(entry.at),
            registry=str(entry.registry),
            resource=entry.resource,
            action=entry.action,
            phase=entry.phase,
            wave=entry.wave,
            prefix=entry.prefix or "" if entry.resource is Resource.CREATION_TEMPLATE else UNSET,
            before=entry.before if sending else UNSET,
            after=entry.after if sending else UNSET,
            outcome=entry.outcome or UNSET,
            request_id=UNSET if sending else entry.request_id,
            in_doubt=UNSET if sending else entry.in_doubt,
        )

    def entry(self) -> JournalEntry:
        self._check_members()
        if (outcome := given(self.outcome)) is not None:
            check_write_outcome(outcome)
        return JournalEntry(
            moment=self.moment,
            at=moment(self.at, "at"),
            registry=registry_named(self.registry),
            resource=self.resource,
            action=self.action,
            phase=self.phase,
            wave=self.wave,
            prefix=given(self.prefix),
            before=given(self.before),
            after=given(self.after),
            outcome=outcome,
            request_id=given(self.request_id),
            in_doubt=self.in_doubt is True,
        )

    def _check_members(self) -> None:
        """Raises MalformedError for a missing member, and for a member of another kind of line."""
        needed = _OF_SENDING if self.moment is Moment.SENDING else _OF_ENDED
        if self.resource is Resource.CREATION_TEMPLATE:
            needed |= _OF_TEMPLATES
        for name in sorted(_OF_SENDING | _OF_ENDED | _OF_TEMPLATES):
            is_set = getattr(self, name) is not UNSET
            if is_set and name not in needed:
                raise MalformedError(name, "this version does not know this member")
            if not is_set and name in needed:
                raise MalformedError(name, "it is missing")


class Journal:
    """The journal of a run that is under way. Only this run writes to it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._waiting: list[bytes] = [compact({"schema": JOURNAL_SCHEMA}) + b"\n"]
        self._noted = 0
        """The number of entries that were added so far."""
        self._written = 0
        self._turn = anyio.Lock()
        """Held while lines are written; the first of the tasks that wait writes for all."""
        self._failure: StateError | None = None

    async def announce(self, entry: JournalEntry) -> None:
        """Writes an entry. It is durable on return. Raises StateError where it cannot be written,
        and from then on always."""
        self.note(entry)
        await self.flush()

    def note(self, entry: JournalEntry) -> None:
        """Adds an entry that may wait for the next one that is announced."""
        self._waiting.append(entry_line(entry))
        self._noted += 1

    async def flush(self) -> None:
        """Returns when all entries so far are durable. Raises StateError."""
        last = self._noted
        async with self._turn:
            if self._written >= last:
                return
            if self._failure is not None:
                raise self._failure
            await self._write()

    async def _write(self) -> None:
        """Writes the lines that wait now. Later lines are written together after them."""
        lines, noted = self._waiting, self._noted
        self._waiting = []
        where = f"{self._store}/{self._name}"
        # Stands until the write succeeds: others wait for these lines if this task is cancelled.
        self._failure = StateError(f"the journal cannot be written: {where}: a write was cut off")
        try:
            with anyio.CancelScope(shield=True):
                await self._store.append(self._name, b"".join(lines))
        except StateError as error:
            self._failure = error
            raise
        self._failure = None
        self._written = noted


def entry_line(entry: JournalEntry) -> bytes:
    return line(EntryDocument.of(entry))


def parse_journal(content: bytes, where: str) -> tuple[JournalEntry, ...]:
    """Returns the entries in their order, without a last line that was cut off.

    Raises UnreadableStateError, which names the line, for any other damage.
    """
    lines = content.split(b"\n")
    # Every whole line ends with a newline, so the last part is empty or half a line.
    whole = lines[:-1]
    entries: list[JournalEntry] = []
    for number, text in enumerate(whole, start=1):
        try:
            if number == 1:
                _expect_header(parsed(text))
            else:
                entries.append(read(text, EntryDocument).entry())
        except MalformedError as malformed:
            raise UnreadableStateError(
                f"the journal of a run cannot be read: {where}, line {number}: {malformed}\n"
                "    somebody else has changed it; move the run's folder away to go on without it"
            ) from None
    return tuple(entries)


def _expect_header(header: JsonObject) -> None:
    if header != {"schema": JOURNAL_SCHEMA}:
        shown = json.dumps(header.get("schema"))
        raise MalformedError("schema", f"{JOURNAL_SCHEMA} is needed, not {shown}")
