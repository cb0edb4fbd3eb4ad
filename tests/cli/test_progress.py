"""Live progress: events become counters, counters a line."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import partial

import anyio.lowlevel
import pytest
from rich.console import Console
from tests.support.clock import VirtualClock
from tests.support.command_line import Cli, FakeFleet
from tests.support.registries import registry_of

from fleet_repl.cli.counters import Counters
from fleet_repl.cli.heartbeat import accompanied, heartbeat
from fleet_repl.cli.progress import ProgressLine, bar, live_progress, progress_text
from fleet_repl.planning.change import Action, Resource
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.events import (
    CallRetried,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryRead,
    RunStarted,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.errors import Fault, FaultKind, FleetError

ONE_EAST = registry_of("1", "us-east-1")
ONE_WEST, TWO, OUTSIDE = map(registry_of, "129")
SCOPE = (ONE_EAST, ONE_WEST, TWO)
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
SLOW_DOWN = Fault(kind=FaultKind.THROTTLED, operation="AssumeRole", message="slow down")
BROKEN = Fault(kind=FaultKind.SERVICE, operation="AssumeRole", message="oops")


def retried(fault: Fault) -> CallRetried:
    return CallRetried(account=None, operation="AssumeRole", error=fault, attempt=1, delay=1)


def test_reading() -> None:
    """An account is done when all its registries in scope are, however they ended."""
    counters = Counters(SCOPE)
    counters.see(RunStarted(run_id="run", registries=3, accounts=2))
    for registry in (ONE_EAST, ONE_WEST, OUTSIDE):
        counters.see(ReadStarted(registry=registry))
    counters.see(RegistryRead(registry=ONE_EAST))
    counters.see(RegistryRead(registry=OUTSIDE))
    assert progress_text(counters, 0.25).plain == (
        "reading  0/2 accounts  1 in flight  0 throttled  0 failed  0.2 s"
    )
    counters.see(RegistryRead(registry=ONE_WEST, error=DENIED))
    counters.see(retried(SLOW_DOWN))
    counters.see(retried(BROKEN))
    assert progress_text(counters, 65).plain == (
        "reading  1/2 accounts  0 in flight  1 throttled  1 failed  1 min 05 s"
    )


def test_what_lies_outside_is_nobodys_failure() -> None:
    """Registries are read that the run may not change; the report does not name them either."""
    counters = Counters(SCOPE)
    counters.see(ReadStarted(registry=OUTSIDE))
    counters.see(RegistryRead(registry=OUTSIDE, error=DENIED))
    assert (counters.failed, counters.accounts_done, counters.accounts) == (0, 0, 2)


def test_writing(fleet: FakeFleet) -> None:
    """Counting starts again with the plan; a registry that failed twice failed once."""
    counters = Counters(SCOPE)
    build = fleet.made.registries[0].registry
    counters.see(ReadStarted(registry=build))
    counters.see(RegistryRead(registry=build, error=None))
    counters.see(PlanMade(plan=fleet.made))
    policy = Resource.REGISTRY_POLICY
    counters.see(WriteStarted(registry=build, resource=policy, action=Action.CREATE))
    assert progress_text(counters, 2).plain == (
        "writing  0/1 writes  1 in flight  0 throttled  0 failed  2.0 s"
    )
    counters.see(WriteSettled(registry=build, resource=policy, outcome=Outcome.FAILED))
    for _ in range(2):
        outcome = RegistryOutcome(registry=build, name="build", outcome=Outcome.FAILED)
        counters.see(RegistryFinished(outcome=outcome))
    assert progress_text(counters, 3).plain == (
        "writing  1/1 writes  0 in flight  0 throttled  1 failed  3.0 s"
    )


def test_every_write_counts_once(fleet: FakeFleet) -> None:
    """When it settles, or when its registry ends without it; not when all of an account are done:
    of 500 accounts the line stood at none, and then it jumped."""
    counters = Counters(SCOPE)
    build, spoke = fleet.made.registries
    both = (build, replace(spoke, changes=build.changes))
    counters.see(PlanMade(plan=replace(fleet.made, registries=both)))
    (change,), first, second = build.changes, build.registry, spoke.registry
    assert counters.share == (0, 2)
    counters.see(WriteStarted(registry=first, resource=change.resource, action=change.action))
    assert counters.share == (0, 2)
    counters.see(WriteSettled(registry=first, resource=change.resource, outcome=Outcome.APPLIED))
    assert counters.share == (1, 2)
    applied = RegistryOutcome(registry=first, name="one", outcome=Outcome.APPLIED)
    counters.see(RegistryFinished(outcome=applied))
    assert counters.share == (1, 2)
    for _ in range(2):
        skipped = RegistryOutcome(registry=second, name="two", outcome=Outcome.SKIPPED)
        counters.see(RegistryFinished(outcome=skipped))
        assert counters.share == (2, 2)


def test_a_run_that_ends_after_a_wave_counts_up_to_it(fleet: FakeFleet) -> None:
    """Writes of later waves are not the run's: it is done when those of its own waves are."""
    counters = Counters(SCOPE, ("canary", "rest"), last_wave="canary")
    build, spoke = fleet.made.registries
    (change,) = build.changes
    canary = replace(build, changes=(replace(change, wave="canary"),))
    later = replace(spoke, changes=(replace(change, wave="rest"),))
    counters.see(PlanMade(plan=replace(fleet.made, registries=(canary, later))))
    assert (counters.share, counters.waves) == ((0, 1), ())
    for outcome in (Outcome.APPLIED, Outcome.SKIPPED):
        registry = build.registry if outcome is Outcome.APPLIED else spoke.registry
        ended = RegistryOutcome(registry=registry, name="one", outcome=outcome)
        counters.see(RegistryFinished(outcome=ended))
        assert counters.share == (1, 1)


