"""A run's journal: every write before it is sent, and how it ended, line by line.

What waits at one time goes out together, so a line that must be on the disk before its write is
sent costs no sync of its own. After a failed write the file may end in half a line: nothing more
is added to it, and half a line at the end says nothing.
"""

from __future__ import annotations

import json
from typing import Final

import anyio

from fleet_repl.engine.ports import Store
from fleet_repl.planning.plan import Action, Phase, Resource
from fleet_repl.reports.documents import reader as members
from fleet_repl.reports.documents.reader import MalformedError, as_object
from fleet_repl.reports.documents.reading_shared import write_outcome
from fleet_repl.reports.documents.writer import compact, instant
from fleet_repl.runs.history import JournalEntry, Moment
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import StateError, UnreadableStateError

JOURNAL_SCHEMA: Final = "fleet-repl/journal/1"

_ALWAYS: Final = frozenset({"moment", "at", "registry", "resource", "action", "phase", "wave"})
_SENDING: Final = _ALWAYS | {"before", "after"}
_SETTLED: Final = _ALWAYS | {"outcome", "request_id", "in_doubt"}


class Journal:
    """The journal of a run that is under way; this run alone writes to it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._waiting: list[bytes] = [compact({"schema": JOURNAL_SCHEMA}) + b"\n"]
        self._noted = 0
        """Lines that have been handed in so far."""
        self._written = 0
        self._turn = anyio.Lock()
        """Of those who wait, the first writes for all."""
        self._failure: StateError | None = None

    async def announce(self, entry: JournalEntry) -> None:
        """Put down a write that is about to be sent: it is durable when this returns.

        Raises StateError where it cannot be, and ever after.
        """
        self.note(entry)
        await self.flush()

    def note(self, entry: JournalEntry) -> None:
        """Put down something that can wait for what is announced next."""
        self._waiting.append(entry_line(entry))
        self._noted += 1

    async def flush(self) -> None:
        """Return once all that was handed in so far is durable. Raises StateError."""
        last = self._noted
        async with self._turn:
            if self._written >= last:
                return
            if self._failure is not None:
                raise self._failure
            await self._write()

    async def _write(self) -> None:
        """Write what waits now; what comes meanwhile goes out with the next group."""
        lines, noted = self._waiting, self._noted
        self._waiting = []
        where = f"{self._store}/{self._name}"
        # Until it has ended well: others wait for these lines too, whatever becomes of this one.
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
    """One line of the journal."""
    line: dict[str, Json] = {
        "moment": entry.moment.value,
        "at": instant(entry.at),
        "registry": str(entry.registry),
        "resource": entry.resource.value,
        "action": entry.action.value,
        "phase": entry.phase.value,
        "wave": entry.wave,
    }
    if entry.resource is Resource.CREATION_TEMPLATE:
        line["prefix"] = entry.prefix or ""
    if entry.moment is Moment.SENDING:
        line |= {"before": entry.before, "after": entry.after}
    else:
        line |= {
            "outcome": entry.outcome.value if entry.outcome is not None else None,
            "request_id": entry.request_id,
            "in_doubt": entry.in_doubt,
        }
    return compact(line) + b"\n"


def parse_journal(content: bytes, where: str) -> tuple[JournalEntry, ...]:
    """The entries in their order, without a last line that was cut off.

    Raises UnreadableStateError for any other damage, naming the line.
    """
    lines = content.split(b"\n")
    # What was written in full ends with a newline, so the last part is empty or half a line.
    whole = lines[:-1]
    found: list[JournalEntry] = []
    for number, line in enumerate(whole, start=1):
        try:
            parsed = members.parsed(line)
            if number == 1:
                _expect_header(parsed)
            else:
                found.append(_entry(parsed))
        except MalformedError as malformed:
            raise UnreadableStateError(
                f"the journal of a run cannot be read: {where}, line {number}: {malformed}\n"
                "    somebody else has changed it; move the run's folder away to go on without it"
            ) from None
    return tuple(found)


def _expect_header(found: JsonObject) -> None:
    if found != {"schema": JOURNAL_SCHEMA}:
        shown = json.dumps(found.get("schema"))
        raise MalformedError("schema", f"{JOURNAL_SCHEMA} is needed, not {shown}")


def _entry(found: JsonObject) -> JournalEntry:
    moment = members.choice(found, "moment", Moment)
    resource = members.choice(found, "resource", Resource)
    keys = _SENDING if moment is Moment.SENDING else _SETTLED
    is_template = resource is Resource.CREATION_TEMPLATE
    as_object(found, keys=keys | {"prefix"} if is_template else keys)
    sending = moment is Moment.SENDING
    return JournalEntry(
        moment=moment,
        at=members.moment(found, "at"),
        registry=members.named(found, "registry"),
        resource=resource,
        action=members.choice(found, "action", Action),
        phase=members.choice(found, "phase", Phase),
        wave=members.text(found, "wave"),
        prefix=members.text(found, "prefix") if is_template else None,
        before=members.document(found, "before") if sending else None,
        after=members.document(found, "after") if sending else None,
        outcome=None if sending else write_outcome(found),
        request_id=None if sending else members.optional_text(found, "request_id"),
        in_doubt=False if sending else members.truth(found, "in_doubt"),
    )
