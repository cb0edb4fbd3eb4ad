"""`backfill` on the command line: flags, the question, progress, log lines, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import NOON
from tests.support.command_line import Cli, FakeBackend, FakeFleet, Terminal
from tests.support.registries import registry_of

from fleet_repl.cli.app import run
from fleet_repl.cli.counters import Counters
from fleet_repl.cli.progress import bar, progress_text
from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.reports.log_entries import entry_of
from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillProgressed,
    BackfillStarted,
    BackfillsWanted,
)
from fleet_repl.runs.outcomes import Status
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

HUB, SHOP = map(registry_of, "12")
FAR = registry_of("2", "us-east-1")
QUESTION = "Start up to 1 backfill of demo? [y/N] "


def now(destination: Registry, **members: Any) -> Backfill:
    return Backfill(
        id="id", destination=destination, started_at=NOON, **{"status": "IN_PROGRESS", **members}
    )


@pytest.mark.parametrize(
    ("flags", "asked"),
    [
        ([], "backfill"),
        (["--wait"], "backfill --wait"),
        (["--force"], "backfill --force"),
        (["--wait", "--force", "--yes"], "backfill --wait --force"),
        (["--status"], "backfill --status"),
    ],
)
def test_flags(cli: Cli, fleet: FakeFleet, inventory: str, flags: list[str], asked: str) -> None:
    """What they ask of the library; where nobody can be asked it goes ahead."""
    ended = cli("backfill", inventory, *flags)
    assert (ended.code, fleet.asked) == (0, [asked])
    assert "\n  no backfill yet  1\n" in ended.out
    assert "to 222222222222 eu-west-1 (spoke): none" in ended.out


def test_the_document_and_the_files(cli: Cli, inventory: str, tmp_path: Path) -> None:
    """On stdout, and as a report for a CI server."""
    ended = cli("backfill", inventory, "--route", "golden", "--format", "json", "--report", "b.xml")
    document = json.loads(ended.out)
    assert (document["schema"], document["route"]) == ("fleet-repl/backfill/1", "golden")
    assert "backfill 111111111111" in (tmp_path / "b.xml").read_text()


@pytest.mark.parametrize("flag", ["--wait", "--force"])
def test_a_look_writes_nothing(cli: Cli, fleet: FakeFleet, inventory: str, flag: str) -> None:
    """Flags that start something do not go with it."""
    ended = cli("backfill", inventory, "--status", flag)
    assert (ended.code, fleet.asked) == (64, [])
    assert "--status starts nothing" in ended.err


def test_a_route_that_is_not_there(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """Found out before anybody is called."""
    ended = cli("backfill", inventory, "--route", "gold")
    assert ended.code == 64
    assert "no route is named 'gold'; the inventory's routes: golden" in ended.err
    assert backend.endpoints == []


def test_an_interruption(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """What was started is told, with the code of an interruption."""
    fleet.applying = fleet.until_stopped
    ended = cli("backfill", inventory, "--wait", "--yes")
    assert ended.code == 130
    assert "leaving backfills to AWS, where they go on" in ended.err
    assert "Exit 130: interrupted." in ended.out


def test_yes(cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal) -> None:
    """What there is, is shown, then the question."""
    seated.type("y\n")
    assert cli("backfill", inventory).code == 0
    assert fleet.asked == ["backfill --status", "backfill"]
    screen = seated.screen()
    assert screen.index("(spoke): none") < screen.index(QUESTION)


def test_no(cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal) -> None:
    """Code 3, and nothing is started."""
    seated.type("n\n")
    ended = cli("backfill", inventory)
    assert (ended.code, fleet.asked) == (3, ["backfill --status"])
    assert "of demo: refused" in ended.out


def test_nothing_to_ask(cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal) -> None:
    """All is complete; with --force there is a question again."""
    (backfill,) = fleet.backfills.backfills
    complete = replace(
        backfill, state=BackfillState.COMPLETE, backfill=now(SHOP, status="COMPLETE")
    )
    fleet.backfills = replace(fleet.backfills, backfills=(complete,))
    assert cli("backfill", inventory).code == 0
    assert QUESTION not in seated.screen()
    seated.type("n\n")
    assert cli("backfill", inventory, "--force").code == 3
    assert QUESTION in seated.screen()


@pytest.mark.parametrize(
    ("state", "last", "asked", "forced"),
    [
        (BackfillState.NONE, None, True, True),
        (BackfillState.UNKNOWN, None, True, True),
        (BackfillState.UNKNOWN, {"status": "PONDERING"}, False, False),
        (BackfillState.IN_PROGRESS, {}, False, False),
        (BackfillState.STOPPING, {"status": "STOPPING"}, True, True),
        (BackfillState.FAILED, {"status": "FAILED"}, True, True),
        (BackfillState.COMPLETE, {"status": "COMPLETE"}, False, True),
        (BackfillState.COMPLETE, {"status": "COMPLETE", "failed": 1}, True, True),
    ],
)
def test_what_there_is_to_ask(
    cli: Cli,
    fleet: FakeFleet,
    inventory: str,
    seated: Terminal,
    state: BackfillState,
    last: dict[str, Any] | None,
    asked: bool,
    forced: bool,
) -> None:
    """Whatever may be started; where nobody could look, that may be any."""
    (backfill,) = fleet.backfills.backfills
    there = replace(backfill, state=state, backfill=None if last is None else now(SHOP, **last))
    fleet.backfills = replace(fleet.backfills, backfills=(there,))
    for flags, expected in (([], asked), (["--force"], forced)):
        fleet.asked.clear()
        if expected:
            seated.type("n\n")
        assert (cli("backfill", inventory, *flags).code == 3) is expected
        assert len(fleet.asked) == (1 if expected else 2)


def test_the_page_before_the_question_is_no_end(cli: Cli, inventory: str, seated: Terminal) -> None:
    """Nothing is done yet, and no code is told."""
    seated.type("n\n")
    ended = cli("backfill", inventory)
    assert "Exit" not in seated.screen()
    assert ended.out.endswith("Exit 3: refused as a whole, nothing written.\n")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--wait"], "following up to 1 backfill; -v tells of each\n"),
        (["--wait", "-v"], ""),
        (["--wait", "--quiet"], ""),
        ([], ""),
    ],
)
def test_waiting_where_nothing_moves(
    cli: Cli, inventory: str, flags: list[str], sentence: str
) -> None:
    """It may take hours: a line says so, unless log lines do."""
    assert cli("backfill", inventory, *flags).err == sentence


def test_waiting_at_a_terminal(cli: Cli, inventory: str, seated: Terminal) -> None:
    """Progress tells of it."""
    assert cli("backfill", inventory, "--wait", "--yes").code == 0
    assert "following" not in seated.screen()


def test_an_interruption_while_looking(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal
) -> None:
    """There is no question any more."""

    async def stopped() -> None:
        fleet.backfills = replace(fleet.backfills, status=Status.INTERRUPTED)
        await fleet.until_stopped()

    fleet.planning = stopped
    assert cli("backfill", inventory).code == 130
    assert QUESTION not in seated.screen()
    assert "backfill" not in fleet.asked


def test_an_interruption_at_the_question(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no yes, and no refusal either."""

    async def gone(*_: Any, **__: Any) -> bool:
        await fleet.until_stopped()
        return False

    monkeypatch.setattr("fleet_repl.cli.confirm.confirm", gone)
    ended = cli("backfill", inventory)
    assert (ended.code, fleet.asked) == (130, ["backfill --status", "stop"])


