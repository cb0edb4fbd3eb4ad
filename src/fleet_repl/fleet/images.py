"""What a connected fleet tells about images, and has ECR copy of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.backfill import Backfiller
from fleet_repl.fleet.context import RunContext
from fleet_repl.runs.events import RunStarted
from fleet_repl.runs.outcomes import BackfillReport
from fleet_repl.topology import EVERYTHING, Selection, select
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.planning.explain import Explanation
    from fleet_repl.runs.coverage import CoverageReport
    from fleet_repl.runs.delivery import DeliveryReport
    from fleet_repl.runs.repair import Lacking
    from fleet_repl.runs.replication_events import ReplicationEvent
    from fleet_repl.runs.timed_deliveries import TimedDelivery


class FleetImages:
    """The images of a connected fleet: where they go, where they are, and copies of them.

    What a question needs is imported when it is first asked.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context

    async def verify(
        self,
        *,
        selection: Selection = EVERYTHING,
        count: int = 10,
        age: timedelta = timedelta(days=7),
        on_event: EventSink | None = None,
    ) -> DeliveryReport:
        """Have recent images arrived: on links into and out of `selection`, `count` images of
        each source at the most, none pushed longer ago than `age`. Writes nothing.

        A registry that cannot be read is a value in the report. Raises SelectionError.
        """
        from fleet_repl.fleet.verify import verify_links  # noqa: PLC0415

        return await verify_links(selection, count, age, self._context.reporting_to(on_event))

    async def explain(
        self, what: str, *, source: str | None = None, destination: str | None = None
    ) -> Explanation:
        """Where an image goes as AWS has it, where it does not go, and why. Writes nothing.

        `what`: a repository, `repository:tag` or `repository@sha256:…`. `source` and `destination`:
        ACCOUNT/REGION, the account by id or name. A registry that cannot be read is a value in the
        result. Raises SelectionError.
        """
        from fleet_repl.fleet.explain import explain_live  # noqa: PLC0415
        from fleet_repl.planning.explain import question_of  # noqa: PLC0415

        context = self._context
        ends = () if destination is None else (destination,)
        question = question_of(context.inventory, what, source=source, destinations=ends)
        return await explain_live(question, context)

    async def wait(
        self,
        what: str,
        *,
        source: str | None = None,
        destinations: Collection[str] = (),
        within: timedelta = timedelta(minutes=10),
        on_event: EventSink | None = None,
    ) -> Explanation:
        """Wait until an image is in `destinations`, else in the destinations of all links of routes
        that carry it. Writes nothing.

        `what`: `repository:tag` or `repository@sha256:…`. `source` and `destinations`:
        ACCOUNT/REGION, the account by id or name. Returns the explanation of the last look, whose
        `waited` says where the image is; before `within` where it cannot come any more. A tag that
        moves meanwhile is followed. Raises SelectionError.
        """
        from fleet_repl.fleet.wait import wait_for  # noqa: PLC0415
        from fleet_repl.planning.explain import question_of  # noqa: PLC0415

        context = self._context.reporting_to(on_event)
        question = question_of(context.inventory, what, source=source, destinations=destinations)
        return await wait_for(question, within, context)

    async def coverage(
        self,
        *,
        selection: Selection = EVERYTHING,
        images: bool = False,
        in_use: Collection[str] = (),
        kube_contexts: Sequence[str] = (),
    ) -> CoverageReport:
        """Is everything that routes carry where they send it: on links into and out of
        `selection`. Writes nothing.

        `images`: compare the digests of all images too, archived ones included. `in_use`: ask
        `"ecs"` and `"lambda"` in the selection what they run, and `"eks"` by `kube_contexts`, the
        contexts of a kubeconfig, and look those images up in other regions. Whatever cannot be
        read is a value in the report. Raises SelectionError.
        """
        from fleet_repl.fleet.coverage import CoverageOptions, cover_links  # noqa: PLC0415
        from fleet_repl.runs.coverage import runtimes_of  # noqa: PLC0415

        runtimes = runtimes_of(in_use, kube_contexts)
        scope = select(self._context.inventory, selection)
        self._report_start(scope)
        options = CoverageOptions(
            selection=selection, with_images=images, runtimes=runtimes, contexts=kube_contexts
        )
        return await cover_links(scope, self._context, options)

    async def time_deliveries(
        self, events: Sequence[ReplicationEvent]
    ) -> tuple[TimedDelivery | None, ...]:
        """How long the deliveries took that ECR's events report, from the push of the image on;
        None for an event that no route asks for. Writes nothing.

        Where a source cannot be read, the time is not known.
        """
        from fleet_repl.fleet.deliveries import time_deliveries  # noqa: PLC0415

        return await time_deliveries(events, self._context)

    async def backfill(
        self,
        *,
        selection: Selection = EVERYTHING,
        route: str | None = None,
        wait: bool = False,
        again: bool = False,
        on_event: EventSink | None = None,
    ) -> BackfillReport:
        """Copy what was pushed before its rule was in place, out of the sources in `selection`.

        Starts a backfill to each destination of a route (of all, without `route`) that has none
        under way and none complete; `again`: complete backfills do not count. `wait`: start those
        that ECR has no room for yet as well, and follow all to their end. Raises SelectionError,
        and RefusedError while the fleet is frozen.
        """
        self._context.check_may_write()
        await self._context.access.refuse_if_frozen()
        backfiller = Backfiller(context=self._context.reporting_to(on_event))
        return await backfiller.start(selection, route, wait=wait, again=again)

    async def backfill_status(
        self, *, selection: Selection = EVERYTHING, route: str | None = None
    ) -> BackfillReport:
        """The latest backfill to each destination. Starts nothing. Raises SelectionError."""
        return await Backfiller(context=self._context).status(selection, route)

    async def repair(
        self,
        document: str | Path | DeliveryReport | CoverageReport | Lacking,
        *,
        wait: bool = False,
        reput: bool = False,
        dry_run: bool = False,
        max_age: timedelta = timedelta(hours=24),
        on_event: EventSink | None = None,
    ) -> BackfillReport:
        """Start one backfill for each link whose destination lacks images by a document of `verify`
        or `coverage`: a file, or the report itself.

        `wait`: start those that ECR has no room for yet as well, and follow all to their end.
        `reput`: start none, and put the images again that the document names, each under a tag of
        its own; of more than 20, that is refused. It takes `connect(purpose=Purpose.REPAIR)`.
        `dry_run`: start and put none. A backfill that began since the document was made will do.
        Raises FleetError for a file that cannot be read, and RefusedError while the fleet is
        frozen, for a document of another fleet or inventory or one older than `max_age`, and where
        a rule or a grant is missing, which `apply` puts in place.
        """
        from fleet_repl.fleet.repair import RepairOptions, repair  # noqa: PLC0415

        if not dry_run:
            self._context.check_may_write()
            if reput:
                self._context.check_may_put_images()
            await self._context.access.refuse_if_frozen()
        context = self._context.reporting_to(on_event)
        how = RepairOptions(wait=wait, reput=reput, dry_run=dry_run)
        return await repair(document, context, how=how, max_age=max_age)

    def _report_start(self, scope: Collection[Registry]) -> None:
        self._context.on_event(
            RunStarted(
                run_id=self._context.run_id,
                registries=len(scope),
                accounts=len({registry.account for registry in scope}),
            )
        )
