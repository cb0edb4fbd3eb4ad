"""A run that may not write any more: its lock was taken over, or the fleet was frozen."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from tests.support.clock import MachineClock
from tests.support.survival import Foundation, SetUp

from fleet_repl import Event, Outcome, RefusedError, Report, open_history
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.events import WriteSettled
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state.lock_document import lock_content
from fleet_repl.state.lock_rules import LEASE, LockDocument
from fleet_repl.values.clock import SYSTEM

OTHER = Holder(
    run_id="20261123T090000Z-0ther1",
    purpose=Purpose.APPLY,
    user="anna",
    host="ci-1",
    pid=77,
    process="",
)


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> MachineClock:
    """So far ahead that a write asks for a renewal first, if somebody sets it so."""
    clock = MachineClock()
    monkeypatch.setattr("fleet_repl.fleet.access.SYSTEM", clock)
    return clock


def at_thirtieth(happen: Callable[[], None]) -> Callable[[Event], None]:
    """A listener that lets something happen once thirty writes have ended."""
    seen = 0

    def listen(event: Event) -> None:
        nonlocal seen
        if isinstance(event, WriteSettled):
            seen += 1
            if seen == 30:
                happen()

    return listen


def reasons(report: Report) -> set[str | None]:
    """Why writes were skipped. A registry of which some were made by then is not skipped itself."""
    changes = (change for registry in report.registries for change in registry.changes)
    return {change.because for change in changes if change.outcome is Outcome.SKIPPED}


async def test_taken_over(scene: SetUp, leases: MachineClock) -> None:
    """Nothing is written after it, the report says who has it now, and it stays theirs."""
    async with scene(concurrency=1) as made:
        lock = made.state / "prod/lock.json"
        now = SYSTEM.now().replace(microsecond=0)
        theirs = lock_content(
            LockDocument(fleet="prod", holder=OTHER, taken_at=now, renewed_at=now)
        )

        def take_over() -> None:
            lock.write_bytes(theirs)
            leases.ahead += LEASE / 2

        report = await made.applied(at_thirtieth(take_over))
        because = f"the lock was taken over by {OTHER} at {now:%Y-%m-%dT%H:%M:%SZ}"
        assert len(made.world.writes) == 30
        assert (report.status, report_exit(report)) == ("partial", 4)
        assert reasons(report) == {because}
        assert lock.read_bytes() == theirs
        # Whoever it is may be at work: nobody gets in.
        with pytest.raises(RefusedError, match="busy: apply 20261123T090000Z-0ther1 of anna@ci-1"):
            await made.applied()


async def test_frozen(scene: SetUp, leases: MachineClock, foundation: Foundation) -> None:
    """Nothing is written after it but what was let in, and the next run is refused until it is
    lifted; then it goes on where this one stopped."""
    async with scene(concurrency=1) as made:
        async with open_history(made.folder / "elsewhere") as history:
            await history.freeze("prod", who="anna@ci-1", why="incident 4711")

        def freeze() -> None:
            shutil.copy(made.folder / "elsewhere/prod/freeze.json", made.state / "prod")
            leases.ahead += LEASE / 2

        report = await made.applied(at_thirtieth(freeze))
        assert len(made.world.writes) == 30
        assert (report.status, report_exit(report)) == ("partial", 4)
        (because,) = reasons(report)
        assert because is not None
        assert "anna@ci-1" in because
        assert "incident 4711" in because
        with pytest.raises(RefusedError, match="incident 4711"):
            await made.applied()
        async with made.started("apply", "fleet.toml", "--yes") as running:
            ended = await running.ended()
        assert (ended.code, ended.out) == (3, "")
        assert "incident 4711" in ended.err
        assert len(made.world.writes) == 30
        async with open_history(made.state) as history:
            assert await history.unfreeze("prod") is not None
        again = await made.applied()
        assert again.status == "ok"
        assert "unfinished-run" not in {warning.kind for warning in again.warnings}
        assert made.meaning() == foundation.meaning[True]
