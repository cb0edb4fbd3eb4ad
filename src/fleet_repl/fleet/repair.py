"""Repairs a fleet: has ECR copy what a document says that destinations lack."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.engine.backfill.run import backfill, look
from fleet_repl.engine.observe import observe
from fleet_repl.engine.ports import ImageFinder
from fleet_repl.engine.repository_names import repository_names
from fleet_repl.engine.workers import work_through
from fleet_repl.fleet.backfill import Backfiller
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.enrolment import joining_among
from fleet_repl.fleet.lacking import check_lacking, lacking_of
from fleet_repl.fleet.reput import reput_images, reputs_of
from fleet_repl.inventory.advice import command_of
from fleet_repl.planning.enrolment import joining_sentence
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.events import RunStarted
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Status
from fleet_repl.runs.repair import (
    Lacking,
    LackingLink,
    Obstacle,
    Outlook,
    by_source,
    unknown_links,
)
from fleet_repl.values.errors import CallError, RefusedError
from fleet_repl.values.names import Registry
from fleet_repl.values.text import listed

_SHOWN: Final = 10
"""Obstacles that a message lists."""
_ONE_BY_ONE: Final = 20
"""Repositories that are asked for one by one; for more, the registry's are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions:
    """How a fleet is repaired."""

    wait: bool = False
    """Start the backfills that ECR has no room for yet as well, and follow all to their end."""
    reput: bool = False
    """Put the missing images again, in place of backfills."""
    dry_run: bool = False


