"""The index of a fleet's runs: which are over and which are open, so that a plan lists no run.

An index may be out of date: a version of fleet-repl that knows no index may write runs beside it.
But every run takes the fleet's lock before it is recorded, and the lock's document says when it was
last taken. So the index says under which taking of the lock it was brought up to date. If the lock
was taken again since, the index does not count, and the runs are listed.

For example, a run takes the lock at 9:00 and writes the index "of 9:00". Then an older version
takes the lock at 9:30, records a run and dies. A plan at 10:00 finds a lock of 9:30 and an index of
9:00, lists the runs, and finds the dead one. So does the next run that takes the lock, which writes
what it has listed into the index.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.shared import zoned
from fleet_repl.reports.documents.writer import line
from fleet_repl.state.lease import Lease
from fleet_repl.state.lock import last_taken_at
from fleet_repl.state.revise import revise
from fleet_repl.values.errors import StateError

INDEX_SCHEMA: Final = "fleet-repl/run-index/1"


class _IndexDocument(Document, frozen=True, tag_field="schema", tag=INDEX_SCHEMA):
    taken_at: str
    over: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIndex:
    """The ids of a fleet's runs, as one taking of its lock has left them."""

    taken_at: datetime
    """The time when the lock was taken under which the index was brought up to date."""
    over: frozenset[str]
    """Runs that have ended or are set aside."""
    open: frozenset[str]
    """Runs that are under way, have died, or have ended since a process could say so here."""

    def with_open(self, run_id: str) -> RunIndex:
        """Returns the index with a run that begins."""
        return replace(self, open=self.open | {run_id})

    def within(self, run_ids: Collection[str]) -> RunIndex:
        """Returns the index with no other runs than these."""
        return replace(
            self, over=self.over.intersection(run_ids), open=self.open.intersection(run_ids)
        )

    def with_over(self, run_id: str) -> RunIndex:
        return replace(self, over=self.over | {run_id}, open=self.open - {run_id})


def index_content(index: RunIndex) -> bytes:
    """Returns the document `fleet-repl/run-index/1`."""
    taken_at = index.taken_at.isoformat()
    return line(_IndexDocument(taken_at, tuple(sorted(index.over)), tuple(sorted(index.open))))


def parse_index(content: bytes | None) -> RunIndex | None:
    """Returns the index in a document; None if there is none, or it cannot be read: the runs are
    listed then, and the next run that takes the lock writes a new one."""
    if content is None:
        return None
    try:
        document = read(content, _IndexDocument)
        taken_at = zoned(document.taken_at, "taken_at")
    except MalformedError:
        return None
    return RunIndex(taken_at=taken_at, over=frozenset(document.over), open=frozenset(document.open))


async def current_index(store: Store, fleet: str) -> RunIndex | None:
    """Returns the index of a fleet if it names all its runs, or else None. Raises StateError where
    the store cannot be read."""
    try:
        taken_at = await last_taken_at(store, fleet)
    except StateError:
        # Planning does without the lock, so it does with one that cannot be read, too.
        return None
    index = parse_index(await store.read(_name(fleet)))
    return index if index is not None and index.taken_at == taken_at else None


async def inherited_index(store: Store, fleet: str, lease: Lease) -> RunIndex | None:
    """Returns the index that a run finds once it has taken the lock, if it names all runs."""
    index = parse_index(await store.read(_name(fleet)))
    known = (lease.previously_taken_at, lease.taken_at)
    return index if index is not None and index.taken_at in known else None


async def renew_index(store: Store, fleet: str, index: RunIndex) -> None:
    """Replaces a fleet's index by that of the run that took the lock. Raises StateError."""

    def renewed(content: bytes | None) -> bytes:
        before = parse_index(content)
        # A run that has lost the lock may have entered itself since the runs were read.
        late = before.open - index.over if before is not None else frozenset[str]()
        return index_content(replace(index, open=index.open | late))

    await revise(store, _name(fleet), renewed)


async def revise_index(store: Store, fleet: str, change: Callable[[RunIndex], RunIndex]) -> None:
    """Changes the index of a fleet, if there is one. Raises StateError."""

    def revised(content: bytes | None) -> bytes | None:
        index = parse_index(content)
        return None if index is None else index_content(change(index))

    await revise(store, _name(fleet), revised)


def _name(fleet: str) -> str:
    return f"{fleet}/runs.json"
