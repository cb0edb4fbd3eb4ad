"""The last look at the documents that a wave has written: whether they are still in place.

A write that was read back may be overwritten by somebody who had read the document before it. So
no write counts as applied before its whole wave is written, and its document was read once more.
Waves may be hours apart: the last look of a run reads the documents of earlier waves again.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import anyio

from fleet_repl.engine.document_write import DocumentWrite, WriteResult
from fleet_repl.engine.ledger import Ledger
from fleet_repl.engine.polls import poll
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.engine.workers import work_through
from fleet_repl.engine.write_faults import overwritten, unseen
from fleet_repl.planning.change import Resource
from fleet_repl.planning.plan import Effort
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import Registry

HURRY: Final = 10.0
"""Seconds that all looks together may take once the run is to end."""

_Document: TypeAlias = tuple[Registry, Resource, str]
_Write: TypeAlias = tuple[ChangeOutcome, DocumentWrite[Any]]


class LastLook:
    """The documents that are to be read once more, and the reads."""

    def __init__(self, ledger: Ledger, documents: DocumentWriter, concurrency: int) -> None:
        self._ledger = ledger
        self._documents = documents
        self._stop = documents.stop
        self._concurrency = concurrency
        self._written: dict[_Document, _Write] = {}
        self._in_place: dict[_Document, _Write] = {}
        """Documents of earlier waves that the last look at them has shown to be in place."""

    def note(self, registry: Registry, ended: ChangeOutcome, result: WriteResult[Any]) -> None:
        """Note the result of a write. Only the last write of a document is looked at."""
        document = registry, ended.resource, prefix_of(ended) or ""
        self._written.pop(document, None)
        self._in_place.pop(document, None)
        if ended.outcome is Outcome.APPLIED and result.write is not None:
            self._written[document] = ended, result.write

    async def take(self, *, last: bool) -> None:
        """Read every document that was noted since the last time; the `last` time in a run, also
        those of earlier waves.

        In a run that is to end this takes `HURRY` seconds at the most, and an interruption ends
        it; documents that were not read keep their outcomes.
        """
        due = self._in_place | self._written if last else self._written
        self._written = {}
        bounded = anyio.move_on_after(HURRY) if self._stop.requested else self._stop.abandonable()
        with bounded:
            # The looks are bounded above, and have to go on although the run is to end.
            await work_through(
                tuple(due.items()), self._look, concurrency=self._concurrency, stop=None
            )
        if last:
            self._in_place.clear()
            for registry in {registry for registry, _, _ in due}:
                self._ledger.note_last_look(registry)

    async def _look(self, noted: tuple[_Document, _Write]) -> None:
        document, (ended, write) = noted
        registry = document[0]
        clock, attempts = self._documents.pace.clock, self._documents.reader.attempts
        started, calls = clock.monotonic(), attempts(registry)
        fault = await self._fault(write)
        effort = Effort(attempts(registry) - calls, clock.monotonic() - started)
        self._ledger.spend(registry, effort)
        if fault is None:
            self._in_place[document] = ended, write
        else:
            self._ledger.overturn(registry, ended, fault)
            write.guarded.report_end(Outcome.FAILED, ended.request_id, in_doubt=True)

    async def _fault(self, write: DocumentWrite[Any]) -> Fault | None:
        """Returns the fault of a write whose document is not in place; None where it is."""
        try:
            present = await poll(write.read, write.in_place, self._documents.pace.clock)
        except CallError as error:
            # Past the deadline a read is made only once, so its failure proves nothing.
            return None if self._stop.requested else unseen(error.fault)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            return unforeseen(write.operation, error)
        return None if write.in_place(present) else overwritten(write.operation)