async def repair(
    document: str | Path | DeliveryReport | CoverageReport | Lacking,
    context: RunContext,
    *,
    how: RepairOptions,
    max_age: timedelta,
) -> BackfillReport:
    """Has ECR copy what a document says that destinations lack. Raises FleetError as `Fleet.repair`
    does."""
    lacking = lacking_of(document)
    now = context.pace.clock.now()
    check_lacking(lacking, context.inventory, now=now, max_age=max_age, reput=how.reput)
    return await _Repair(context=context, lacking=lacking, how=how).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repair:
    """The repair of a fleet by a document, which was checked."""

    context: RunContext
    lacking: Lacking
    how: RepairOptions

    async def run(self) -> BackfillReport:
        """Starts one backfill for each link whose destination lacks images, or puts the images
        again.

        Raises RefusedError for a document with a link that the inventory does not ask for, and
        where a rule or a grant is missing.
        """
        began = self.context.pace.clock.now()
        links, joining = await self._asked()
        outlook = await self._look(links)
        await self._refuse(links, outlook)
        startable, unread = self._readable(links, outlook)
        kept = (*joining, *unread)
        if self.how.reput:
            return await self._put_again(began, startable, kept)
        return await self._copy(began, startable, kept)

    async def _copy(
        self,
        began: datetime,
        links: Sequence[LackingLink],
        kept: tuple[BackfillOutcome, ...],
    ) -> BackfillReport:
        """Starts backfills. One that began since the document was made will do, so that a second
        run starts none twice."""
        context, dry_run = self.context, self.how.dry_run
        wanted, backfiller = by_source(links), Backfiller(context=context)
        backfiller.announce(
            {source: dict.fromkeys(ends) for source, ends in wanted.items()}, kept, looking=dry_run
        )
        if dry_run:
            outcomes = [self._since(outcome) for outcome in await look(wanted, context.backfilling)]
            return backfiller.report(began, None, BackfillMode.STATUS, (*kept, *outcomes))
        since = {source: dict.fromkeys(ends, self.lacking.at) for source, ends in wanted.items()}
        outcomes = list(await backfill(since, context.backfilling, wait=self.how.wait))
        await backfiller.put_on_record(outcomes)
        return backfiller.report(began, None, BackfillMode.REPAIR, (*kept, *outcomes))

    async def _put_again(
        self,
        began: datetime,
        links: Sequence[LackingLink],
        kept: tuple[BackfillOutcome, ...],
    ) -> BackfillReport:
        dry_run = self.how.dry_run
        wanted = reputs_of(links, self.context)
        reputs = await reput_images(wanted, self.context, dry_run=dry_run)
        mode = BackfillMode.STATUS if dry_run else BackfillMode.REPAIR
        report = Backfiller(context=self.context).report(began, None, mode, kept)
        short = report.status is Status.OK and any(reput.falls_short for reput in reputs)
        status = Status.PARTIAL if short else report.status
        return replace(report, status=status, reputs=reputs)

    async def _asked(self) -> tuple[tuple[LackingLink, ...], tuple[BackfillOutcome, ...]]:
        """Returns the links to repair, and outcomes of those whose accounts are joining."""
        context, links = self.context, self.lacking.links
        if unknown := unknown_links(self.lacking, context.desired):
            some = listed([f"{link.source} → {link.destination}" for link in unknown], 3)
            raise RefusedError(
                f"the document has links that the inventory does not ask for: {some}\n"
                "    make a new one with fleet-repl verify or coverage"
            )
        sources = {link.source for link in links}
        accounts = len({source.account for source in sources})
        context.on_event(
            RunStarted(run_id=context.run_id, registries=len(sources), accounts=accounts)
        )
        ends = (end for link in links for end in (link.source, link.destination))
        joining = await joining_among(ends, context)
        sentences = {
            link: joining_sentence(joining, link.source, link.destination) for link in links
        }
        kept = tuple(
            replace(_not_started(link), because=sentence, joining=True)
            for link, sentence in sentences.items()
            if sentence is not None
        )
        return tuple(link for link in links if sentences[link] is None), kept

    async def _look(self, links: Iterable[LackingLink]) -> Outlook:
        """Reads the rules and policies of both ends of links."""
        context, desired = self.context, self.context.desired
        ends = {end for link in links for end in (link.source, link.destination)}
        managed = {end for end in ends if end.account in desired.by_account}
        how = replace(context.observing({}), owner=desired.owner, with_templates=())
        observation, _ = await observe(managed, how)
        return Outlook(desired, observation)

    async def _refuse(self, links: Sequence[LackingLink], outlook: Outlook) -> None:
        """Raises RefusedError where a rule or a grant is missing."""
        obstacles, denied = list[Obstacle](), list[Obstacle]()
        for link in links:
            certain, creating = outlook.obstacles(link)
            obstacles += certain
            denied += creating
        obstacles += await self._uncreatable(denied)
        if not obstacles:
            return
        lines = [
            f"    {obstacle.source} → {obstacle.destination}: {obstacle.because} "
            f"({listed(obstacle.repositories, 3)})"
            for obstacle in obstacles[:_SHOWN]
        ]
        if len(obstacles) > _SHOWN:
            lines.append(f"    and {len(obstacles) - _SHOWN:,} more")
        raise RefusedError(
            "nothing was copied, as rules or grants are missing:\n"
            + "\n".join(lines)
            + "\n    put rules and grants in place first: "
            + command_of(self.context.inventory, "apply")
        )

    async def _uncreatable(self, denied: Sequence[Obstacle]) -> list[Obstacle]:
        """Returns the obstacles about repositories that are not there. What cannot be looked up is
        left to ECR."""
        context, absent = self.context, dict[Registry, set[str]]()
        asked: dict[Registry, set[str]] = {}
        for obstacle in denied:
            asked.setdefault(obstacle.destination, set()).update(obstacle.repositories)

        async def ask(registry: Registry) -> None:
            with suppress(CallError):
                absent[registry] = await _absent(asked[registry], registry, context.registries)

        with context.stop.abandonable():
            concurrency = context.inventory.apply.concurrency
            await work_through(asked, ask, concurrency=concurrency, stop=context.stop)
        lacking = (
            replace(obstacle, repositories=tuple(filter(gone.__contains__, obstacle.repositories)))
            for obstacle in denied
            if (gone := absent.get(obstacle.destination))
        )
        return [obstacle for obstacle in lacking if obstacle.repositories]

    def _readable(
        self, links: Iterable[LackingLink], outlook: Outlook
    ) -> tuple[tuple[LackingLink, ...], tuple[BackfillOutcome, ...]]:
        """Returns the links whose ends were read, and outcomes of the others."""
        startable: list[LackingLink] = []
        unread: list[BackfillOutcome] = []
        for link in links:
            fault = outlook.fault(link)
            if fault is not None:
                unread.append(replace(_not_started(link), error=fault))
            elif not outlook.is_read(link):
                unread.append(replace(_not_started(link), because=self.context.stop.because))
            else:
                startable.append(link)
        return tuple(startable), tuple(unread)

    def _since(self, outcome: BackfillOutcome) -> BackfillOutcome:
        """Returns an outcome without its backfill, if that began before the document was made."""
        last = outcome.backfill
        if last is None or last.started_at >= self.lacking.at:
            return outcome
        return replace(outcome, state=BackfillState.NONE, backfill=None, failures={})


def _not_started(link: LackingLink) -> BackfillOutcome:
    return BackfillOutcome(
        source=link.source, destination=link.destination, state=BackfillState.NOT_STARTED
    )


async def _absent(
    repositories: Collection[str], registry: Registry, reader: ImageFinder
) -> set[str]:
    """Returns the repositories that are not in a registry. Raises CallError."""
    if len(repositories) > _ONE_BY_ONE:
        return set(repositories).difference(await repository_names(registry, reader))
    return {name for name in repositories if not await reader.has_repository(registry, name)}
