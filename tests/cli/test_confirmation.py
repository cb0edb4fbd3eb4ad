"""Asking for a yes: only at a terminal, only where something would be written."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from tests.support.command_line import Cli, FakeFleet, Session, Terminal

from fleet_repl.planning.plan import Plan

QUESTION = "Write to 1 registry of demo? [y/N] "


@pytest.mark.parametrize("answer", ["y", "Y", "yes", " YES "])
def test_yes(cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal, answer: str) -> None:
    """The plan is shown, the question asked, the fleet changed."""
    seated.type(f"{answer}\n")
    assert cli("apply", inventory).code == 0
    assert fleet.asked == ["plan", "apply"]
    screen = seated.screen()
    assert screen.index("+ to 222222222222") < screen.index(QUESTION)


@pytest.mark.parametrize("answer", ["\n", "n\n", "no\n", "yes please\n", "\x04", "y\udcff\n"])
def test_anything_else_is_a_no(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal, answer: str
) -> None:
    """Code 3: nothing was written, and the report says why. So it is for the end of input."""
    seated.type(answer)
    ended = cli("apply", inventory)
    assert ended.code == 3
    assert "the plan was not confirmed: 1 registry\n" in ended.out
    assert fleet.asked == ["plan", "refuse"]


@pytest.mark.parametrize("flag", ["--yes", "-y"])
def test_nobody_is_asked_twice(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal, flag: str
) -> None:
    """--yes is the answer."""
    assert cli("apply", inventory, flag).code == 0
    assert QUESTION not in seated.screen()


def test_nothing_to_ask(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal, without_changes: Plan
) -> None:
    """A fleet that is as it should be needs no yes."""
    fleet.made = without_changes
    assert cli("apply", inventory).code == 0
    assert QUESTION not in seated.screen()


def test_a_refused_plan_is_not_asked_about(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal, objecting: Plan
) -> None:
    """A yes would not help; --force does, and then there is a question."""
    fleet.made = objecting
    assert cli("apply", inventory).code == 3
    assert QUESTION not in seated.screen()
    seated.type("y\n")
    assert cli("apply", inventory, "--force").code == 0
    assert QUESTION in seated.screen()


@pytest.mark.parametrize("flags", [["--quiet"], ["--log-format", "json"]])
def test_nothing_hides_what_is_agreed_to(
    cli: Cli, inventory: str, seated: Terminal, flags: list[str]
) -> None:
    """Who is asked sees the plan."""
    seated.type("y\n")
    assert cli("apply", inventory, *flags).code == 0
    screen = seated.screen()
    assert screen.index("+ to 222222222222") < screen.index(QUESTION)


def test_the_question_goes_to_the_terminal(
    cli: Cli, inventory: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where stderr goes to a file, nobody would see it there and the program would seem to hang."""
    monkeypatch.setattr(sys, "stdin", terminal.stdin)
    terminal.type("y\n")
    ended = cli("apply", inventory)
    assert ended.code == 0
    assert QUESTION not in ended.err
    screen = terminal.screen()
    assert screen.index("+ to 222222222222") < screen.index(QUESTION)


def test_a_whole_run_at_a_terminal(at_terminal: Callable[..., Session], inventory: str) -> None:
    """Progress that leaves no trace on the last screen, a question, a report, exit code 0."""
    session = at_terminal(["apply", inventory, "--sandbox"])
    session.expect("reading  0/2 accounts")
    session.expect("Write to 2 registries of demo? [y/N] ")
    session.send("y\n")
    session.expect("writing  ")
    assert session.end() == 0, session.seen
    assert "\x1b[32mapplied              2       2\x1b[0m" in session.seen
    assert "Exit 0: done." in session.seen


def test_lines_fit_the_terminal(at_terminal: Callable[..., Session], inventory: str) -> None:
    """The plan and the report, broken between words; ids stay whole."""
    session = at_terminal(["apply", inventory, "--sandbox", "--yes"], NO_COLOR="1", COLUMNS="50")
    assert session.end() == 0, session.seen
    assert (
        "\n      + to 222222222222 eu-west-1 (spoke): base/\n          (route golden)\n"
    ) in session.seen
    end = session.seen.rpartition("\nApplied ")[2].splitlines()
    assert len(end) == 1


def test_ctrl_c_at_the_question(at_terminal: Callable[..., Session], inventory: str) -> None:
    """It ends at once, although nobody has pressed Enter; nothing is written."""
    session = at_terminal(["apply", inventory, "--sandbox"])
    session.expect("[y/N] ")
    session.send("\x03")
    assert session.end() == 130, session.seen
    assert "interrupted; nothing is written\n" in session.seen
    assert "cancelled            2" in session.seen


def test_no_colour(at_terminal: Callable[..., Session], inventory: str) -> None:
    """NO_COLOR holds at a terminal too."""
    session = at_terminal(["apply", inventory, "--sandbox", "--yes"], NO_COLOR="1")
    assert session.end() == 0
    assert "\x1b[3" not in session.seen
    assert "\x1b[1m" not in session.seen


def test_a_dumb_terminal(at_terminal: Callable[..., Session], inventory: str) -> None:
    """Nothing is redrawn where nothing can be."""
    session = at_terminal(["apply", inventory, "--sandbox", "--yes"], TERM="dumb")
    assert session.end() == 0
    assert "\x1b" not in session.seen
