"""Taking a run back: which inventory, what is asked of the fleet, and the exit code."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet_repl.plan import Objection
from fleet_repl.runs import Purpose

RUN = "20261123T110000Z-ab12cd"


def test_a_run_is_taken_back(cli: Any, backend: Any, fleet: Any, inventory: str) -> None:
    """Planned, shown, carried out, under a lock of its own purpose."""
    ended = cli("rollback", "last", inventory)
    assert ended.code == 0
    assert fleet.asked == [f"plan_rollback {RUN}", "apply"]
    assert ended.err.startswith(f"Rollback of run {RUN} of demo (demo.toml)\n")
    assert backend.purposes == [Purpose.ROLLBACK]
    assert (backend.places, backend.states) == ([inventory], [None])
    assert backend.memory.asked == ["run last demo"]


def test_the_runs_own_inventory(cli: Any, backend: Any, inventory: str) -> None:
    """It is found from the folder of the state, and that state is the one that is used."""
    Path(".fleet-repl").mkdir()
    ended = cli("rollback", RUN)
    assert ended.code == 0
    assert ended.err.startswith(f"Rollback of run {RUN} of demo (demo.toml)\n")
    assert (backend.places, backend.states) == ([Path(".fleet-repl")], [".fleet-repl"])


def test_another_state(cli: Any, backend: Any, inventory: str) -> None:
    """--state is where the run is remembered, and where the inventory is looked for from."""
    Path("deep/state").mkdir(parents=True)
    ended = cli("rollback", RUN, "--state", "deep/state")
    assert ended.code == 1
    assert "deep/demo.toml: " in ended.err
    assert cli("rollback", RUN, "--state", "deep").code == 0
    assert (backend.places[-1], backend.states) == ("deep", ["deep"])


def test_an_inventory_that_is_another_fleets_now(
    cli: Any, backend: Any, fleet: Any, past: Any, inventory: str
) -> None:
    """Its lock and its records would be another one's."""
    Path(".fleet-repl").mkdir()
    backend.memory.past = (replace(past, meta=replace(past.meta, fleet="old")),)
    ended = cli("rollback", "last")
    assert ended.code == 1
    assert ended.err == (
        f"fleet-repl: run {RUN} is of fleet old, and demo.toml is of fleet demo "
        "now\n    name the INVENTORY of old\n"
    )
    assert fleet.asked == []


def test_force_reaches_both(cli: Any, fleet: Any, inventory: str) -> None:
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
    cli: Any,
    inventory: str,
    terminal: Any,
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


def test_an_interrupted_rollback(cli: Any, fleet: Any, inventory: str) -> None:
    """A report all the same."""
    fleet.planning = fleet.until_stopped
    ended = cli("rollback", "last", inventory)
    assert ended.code == 130
    assert fleet.asked == [f"plan_rollback {RUN}", "stop", f"interrupted {RUN}"]


def test_a_run_that_nobody_remembers(cli: Any, fleet: Any, inventory: str) -> None:
    """An error; nothing is connected."""
    ended = cli("rollback", "nope", inventory)
    assert (ended.code, fleet.asked) == (1, [])
    assert ended.err == "fleet-repl: no run nope is remembered in .fleet-repl\n"
