"""Live progress: events become counters, counters a line."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from fleet_repl.cli.counting import Counters
from fleet_repl.cli.progress import ProgressLine, bar, live_progress, progress_text
from fleet_repl.errors import Fault, FaultKind
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.outcomes import (
    CallRetried,
    Outcome,
    PlanMade,
    ReadStarted,
    RegistryFinished,
    RegistryOutcome,
    RegistryRead,
    RunStarted,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.plan import Action, Resource

ONE_EAST = Registry(AccountId("111111111111"), Region("us-east-1"))
ONE_WEST = Registry(AccountId("111111111111"), Region("eu-west-1"))
TWO = Registry(AccountId("222222222222"), Region("eu-west-1"))
OUTSIDE = Registry(AccountId("999999999999"), Region("eu-west-1"))
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


def test_writing(fleet: Any) -> None:
    """Counting starts again with the plan; a registry that failed twice failed once."""
    counters = Counters(SCOPE)
    build = fleet.made.registries[0].registry
    counters.see(ReadStarted(registry=build))
    counters.see(RegistryRead(registry=build, error=None))
    counters.see(PlanMade(plan=fleet.made))
    policy = Resource.REGISTRY_POLICY
    counters.see(WriteStarted(registry=build, resource=policy, action=Action.CREATE))
    assert progress_text(counters, 2).plain == (
        "writing  0/2 accounts  1 in flight  0 throttled  0 failed  2.0 s"
    )
    counters.see(WriteSettled(registry=build, resource=policy, outcome=Outcome.FAILED))
    for _ in range(2):
        outcome = RegistryOutcome(registry=build, name="build", outcome=Outcome.FAILED)
        counters.see(RegistryFinished(outcome=outcome))
    assert progress_text(counters, 3).plain == (
        "writing  1/2 accounts  0 in flight  0 throttled  1 failed  3.0 s"
    )


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
