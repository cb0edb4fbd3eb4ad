"""The last look at what a wave has written: whether it is still in place.

A write that was read back may be overwritten by somebody who had read before it. So nothing is
told to be applied before everything of its wave was written, and it was read once more.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import anyio

from fleet_repl.engine.ledger import Ledger
from fleet_repl.engine.polls import poll
from fleet_repl.engine.registry_documents import Writing
from fleet_repl.engine.slots import Settled, Slot
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.engine.write_faults import overwritten, unseen
from fleet_repl.planning.plan import Effort, Resource
from fleet_repl.runs.history import prefix_of
from fleet_repl.runs.outcomes import ChangeOutcome, Outcome
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import Registry

HURRY: Final = 10.0
"""Seconds that all looks together may take once the run is to end."""

_Document: TypeAlias = tuple[Registry, Resource, str]


class LastLook:
    """What is to be looked at once more, and the looks."""

    def __init__(self, ledger: Ledger, writing: Writing, stop: Stop, crew: int) -> None:
        self._ledger = ledger
        self._writing = writing
        self._stop = stop
        self._crew = crew
        self._written: dict[_Document, tuple[ChangeOutcome, Slot[Any]]] = {}

    def note(self, registry: Registry, ended: ChangeOutcome, settled: Settled[Any]) -> None:
        """A write has ended. Only the last one of a document is looked at."""
        document = registry, ended.resource, prefix_of(ended) or ""
        self._written.pop(document, None)
        if ended.outcome is Outcome.APPLIED and settled.slot is not None:
            self._written[document] = ended, settled.slot

    async def take(self) -> None:
        """Look at everything that was noted since the last time.

        A run that is to end takes no longer for it than `HURRY`, and an interruption ends the
        looks; what they have not come to stays as it was told.
        """
        noted = [(document[0], *what) for document, what in self._written.items()]
        self._written.clear()
        bounded = anyio.move_on_after(HURRY) if self._stop.requested else self._stop.abandonable()
        with bounded:
            await work_through(noted, self._look, crew=self._crew, stop=Stop.never())
        for registry in {registry for registry, _, _ in noted}:
            self._ledger.looked(registry)

    async def _look(self, noted: tuple[Registry, ChangeOutcome, Slot[Any]]) -> None:
        registry, ended, slot = noted
        clock, attempts = self._writing.pace.clock, self._writing.reader.attempts
        started, calls = clock.monotonic(), attempts(registry)
        fault = await self._fault(slot)
        effort = Effort(attempts(registry) - calls, clock.monotonic() - started)
        self._ledger.spend(registry, effort)
        if fault is not None:
            self._ledger.overturn(registry, ended, fault)
            slot.passage.leave(Outcome.FAILED, ended.request_id, in_doubt=True)

    async def _fault(self, slot: Slot[Any]) -> Fault | None:
        """Why a document cannot be told to be as it was written, if it cannot."""
        try:
            now = await poll(slot.read, slot.in_place, self._writing.pace.clock)
        except CallError as error:
            # Past the deadline a read is tried only once, which proves nothing.
            return None if self._stop.requested else unseen(error.fault)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            return unforeseen(slot.operation, error)
        return None if slot.in_place(now) else overwritten(slot.operation)
