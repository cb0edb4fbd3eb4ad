"""The run of an authorized plan: recorded before, journalled meanwhile, reported after.

Nothing is written unless what a rollback or a later run needs to know is durable first. After the
first write nothing raises any more: what goes wrong then is a warning in the report.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fleet_repl.engine.apply import ApplyContext, apply_plan
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.fleet.backfill import Backfiller
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.repositories import claim_repositories, keep_repositories
from fleet_repl.fleet.run_reports import applied_report, reported, with_warning
from fleet_repl.fleet.write_guard import JournalGuard
from fleet_repl.planning.authorize import Authorized
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import Plan, Warning
from fleet_repl.planning.repository_routes import Kept
from fleet_repl.runs.backfills import owing
from fleet_repl.runs.events import RunFinished
from fleet_repl.runs.fingerprints import fingerprinted
from fleet_repl.runs.history import RunMeta
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report
from fleet_repl.runs.record import Owed, claim, commit
from fleet_repl.runs.results import untouched
from fleet_repl.state import Journal, Lease, Marks, revise_fingerprints
from fleet_repl.values.errors import StateError

_LOST: Final = "the lock was lost, and another run may have written to the record"
_UNRECORDED: Final = "what was applied could not be put on record"
_CLAIMED: Final = "the record still holds what was announced before the first write"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRun:
    """An authorized plan that is applied now."""

    context: RunContext
    authorized: Authorized
    desired: Desired
    """The desired state that rules are compared with: for a rollback, the links that come back."""
    warnings: tuple[Warning, ...]
    until: str | None
    """The wave that the run ends with; None: the last one."""
    latest: bool
    """No other run has ended since the plan looked at the fleet."""

    @property
    def plan(self) -> Plan:
        return self.authorized.plan

    async def write(self, lease: Lease) -> Report:
        """Do what the plan says. Raises StateError before the first write, and never after."""
        context, plan = self.context, self.plan
        began = context.pace.clock.now()
        owed = {} if plan.rolls_back else owing(plan, context.inventory.routes, began)
        before = await context.memory.recall()
        if plan.writes:
            await context.access.begin_writing(lease)
            # Otherwise there would be nothing to roll back.
            await context.records.begin(self._meta(began), plan, before)
        await context.memory.revise(lambda record: claim(record, plan, owed))
        kept = await claim_repositories(plan, context) if plan.resolved else None
        marks = await self._mark() if plan.writes else None
        report = await self._carry_out(lease)
        if lease.held:
            report = await self._commit_record(report, before, owed)
            report = await self._keep_repositories(report, kept)
        else:
            report = with_warning(report, StateError(_LOST), _UNRECORDED, _CLAIMED)
        report = await self._keep_fingerprints(report, began)
        report = await self._unmark(report, marks)
        if not plan.rolls_back:
            report = await self._follow_up(report, began)
        if plan.writes:
            report = await self._keep(report)
        context.on_event(RunFinished(report=report))
        return report

    async def nothing_to_do(self) -> Report:
        """The report of a plan without a write. It is not remembered as a run."""
        report = self._report(reported(untouched(self.plan, None), self.context))
        report = await self._commit_record(report, await self.context.memory.recall(), {})
        report = await self._keep_repositories(report, None)
        self.context.on_event(RunFinished(report=report))
        return report

    async def _carry_out(self, lease: Lease) -> Report:
        """Write, and journal what is written for as long as that is possible."""
        outcomes: tuple[RegistryOutcome, ...] | None = None
        try:
            async with self.context.records.journal(self.context.run_id) as journal:
                outcomes = await apply_plan(self.plan, self._applying(lease, journal))
        except Exception as error:
            if outcomes is None:
                raise
            failure = "the run's journal is not complete"
            consequence = "this report says what was done"
            return with_warning(self._report(outcomes), error, failure, consequence)
        return self._report(outcomes)

    def _applying(self, lease: Lease, journal: Journal) -> ApplyContext:
        context, inventory, desired = self.context, self.context.inventory, self.desired
        guard = JournalGuard(
            lease=lease,
            journal=journal,
            turns=context.access.turns,
            timeout=inventory.apply.timeout,
            clock=context.pace.clock,
        )
        writing = DocumentWriter(
            reader=context.registries,
            writer=context.registries,
            owner=desired.owner,
            pace=context.pace,
            stop=context.stop,
            guard=guard,
            on_event=context.on_event,
            limits=desired.limits,
        )
        return ApplyContext(
            desired=desired,
            documents=writing,
            concurrency=inventory.apply.concurrency,
            waves={} if self.plan.rolls_back else {wave.name: wave for wave in inventory.waves},
            until=self.until,
        )

    def _meta(self, began: datetime) -> RunMeta:
        context, plan, folder = self.context, self.plan, self.context.folder
        return RunMeta(
            run_id=context.run_id,
            fleet=plan.fleet,
            purpose=context.access.purpose,
            holder=context.access.holder,
            started_at=began,
            # Seen from the folder of the state, so that it is found from anywhere.
            inventory=context.inventory_ref
            if folder is None
            else context.inventory_seen_from(folder),
            plan_digest=plan.digest,
            forced=self.authorized.forced,
            allowed=self.authorized.allowed,
            rolls_back=plan.rolls_back,
            changes=len(plan.changes),
        )

    def _report(self, outcomes: tuple[RegistryOutcome, ...]) -> Report:
        return applied_report(
            self.context, self.authorized, outcomes, warnings=self.warnings, until=self.until
        )

    async def _commit_record(self, report: Report, before: Record, owed: Owed) -> Report:
        """Record what is the fleet's own now."""

        def after(record: Record) -> Record:
            return commit(record, before, self.plan, report.registries, owed, latest=self.latest)

        return await _or_warn(
            report, lambda: self.context.memory.revise(after), _UNRECORDED, _CLAIMED
        )

    async def _mark(self) -> Marks | None:
        """Before the first write: mark the version of the inventory that is rolled back, so that it
        is not applied again, or lift the mark of a version that is applied by force.

        Returns the marks from before a rollback.
        """
        if self.plan.rolls_back is None and not self.authorized.forced:
            return None
        from fleet_repl.fleet.rollback import lift_marks, mark_rolled_back  # noqa: PLC0415

        if self.plan.rolls_back is not None:
            return await mark_rolled_back(self.plan.rolls_back, self.context)
        await lift_marks(self.context)
        return None

    async def _unmark(self, report: Report, before: Marks | None) -> Report:
        """A rollback that has changed nothing has taken nothing back."""
        if before is None or any(map(_may_have_changed, report.registries)):
            return report
        from fleet_repl.fleet.rollback import forget_rollback  # noqa: PLC0415

        return await _or_warn(
            report,
            lambda: forget_rollback(before, self.context),
            "that nothing was rolled back could not be put on record",
            "applying the inventory is held off, or not, as if it had been",
        )

    async def _keep_fingerprints(self, report: Report, began: datetime) -> Report:
        """Record the fingerprint of every registry as the run has left it."""
        context = self.context
        return await _or_warn(
            report,
            lambda: revise_fingerprints(
                context.store,
                context.inventory.name,
                lambda fingerprints: fingerprinted(
                    fingerprints,
                    report.registries,
                    run_id=context.run_id,
                    at=began,
                    inventory_digest=context.inventory.digest,
                ),
            ),
            "how registries were left could not be put on record",
            "drift is then told without saying who has moved",
        )

    async def _keep_repositories(self, report: Report, before: Kept | None) -> Report:
        """Keep which repositories the routes were applied for that leave new ones. `before`: those
        that were kept before the first write."""
        if not self.plan.resolved:
            return report
        return await _or_warn(
            report,
            lambda: keep_repositories(report, self.plan, self.context, before),
            "which repositories are new from now on could not be kept",
            "routes that leave new repositories take in those that are there at the next apply",
        )

    async def _follow_up(self, report: Report, began: datetime) -> Report:
        """Start the backfills of new links."""
        backfiller = Backfiller(context=self.context)
        try:
            return await backfiller.follow_up(report, self.plan, since=began)
        except Exception as error:  # noqa: BLE001 - what was written must be told, whatever happened
            failure = "what became of the backfills of new links could not be told"
            consequence = "they are owed, and the next backfill starts them"
            return with_warning(report, error, failure, consequence)

    async def _keep(self, report: Report) -> Report:
        return await _or_warn(
            report,
            lambda: self.context.records.finish(report),
            "the run's report could not be kept",
            "its journal says what was done",
        )


async def _or_warn(
    report: Report, work: Callable[[], Awaitable[None]], failure: str, consequence: str
) -> Report:
    """Do the work; where it fails, for whatever reason, the report says so and the run goes on."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - what was written must be told, whatever happened
        return with_warning(report, error, failure, consequence)
    return report


def _may_have_changed(registry: RegistryOutcome) -> bool:
    return any(change.outcome is Outcome.APPLIED or change.in_doubt for change in registry.changes)
