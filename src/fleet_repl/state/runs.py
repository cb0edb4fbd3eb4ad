"""The records of runs: plan, documents before, journal and report, each run in its own folder.

A run is remembered once its run.json is there, which is written last of all that has to be known
before its first write. It has ended once its ended.json is there, which is written after its
report. One that died, and of which something cannot be read, is set aside: an aside.json says so,
and everything else of it stays as it is.
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
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents import parse_plan, parse_report, plan_content, report_content
from fleet_repl.runs.history import (
    NO_RECORD,
    PastRun,
    RunMeta,
    RunSummary,
    UnreadableRun,
    before_documents,
)
from fleet_repl.runs.outcomes import Outcome, Report
from fleet_repl.state.journal import Journal, parse_journal
from fleet_repl.state.run_documents import (
    aside_content,
    before_content,
    ended_content,
    parse_before,
    parse_ended,
    parse_run,
    run_content,
)
from fleet_repl.values.errors import StateError, UnreadableStateError
from fleet_repl.values.text import first_line

_RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-z]{1,32}")
_FLEET: Final = re.compile(FLEET_NAME)
_NAME: Final = re.compile(r"(?P<fleet>[^/]+)/runs/(?P<run>[^/]+)/run\.json")
_READS: Final = 16
"""Documents asked for at a time."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class RunRecords:
    """The runs of one fleet. Every call raises StateError where the state cannot be used."""

    def __init__(self, store: Store, fleet: str) -> None:
        # It may come from the command line, and becomes part of a path.
        if _FLEET.fullmatch(fleet) is None:
            raise StateError(f"{fleet!r} is no name of a fleet")
        self._store = store
        self._fleet = fleet

    async def begin(self, meta: RunMeta, plan: Plan, record: Record = NO_RECORD) -> None:
        """Remember a run before its first write, with what the fleet's record says by then; all
        of it is durable when this returns."""
        # In threads: of a large fleet this takes seconds, and a lock has to be renewed meanwhile.
        content = await anyio.to_thread.run_sync(plan_content, plan)
        await self._put(meta.run_id, "plan.json", content)
        content = await anyio.to_thread.run_sync(
            lambda: before_content(before_documents(plan, record))
        )
        await self._put(meta.run_id, "before.json", content)
        await self._put(meta.run_id, "run.json", run_content(meta))

    @asynccontextmanager
    async def journal(self, run_id: str) -> AsyncIterator[Journal]:
        """The journal of a run for as long as it writes. In the end all of it is durable, unless
        it cannot be written any more: then that is raised, if nothing else is."""
        journal = Journal(self._store, self._name(run_id, "journal.jsonl"))
        try:
            yield journal
        except Exception:
            with suppress(StateError):
                await journal.flush()
            raise
        await journal.flush()

    async def finish(self, report: Report) -> None:
        """Put a run's report on record, and that it has ended."""
        content = await anyio.to_thread.run_sync(report_content, report)
        await self._put(report.run_id, "report.json", content)
        await self._put(report.run_id, "ended.json", ended_content(report))

    async def set_aside(self, run: UnreadableRun, at: datetime) -> None:
        """Let a run that died count as unfinished no more, as nobody can tell what it had done."""
        await self._put(run.run_id, "aside.json", aside_content(run, at))

    async def summaries(
        self, *, but: Collection[str] = (), since: str = ""
    ) -> tuple[RunSummary | UnreadableRun, ...]:
        """Every run in short, the newest first: `but` for some, and of ids from `since` on."""
        known, ended, _ = await self._listed()
        wanted = [run for run in known.difference(but) if run >= since]

        async def summary(run_id: str) -> RunSummary | UnreadableRun:
            return await self._readable(run_id, self._summary(run_id, ended=run_id in ended))

        return await _for_each(sorted(wanted, reverse=True), summary)

    async def metas(self) -> Mapping[str, RunMeta]:
        """Runs by id, without those that cannot be read."""
        known, _, _ = await self._listed()
        metas = await self._metas(known)
        return {meta.run_id: meta for meta in metas if isinstance(meta, RunMeta)}

    async def load(self, run_id: str) -> PastRun | None:
        """Everything that is remembered of a run; None where there is no run of that id.

        Raises UnreadableStateError where something of it cannot be read.
        """
        if _RUN_ID.fullmatch(run_id) is None:
            return None
        run = await self._get(run_id, "run.json")
        if run is None:
            return None
        plan = await self._needed(run_id, "plan.json")
        before = await self._needed(run_id, "before.json")
        journal = await self._store.read_grown(self._name(run_id, "journal.jsonl"))
        report = await self._get(run_id, "report.json")

        def parsed() -> PastRun:
            return PastRun(
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

        return await anyio.to_thread.run_sync(parsed)

    async def over(self) -> frozenset[str]:
        """Ids of the runs that have ended, or are set aside."""
        _, ended, aside = await self._listed()
        return ended | aside

    async def unfinished(self) -> tuple[RunMeta | UnreadableRun, ...]:
        """Runs that have not ended, the oldest first: under way, or dead and not set aside."""
        known, ended, aside = await self._listed()
        return await self._metas(known - ended - aside)

    def unreadable(self, run_id: str, error: UnreadableStateError) -> UnreadableRun:
        """A run of which something cannot be read."""
        reason = first_line(error)
        return UnreadableRun(run_id=run_id, fleet=self._fleet, reason=reason)

    async def _listed(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """The ids of all runs, of those that have ended, and of those that are set aside."""
        folder = f"{self._fleet}/runs/"
        names = [name.removeprefix(folder) for name in await self._store.names(folder)]
        return (
            _with_document(names, "run.json"),
            _with_document(names, "ended.json"),
            _with_document(names, "aside.json"),
        )

    async def _metas(self, runs: Iterable[str]) -> tuple[RunMeta | UnreadableRun, ...]:
        async def meta(run_id: str) -> RunMeta | UnreadableRun:
            return await self._readable(run_id, self._meta(run_id))

        return await _for_each(sorted(runs), meta)

    async def _readable(self, run_id: str, reading: Awaitable[_T]) -> _T | UnreadableRun:
        """What is read of a run, or why it cannot be: one run never hides the others."""
        try:
            return await reading
        except UnreadableStateError as error:
            return self.unreadable(run_id, error)

    async def _summary(self, run_id: str, *, ended: bool) -> RunSummary:
        meta = await self._meta(run_id)
        if not ended:
            return RunSummary(meta=meta, status=None)
        content = await self._needed(run_id, "ended.json")
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

    async def _meta(self, run_id: str) -> RunMeta:
        content = await self._needed(run_id, "run.json")
        return parse_run(content, self._where(run_id, "run.json"))

    async def _put(self, run_id: str, document: str, content: bytes) -> None:
        await self._store.replace(self._name(run_id, document), content)

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
        if _RUN_ID.fullmatch(run_id) is None:
            raise StateError(f"{run_id!r} is no id of a run, such as 20261123T081500Z-ab12cd")
        return f"{self._fleet}/runs/{run_id}/{document}"

    def _where(self, run_id: str, document: str) -> str:
        return f"{self._store}/{self._name(run_id, document)}"


async def fleets(store: Store) -> tuple[str, ...]:
    """The fleets that have runs in a store, sorted. Raises StateError."""
    matches = (_NAME.fullmatch(name) for name in await store.names(""))
    return tuple(
        sorted(
            {
                match["fleet"]
                for match in matches
                if match and _FLEET.fullmatch(match["fleet"]) and _RUN_ID.fullmatch(match["run"])
            }
        )
    )


def _with_document(names: Iterable[str], document: str) -> frozenset[str]:
    """The runs that have a document. Whatever else lies there is none of them."""
    parts = (name.partition("/") for name in names)
    return frozenset(
        run for run, _, rest in parts if rest == document and _RUN_ID.fullmatch(run) is not None
    )


async def _for_each(items: Iterable[_T], read: Callable[[_T], Awaitable[_R]]) -> tuple[_R, ...]:
    """What `read` gives for each item, in their order. Raises the first StateError."""
    results: dict[int, _R] = {}
    failures: list[StateError] = []
    limiter = anyio.CapacityLimiter(_READS)

    async def one(nth: int, item: _T) -> None:
        async with limiter:
            # The first failure ends it: the rest would most likely be the same.
            if failures:
                return
            try:
                results[nth] = await read(item)
            except StateError as error:
                failures.append(error)

    async with anyio.create_task_group() as group:
        for nth, item in enumerate(items):
            group.start_soon(one, nth, item)
    if failures:
        raise failures[0]
    return tuple(results[nth] for nth in sorted(results))