def test_partial(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """One that waits in the queue was not started."""
    (backfill,) = fleet.backfills.backfills
    queued = replace(backfill, state=BackfillState.QUEUED, because="ECR is full")
    fleet.backfills = replace(fleet.backfills, status=Status.PARTIAL, backfills=(queued,))
    assert cli("backfill", inventory).code == 4


def test_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """Printed like the others."""
    assert run(["schema", "backfill"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "fleet-repl backfill, version 1"


def test_progress() -> None:
    """Destinations and copies; a bar of the destinations."""
    counters = Counters([HUB])
    counters.see(BackfillsWanted(backfills=2))
    counters.see(BackfillStarted(source=HUB, backfill=now(SHOP)))
    counters.see(BackfillProgressed(source=HUB, backfill=now(SHOP, total=3000, completed=1200)))
    counters.see(BackfillStarted(source=HUB, backfill=now(FAR, total=10)))
    assert progress_text(counters, 12).plain == (
        "backfilling  0/2 ended  1,200/3,010 copied  0 failed  12.0 s"
    )
    last = now(SHOP, total=3000, completed=2999, failed=1, status="COMPLETE")
    outcome = BackfillOutcome(
        source=HUB, destination=SHOP, state=BackfillState.COMPLETE, backfill=last
    )
    counters.see(BackfillEnded(outcome=outcome))
    assert progress_text(counters, 12).plain == (
        "backfilling  1/2 ended  2,999/3,010 copied  1 failed  12.0 s"
    )
    assert bar(counters, ascii_only=True).plain == "##########----------"


def test_progress_of_a_look() -> None:
    """Nothing is backfilled, and it says so; a start after it counts afresh."""
    counters = Counters([HUB])
    counters.see(BackfillsWanted(backfills=2, looking=True))
    outcome = BackfillOutcome(source=HUB, destination=SHOP, state=BackfillState.NONE)
    counters.see(BackfillEnded(outcome=outcome))
    assert progress_text(counters, 1).plain == "looking at backfills  1/2  1.0 s"
    counters.see(BackfillsWanted(backfills=2))
    assert progress_text(counters, 1).plain.startswith("backfilling  0/2 ended")


def test_log_lines() -> None:
    """A start and an end are worth one; steps in between are not."""
    started = entry_of(BackfillStarted(source=HUB, backfill=now(SHOP)))
    assert started is not None
    assert started.message == f"{HUB}: backfill to {SHOP} started"
    assert started.fields == {
        "account": "111111111111",
        "region": "eu-west-1",
        "to_account": "222222222222",
        "to_region": "eu-west-1",
        "id": "id",
    }
    assert entry_of(BackfillsWanted(backfills=1)) is None
    assert entry_of(BackfillProgressed(source=HUB, backfill=now(SHOP))) is None
    fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="StartReplicationBackfill", message="no")
    outcome = BackfillOutcome(
        source=HUB, destination=SHOP, state=BackfillState.NOT_STARTED, error=fault
    )
    ended = entry_of(BackfillEnded(outcome=outcome))
    assert ended is not None
    assert (ended.level, ended.fields["kind"]) == ("error", "access-denied")
    assert ended.message.endswith("not-started: StartReplicationBackfill: access-denied: no")
    queued = replace(outcome, error=None, because="ECR is full")
    ended = entry_of(BackfillEnded(outcome=queued))
    assert ended is not None
    assert (ended.level, ended.message.endswith(": ECR is full")) == ("warning", True)