async def test_without_a_terminal_a_line_comes_every_half_minute() -> None:
    """As long as the work takes, in words and in numbers."""
    entries, clock = list[LogEntry](), VirtualClock(seconds=100)

    async def work() -> str:
        while len(clock.slept) < 3:
            await anyio.lowlevel.checkpoint()
        return "done"

    beat = partial(heartbeat, entries.append, Counters(SCOPE), clock)
    assert await accompanied(work, beat) == "done"
    assert clock.slept[:2] == [30, 30]
    assert [entry.message for entry in entries[:2]] == [
        "reading  0/2 accounts  0 in flight  0 throttled  0 failed  30.0 s",
        "reading  0/2 accounts  0 in flight  0 throttled  0 failed  1 min 00 s",
    ]
    assert (entries[0].level, entries[0].event) == ("info", "progress")
    assert entries[0].fields == {
        "phase": "reading",
        "wave": None,
        "accounts": 2,
        "accounts_done": 0,
        "writes": 0,
        "writes_settled": 0,
        "in_flight": 0,
        "throttled": 0,
        "failed": 0,
        "pause": 0.0,
        "seconds": 30.0,
    }


@pytest.mark.parametrize("flags", [("--log-format", "json"), (), ("--quiet",)])
def test_a_command_in_a_pipe_gives_signs_of_life(
    cli: Cli,
    fleet: FakeFleet,
    inventory: str,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
) -> None:
    """On stderr, as a JSON object where those were asked for; with --quiet none."""
    clock = VirtualClock(seconds=100)
    monkeypatch.setattr("fleet_repl.cli.fleet_run.SYSTEM", clock)

    async def takes_a_minute() -> None:
        for _ in range(10_000):
            if len(clock.slept) >= 2:
                return
            await anyio.lowlevel.checkpoint()
        pytest.fail("nothing is logged however long reading takes")

    fleet.planning = takes_a_minute
    ended = cli("plan", inventory, *flags)
    assert ended.code == 0
    lines = [line for line in ended.err.splitlines() if "0/2 accounts" in line]
    if flags == ("--quiet",):
        assert lines == []
    elif flags:
        assert [json.loads(line)["event"] for line in lines][:1] == ["progress"]
        assert json.loads(lines[0])["accounts"] == 2
    else:
        assert lines[0].endswith(
            " info    reading  0/2 accounts  0 in flight  0 throttled  0 failed  30.0 s"
        )


async def test_what_the_work_raises_is_raised() -> None:
    """By itself, and the lines end."""

    async def fails() -> None:
        raise FleetError("no such bucket")

    clock = VirtualClock(seconds=100)
    with pytest.raises(FleetError, match="no such bucket"):
        await accompanied(fails, partial(heartbeat, lambda _: None, Counters(SCOPE), clock))


def test_the_bar() -> None:
    """Full when every account is done, and in ASCII where there is nothing else."""
    counters = Counters(SCOPE)
    assert bar(counters, ascii_only=False).plain == "─" * 20
    counters.see(RegistryRead(registry=TWO))
    assert bar(counters, ascii_only=False).plain == "━" * 10 + "─" * 10
    assert bar(counters, ascii_only=True).plain == "#" * 10 + "-" * 10
    assert bar(Counters(()), ascii_only=True).plain == "-" * 20


def drawn(width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(ProgressLine(Counters(SCOPE), lambda: 1.0))
    return capture.get()


def test_it_is_one_line_at_every_width() -> None:
    """Wide terminals get the bar, narrow ones lose the end of the line, none gets two lines."""
    line = "reading  0/2 accounts  0 in flight  0 throttled  0 failed  1.0 s"
    assert drawn(120) == f"{'─' * 20}  {line}\n"
    assert drawn(80) == f"{line}\n"
    assert drawn(20) == f"{line[:20]}\n"


def test_lines_appear_above_it_and_it_goes_away() -> None:
    """The last thing written takes the progress line off the screen."""
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=True, color_system=None)
    with live_progress(console, Counters(SCOPE), lambda: 1.0):
        console.print("a log line")
    shown = stream.getvalue()
    assert shown.index("a log line") < shown.rindex("reading  0/2 accounts")
    assert shown.endswith("\x1b[2K")
