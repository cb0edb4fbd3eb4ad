"""Taking a run back: which inventory, what is asked of the fleet, and the exit code."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import PAST, Cli, FakeBackend, FakeFleet, Terminal

from fleet_repl.planning.plan import Objection
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.history import Purpose, RunSummary
from fleet_repl.runs.outcomes import Status

RUN = "20261123T110000Z-ab12cd"


def test_a_run_is_taken_back(
    cli: Cli, backend: FakeBackend, fleet: FakeFleet, inventory: str
) -> None:
    """Planned, shown, carried out, under a lock of its own purpose."""
    ended = cli("rollback", "last", inventory)
    assert ended.code == 0
    assert fleet.asked == [f"plan_rollback {RUN}", "apply"]
    assert ended.err.startswith(f"Rollback of run {RUN} of demo (demo.toml)\n")
    assert backend.purposes == [Purpose.ROLLBACK]
    assert (backend.places, backend.states) == ([inventory], [None])
    assert backend.memory.asked == ["run last demo"]


@pytest.mark.parametrize(
    ("newer", "said"),
    [
        (1, "run r1 wrote nothing"),
        (3, "run r1 and 2 before it wrote nothing"),
    ],
)
def test_runs_that_wrote_nothing_are_passed_over(
    cli: Cli, backend: FakeBackend, inventory: str, newer: int, said: str
) -> None:
    """`last` is the last run that wrote; a line says which that is, and which were passed over. An
    id means that run."""
    runs = [replace(PAST.meta, run_id=f"r{number + 1}") for number in range(newer)]
    backend.memory.listed = tuple(RunSummary(meta=meta, status=Status.OK) for meta in runs)
    ended = cli("rollback", "last", inventory, "--dry-run")
    assert (ended.code, ended.err) == (
        0,
        f"{said}; the last run that wrote is {RUN} of 2026-11-23 at 11:00 UTC\n",
    )
    assert cli("rollback", RUN, inventory, "--dry-run").err == ""


@pytest.mark.parametrize("more", [(), ("--yes",), ("--force",)])
@pytest.mark.parametrize("state", [None, "deep/state"])
def test_an_inventory_that_a_run_names_is_not_followed(
    cli: Cli,
    backend: FakeBackend,
    fleet: FakeFleet,
    inventory: str,
    state: str | None,
    more: tuple[str, ...],
) -> None:
    """What is remembered may come from somebody else, and the inventory decides which roles get
    which external ids. The command to type is told; nothing is loaded, connected or written."""
    Path(state or ".fleet-repl").mkdir(parents=True)
    # Reading it would be another error.
    Path(inventory).unlink()
    state_flags = [] if state is None else ["--state", state]
    ended = cli("rollback", "last", *state_flags, *more)
    assert ended.code == 64
    path = "deep/demo.toml" if state else "demo.toml"
    text = " ".join(ended.err.replace("│", "").split())
    assert (
        f"name the INVENTORY. Run {RUN} says that it was made from {path}, of fleet demo; if that "
        f"is yours: {' '.join(['fleet-repl', 'rollback', RUN, path, *state_flags])}"
    ) in text
    assert (fleet.asked, backend.purposes) == ([], [])


def test_force_reaches_both(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The plan, which leaves out what was changed since, and its objections."""
    objection = Objection(kind="max-removals", message="9 links go")
    fleet.made = replace(fleet.made, objections=(objection,))
    refused = cli("rollback", "last", inventory)
    assert refused.code == 3
    assert "rollback refuses this plan unless it is given --force.\n" in refused.err
    fleet.asked.clear()
    assert cli("rollback", "last", inventory, "--force").code == 0
    assert fleet.asked == [f"plan_rollback {RUN} --force", "apply --force"]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3)])
def test_it_asks(
    cli: Cli,
    inventory: str,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
) -> None:
    """On a terminal, as apply does."""
    monkeypatch.setattr(sys, "stdin", terminal.stdin)
    terminal.type(answer)
    assert cli("rollback", "last", inventory).code == code
    assert "Write to 1 registry of demo? [y/N] " in terminal.screen()
    assert cli("rollback", "last", inventory, "--yes").code == 0


def test_an_interrupted_rollback(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """A report all the same."""
    fleet.planning = fleet.until_stopped
    ended = cli("rollback", "last", inventory)
    assert ended.code == 130
    assert fleet.asked == [f"plan_rollback {RUN}", "stop", f"interrupted {RUN}"]


@pytest.mark.parametrize("more", [(), ("--force",)])
def test_a_dry_run(
    cli: Cli, backend: FakeBackend, fleet: FakeFleet, inventory: str, more: tuple[str, ...]
) -> None:
    """The plan on stdout; no purpose that needs the lock, nothing carried out, nobody asked."""
    ended = cli("rollback", "last", inventory, "--dry-run", *more)
    back = replace(fleet.made, rolls_back=RUN)
    assert (ended.code, ended.out, ended.err) == (0, plan_text(back), "")
    assert fleet.asked == [" ".join([f"plan_rollback {RUN}", *more])]
    assert backend.purposes == [None]


def test_a_dry_run_as_a_document(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """In every format that plans have."""
    ended = cli(
        "rollback", "last", inventory, "--dry-run", "--format", "json", "--report", "p.json"
    )
    assert ended.out == to_json(replace(fleet.made, rolls_back=RUN))
    assert Path("p.json").read_text(encoding="utf-8") == ended.out


def test_an_interrupted_dry_run(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """There is no plan, and nothing was to be written anyway."""
    fleet.planning = fleet.until_stopped
    ended = cli("rollback", "last", inventory, "--dry-run")
    assert (ended.code, ended.out) == (130, "")
    assert fleet.asked == [f"plan_rollback {RUN}", "stop"]


def test_a_run_that_nobody_remembers(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """An error; nothing is connected."""
    ended = cli("rollback", "nope", inventory)
    assert (ended.code, fleet.asked) == (1, [])
    assert ended.err == "fleet-repl: no run nope is remembered in .fleet-repl\n"
