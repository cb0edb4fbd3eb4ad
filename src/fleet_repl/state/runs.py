"""The records of a fleet's runs. Each run has a folder with these documents, written in this order:

plan.json and before.json, what the run's writes replace; run.json, by which the run is remembered
and may write; journal.jsonl, which grows with its writes; report.json; ended.json, by which the run
has ended. A run that died and cannot be read gets an aside.json instead, and no longer counts as
unfinished; its other documents stay as they are.

Beside these folders lies the index of the runs, by which a plan knows them without listing them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from fleet_repl.engine.stores import Store
from fleet_repl.inventory.fields import FLEET_NAME
from fleet_repl.planning.ownership import NO_RECORD, Record
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.plan import parse_plan, plan_pieces
from fleet_repl.reports.documents.report import parse_report, report_pieces
from fleet_repl.runs.history import PastRun, RunMeta, RunSummary, UnreadableRun
from fleet_repl.runs.outcomes import Outcome, Report
from fleet_repl.runs.overwritten import each_before
from fleet_repl.state.journal import Journal, parse_journal
from fleet_repl.state.known_runs import RUN_ID, known_runs
from fleet_repl.state.reads import read_all
from fleet_repl.state.run_documents import (
    aside_content,
    before_pieces,
    ended_content,
    parse_before,
    parse_ended,
    parse_run,
    run_content,
)
from fleet_repl.state.run_index import revise_index
from fleet_repl.state.same_run import check_same_run, foreign_document
from fleet_repl.values.errors import StateError, UnreadableStateError
from fleet_repl.values.text import first_line

_FLEET: Final = re.compile(FLEET_NAME)
_NAME: Final = re.compile(r"(?P<fleet>[^/]+)/runs/(?P<run>[^/]+)/run\.json")

_T = TypeVar("_T")


class RunRecords:
    """The runs of a fleet. Every call raises StateError where the state cannot be used."""

    def __init__(self, store: Store, fleet: str) -> None:
        # The name may come from the command line, and becomes a part of paths.
        if _FLEET.fullmatch(fleet) is None:
            raise StateError(f"{fleet!r} is no name of a fleet")
        self._store = store
        self._fleet = fleet

    async def begin(self, meta: RunMeta, plan: Plan, record: Record = NO_RECORD) -> None:
        """Records a run before its first write. All documents are durable on return. `record`: what
        is on record as the fleet's own."""
        await self._put_long(meta.run_id, "plan.json", plan_pieces(plan))
        await self._put_long(meta.run_id, "before.json", before_pieces(each_before(plan, record)))
        # In the index before it is a run: no crash may leave a run that the index does not name.
        await revise_index(self._store, self._fleet, lambda index: index.with_open(meta.run_id))
        await self._put(meta.run_id, "run.json", run_content(meta))

    @asynccontextmanager
    async def journal(self, run_id: str) -> AsyncIterator[Journal]:
        """Opens the journal of a run for a block, at whose end all entries are durable.

        Raises StateError at the end where they cannot be written, unless the block raises.
        """
        journal = Journal(self._store, self._name(run_id, "journal.jsonl"))
        try:
            yield journal
        except Exception:
            with suppress(StateError):
                await journal.flush()
            raise
        await journal.flush()

    async def finish(self, report: Report) -> None:
        """Records the report of a run, and that the run has ended."""
        await self._put_long(report.run_id, "report.json", report_pieces(report))
        await self._put(report.run_id, "ended.json", ended_content(report))
        await self._close(report.run_id)

    async def set_aside(self, run: UnreadableRun, at: datetime) -> None:
        """Records that a run died and cannot be read: it no longer counts as unfinished."""
        await self._put(run.run_id, "aside.json", aside_content(run, at))
        await self._close(run.run_id)

    async def summaries(
        self, *, but: Collection[str] = (), since: str = ""
    ) -> tuple[RunSummary | UnreadableRun, ...]:
        """Returns a summary of each run, the newest first. `but`: ids to leave out. `since`: the
        first id to count."""
        runs = await known_runs(self._store, self._fleet)
        wanted = [run for run in runs.recorded.difference(but) if run >= since]
        return await self._readable_runs(sorted(wanted, reverse=True), self._summary)

    async def metas(self) -> Mapping[str, RunMeta]:
        """Returns the readable runs by id."""
        runs = await known_runs(self._store, self._fleet)
        metas = await self._readable_runs(runs.recorded, self._meta)
        return {meta.run_id: meta for meta in metas if isinstance(meta, RunMeta)}

    async def load(self, run_id: str) -> PastRun | None:
        """Returns all documents of a run; None if no run has that id. Raises UnreadableStateError
        where one of them cannot be read."""
        if RUN_ID.fullmatch(run_id) is None:
            return None
        run = await self._get(run_id, "run.json")
        if run is None:
            return None
        plan = await self._needed(run_id, "plan.json")
        before = await self._needed(run_id, "before.json")
        journal = await self._store.read_grown(self._name(run_id, "journal.jsonl"))
        report = await self._get(run_id, "report.json")

        def parsed() -> PastRun:
            past = PastRun(
                meta=parse_run(run, self._where(run_id, "run.json")),
                plan=parse_plan(plan, self._where(run_id, "plan.json"), error=UnreadableStateError),
                before=parse_before(before, self._where(run_id, "before.json")),
                journal=parse_journal(journal or b"", self._where(run_id, "journal.jsonl")),
                report=None
                if report is None
                else parse_report(
                    report, self._where(run_id, "report.json"), error=UnreadableStateError
                ),
            )
            check_same_run(past, run_id, lambda document: self._where(run_id, document))
            return past

        return await anyio.to_thread.run_sync(parsed)

    async def over(self) -> frozenset[str]:
        """Returns the ids of runs that have ended or are set aside."""
        return (await known_runs(self._store, self._fleet)).over

    async def unfinished(self) -> tuple[RunMeta | UnreadableRun, ...]:
        """Returns the runs that are under way, or died and are not set aside; the oldest first."""
        runs = await known_runs(self._store, self._fleet)
        return await self._readable_runs(sorted(runs.recorded - runs.over), self._meta)

    def unreadable(self, run_id: str, error: UnreadableStateError) -> UnreadableRun:
        """Returns a run of which a document cannot be read."""
        reason = first_line(error)
        return UnreadableRun(run_id=run_id, fleet=self._fleet, reason=reason)

    async def _close(self, run_id: str) -> None:
        """Says in the index that a run is over. Without that, a plan would look for its end."""
        with suppress(StateError):
            await revise_index(self._store, self._fleet, lambda index: index.with_over(run_id))

    async def _readable_runs(
        self, runs: Iterable[str], read: Callable[[str], Awaitable[_T | None]]
    ) -> tuple[_T | UnreadableRun, ...]:
        """Returns what `read` gives for each run, or an unreadable run: one run must not hide the
        others. A run whose folder was removed is left out."""

        async def readable(run_id: str) -> _T | UnreadableRun | None:
            try:
                return await read(run_id)
            except UnreadableStateError as error:
                return self.unreadable(run_id, error)

        results = await read_all(runs, readable)
        return tuple(result for result in results if result is not None)

    async def _summary(self, run_id: str) -> RunSummary | None:
        meta = await self._meta(run_id)
        if meta is None:
            return None
        content = await self._get(run_id, "ended.json")
        if content is None:
            return RunSummary(meta=meta, status=None)
        end = parse_ended(content, self._where(run_id, "ended.json"))
        return RunSummary(
            meta=meta,
            status=end.status,
            finished_at=end.finished_at,
            applied=end.counts[Outcome.APPLIED],
            partial=end.counts.get(Outcome.PARTIAL, 0),
            failed=end.counts[Outcome.FAILED],
            writes=end.writes,
        )

    async def _meta(self, run_id: str) -> RunMeta | None:
        content = await self._get(run_id, "run.json")
        if content is None:
            return None
        where = self._where(run_id, "run.json")
        meta = parse_run(content, where)
        if meta.run_id != run_id:
            raise foreign_document(where)
        return meta

    async def _put(self, run_id: str, document: str, content: bytes) -> None:
        await self._store.replace(self._name(run_id, document), content)

    async def _put_long(self, run_id: str, document: str, pieces: Iterable[bytes]) -> None:
        """Write a document in pieces. They are made in a thread: for a large fleet this takes
        seconds, and the lock must be renewed meanwhile."""
        await self._store.replace_in_pieces(self._name(run_id, document), pieces)

    async def _get(self, run_id: str, document: str) -> bytes | None:
        return await self._store.read(self._name(run_id, document))

    async def _needed(self, run_id: str, document: str) -> bytes:
        content = await self._get(run_id, document)
        if content is None:
            raise UnreadableStateError(
                f"what is remembered of a run is not complete: {self._where(run_id, document)} is "
                "missing\n    move the run's folder away to go on without it"
            )
        return content

    def _name(self, run_id: str, document: str) -> str:
        if RUN_ID.fullmatch(run_id) is None:
            raise StateError(f"{run_id!r} is no id of a run, such as 20261123T081500Z-ab12cd")
        return f"{self._fleet}/runs/{run_id}/{document}"

    def _where(self, run_id: str, document: str) -> str:
        return f"{self._store}/{self._name(run_id, document)}"


async def fleets(store: Store) -> tuple[str, ...]:
    """Returns the fleets that have runs in a store, sorted. Raises StateError."""
    matches = (_NAME.fullmatch(name) for name in await store.names(""))
    names = {
        match["fleet"]
        for match in matches
        if match and _FLEET.fullmatch(match["fleet"]) and RUN_ID.fullmatch(match["run"])
    }
    return tuple(sorted(names))
