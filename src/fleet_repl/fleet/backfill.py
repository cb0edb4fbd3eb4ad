"""Backfills of a fleet: those that a command asks for, and those of new links after an apply."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.ecr.rules import Outgoing
from fleet_repl.engine.backfill.run import backfill, look
from fleet_repl.engine.observe import read_rules
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.enrolment import joining_among
from fleet_repl.fleet.repositories import live_desired
from fleet_repl.inventory import Inventory, Route
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.backfills import asked_for, backlog_of, of_new_links, without_joining
from fleet_repl.runs.events import BackfillEnded, BackfillsWanted, RunStarted
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Report, Status
from fleet_repl.runs.record import backfilled
from fleet_repl.topology import Selection, select
from fleet_repl.values.errors import Fault, SelectionError, reason_of
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes

_LOG: Final = logging.getLogger("fleet_repl")


def routes_named(inventory: Inventory, name: str | None) -> tuple[Route, ...]:
    """Returns the route of that name; all routes for None. Raises SelectionError for others."""
    if name is None:
        return inventory.routes
    routes = tuple(route for route in inventory.routes if route.name == name)
    if not routes:
        known = ", ".join(route.name for route in inventory.routes) or "none"
        raise SelectionError(f"no route is named {name!r}; the inventory's routes: {known}")
    return routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfiller:
    """The backfills of a fleet in a run."""

    context: RunContext

    async def start(
        self, selection: Selection, route: str | None, *, wait: bool, again: bool
    ) -> BackfillReport:
        """Starts the backfills of links that routes ask for and rules already serve.

        `wait`: follows them to their ends. `again`: starts them even where an earlier backfill is
        done.
        """
        began = self._now()
        asked, unread, waiting = await self._asked(selection, route, BackfillState.NOT_STARTED)
        record = await self.context.memory.recall()
        seen = await read_rules(asked.keys() - unread.keys(), self.context.observing({}))
        wanted, out_of_place = self._sorted_out(asked, {**seen, **unread}, record)
        kept = (*waiting, *out_of_place)
        self.announce(wanted, kept)
        outcomes = await backfill(wanted, self.context.backfilling, wait=wait, again=again)
        await self.put_on_record(outcomes)
        mode = BackfillMode.WAIT if wait else BackfillMode.START
        return self.report(began, route, mode, (*kept, *outcomes))

    async def status(self, selection: Selection, route: str | None) -> BackfillReport:
        """Reports the latest backfill to each destination, and starts none."""
        began = self._now()
        asked, _, waiting = await self._asked(selection, route, BackfillState.UNKNOWN)
        self.announce(asked, waiting, looking=True)
        record = await self.context.memory.recall()
        latest = await look(asked, self.context.backfilling)
        outcomes = [_since(outcome, record) for outcome in latest]
        return self.report(began, route, BackfillMode.STATUS, (*waiting, *outcomes))

    async def follow_up(self, report: Report, plan: Plan, *, since: datetime) -> Report:
        """Starts the backfills of the links that a run has made, and adds them to its report.

        `since`: a time before the first rule of these links was written.
        """
        ends = of_new_links(plan, report.registries, self.context.inventory.routes)
        if not ends:
            return report
        wanted = {
            source: dict.fromkeys(destinations, since) for source, destinations in ends.items()
        }
        self.announce(wanted)
        outcomes = await backfill(wanted, self.context.backfilling, wait=False)
        await self.put_on_record(outcomes)
        good = report.status in (Status.OK, Status.STAGED)
        short = good and any(outcome.fails for outcome in outcomes)
        status = Status.PARTIAL if short else report.status
        status = Status.INTERRUPTED if self.context.stop.interrupted else status
        backfills = tuple(self._named(outcomes))
        return replace(report, status=status, finished_at=self._now(), backfills=backfills)

    async def put_on_record(self, outcomes: Sequence[BackfillOutcome]) -> None:
        """Removes started backfills from the record of owed backfills. If that fails, the next
        backfill finds them under way or done."""
        started: dict[Registry, set[Registry]] = {}
        for outcome in outcomes:
            if outcome.backfill is not None and not outcome.falls_short:
                started.setdefault(outcome.source, set()).add(outcome.destination)
        try:
            await self.context.memory.revise(lambda record: backfilled(record, started))
        except Exception as error:  # noqa: BLE001 - backfills are under way, and the report tells of them
            _LOG.warning("what was backfilled could not be put on record: %s", reason_of(error))

    def announce(
        self,
        wanted: Mapping[Registry, Mapping[Registry, object]],
        kept: Sequence[BackfillOutcome] = (),
        *,
        looking: bool = False,
    ) -> None:
        """Reports how many backfills there may be, and the outcomes that are known already."""
        total = sum(len(destinations) for destinations in wanted.values())
        self.context.on_event(BackfillsWanted(backfills=total + len(kept), looking=looking))
        for outcome in kept:
            self.context.on_event(BackfillEnded(outcome=outcome))

    async def _asked(
        self, selection: Selection, route: str | None, state: BackfillState
    ) -> tuple[dict[Registry, Outgoing], Mapping[Registry, Fault], tuple[BackfillOutcome, ...]]:
        """Returns the links that are asked for by source, the sources of which nobody can tell what
        is asked for, and of links whose accounts are joining an outcome in `state` instead."""
        routes = routes_named(self.context.inventory, route)
        scope = select(self.context.inventory, selection)
        desired, unread = await live_desired(scope, self.context)
        asked = asked_for(desired, routes, scope)
        accounts = len({source.account for source in asked})
        self.context.on_event(
            RunStarted(run_id=self.context.run_id, registries=len(asked), accounts=accounts)
        )
        ends = (end for source, links in asked.items() for end in (source, *links))
        rest, waiting = without_joining(asked, await joining_among(ends, self.context), state)
        return rest, unread, waiting

    def _sorted_out(
        self,
        asked: Mapping[Registry, Outgoing],
        seen: Mapping[Registry, Outgoing | Fault],
        record: Record,
    ) -> tuple[dict[Registry, dict[Registry, datetime | None]], tuple[BackfillOutcome, ...]]:
        """Returns the destinations to backfill by source, and the outcomes of all others."""
        wanted: dict[Registry, dict[Registry, datetime | None]] = {}
        kept: list[BackfillOutcome] = []
        for source, links in asked.items():
            present = seen.get(source)
            if present is None:
                kept += _not_started(source, links, because=self.context.stop.because)
            elif isinstance(present, Fault):
                kept += _not_started(source, links, error=present)
            else:
                backlog = backlog_of(links, present)
                # A backfill from before a link was made does not have the images of the link.
                due = record[source].due if source in record else {}
                wanted[source] = {end: due.get(end) for end in backlog.in_place}
                kept += _not_in_place(source, backlog.missing)
        return wanted, tuple(kept)

    def report(
        self,
        began: datetime,
        route: str | None,
        mode: BackfillMode,
        outcomes: Sequence[BackfillOutcome],
    ) -> BackfillReport:
        """Returns the report of a run that ends now."""
        return BackfillReport(
            run_id=self.context.run_id,
            status=self._status(outcomes),
            started_at=began,
            finished_at=self._now(),
            fleet=self.context.inventory.name,
            inventory=self.context.inventory_ref,
            route=route,
            mode=mode,
            backfills=tuple(sorted(self._named(outcomes), key=_place)),
        )

    def _named(self, outcomes: Iterable[BackfillOutcome]) -> Iterator[BackfillOutcome]:
        names = self.context.desired.names
        for outcome in outcomes:
            yield replace(
                outcome,
                source_name=names.get(outcome.source.account, ""),
                destination_name=names.get(outcome.destination.account, ""),
            )

    def _status(self, outcomes: Sequence[BackfillOutcome]) -> Status:
        if self.context.stop.interrupted:
            return Status.INTERRUPTED
        short = [outcome for outcome in outcomes if outcome.falls_short]
        if not short:
            return Status.OK
        return Status.FAILED if all(outcome.error for outcome in outcomes) else Status.PARTIAL

    def _now(self) -> datetime:
        return self.context.pace.clock.now()


def _since(outcome: BackfillOutcome, record: Record) -> BackfillOutcome:
    """Returns an outcome without its backfill, if that began before its link was made."""
    due = record[outcome.source].due.get(outcome.destination) if outcome.source in record else None
    if due is None or outcome.backfill is None or outcome.backfill.started_at >= due:
        return outcome
    return replace(outcome, state=BackfillState.NONE, backfill=None, failures={})


def _place(outcome: BackfillOutcome) -> tuple[Registry, Registry]:
    return outcome.source, outcome.destination


def _not_started(
    source: Registry,
    destinations: Iterable[Registry],
    *,
    error: Fault | None = None,
    because: str | None = None,
) -> Iterator[BackfillOutcome]:
    for destination in destinations:
        yield BackfillOutcome(
            source=source,
            destination=destination,
            state=BackfillState.NOT_STARTED,
            error=error,
            because=because,
        )


def _not_in_place(
    source: Registry, missing: Mapping[Registry, Prefixes]
) -> Iterator[BackfillOutcome]:
    for destination, prefixes in missing.items():
        repositories = "every repository" if prefixes == EVERY_REPOSITORY else ", ".join(prefixes)
        yield BackfillOutcome(
            source=source,
            destination=destination,
            state=BackfillState.NOT_IN_PLACE,
            because=f"the rules do not replicate {repositories} there: run apply first",
        )
