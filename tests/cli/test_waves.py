"""Waves on the command line: where a run ends, what is shown, what progress says."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command_line import Cli, FakeFleet, Terminal

from fleet_repl.cli.counters import Counters
from fleet_repl.cli.progress import progress_text
from fleet_repl.reports.log_entries import entry_of
from fleet_repl.runs.events import PlanMade, WaveFinished, WaveStarted

WAVES = """
[[waves]]
name = "canary"
select = { accounts = ["build"] }
"""


@pytest.fixture
def in_waves(inventory: str, fleet: FakeFleet) -> str:
    """The inventory with a wave, and a plan that writes in both."""
    file = Path(inventory)
    file.write_text(file.read_text(encoding="utf-8") + WAVES, encoding="utf-8")
    build, spoke = fleet.made.registries
    (change,) = build.changes
    fleet.made = replace(
        fleet.made,
        registries=(
            replace(build, wave="canary", changes=(replace(change, wave="canary"),)),
            replace(spoke, changes=(change,)),
        ),
    )
    return inventory


def test_a_run_ends_after_a_wave(cli: Cli, fleet: FakeFleet, in_waves: str) -> None:
    """Which one reaches the library."""
    assert cli("apply", in_waves, "--wave", "canary").code == 0
    assert fleet.asked == ["plan", "apply --wave canary"]


def test_an_unknown_wave_is_wrong_usage(
    cli: Cli, fleet: FakeFleet, in_waves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the message has those there are, the last one too."""
    monkeypatch.setenv("COLUMNS", "200")
    ended = cli("apply", in_waves, "--wave", "cannery")
    assert ended.code == 64
    assert "--wave cannery: there is no such wave; the inventory has canary, rest" in ended.err
    assert fleet.asked == []


@pytest.mark.parametrize(
    ("flags", "question"),
    [
        ([], "Write to 2 registries of demo? [y/N] "),
        (["--wave", "canary"], "Write to 1 registry of demo, up to wave canary? [y/N] "),
        (["--wave", "rest"], "Write to 2 registries of demo, up to wave rest? [y/N] "),
    ],
)
def test_the_question_says_how_far(
    cli: Cli,
    in_waves: str,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    question: str,
) -> None:
    """It counts what will be written, and the plan above it shows the waves."""
    monkeypatch.setattr(sys, "stdin", terminal.stdin)
    monkeypatch.setattr(sys, "stderr", terminal.stdout)
    terminal.type("y\n")
    assert cli("apply", in_waves, *flags).code == 0
    screen = terminal.screen()
    assert question in screen
    assert "  canary  1 registry to change\n  rest    1 registry to change\n" in screen


def test_progress_names_the_wave(fleet: FakeFleet, in_waves: str) -> None:
    """And how many there are that write anything."""
    counters = Counters(
        (registry.registry for registry in fleet.made.registries), ("canary", "idle", "rest")
    )
    counters.see(PlanMade(plan=fleet.made))
    start = "0/2 writes  0 in flight  0 throttled  0 failed  1.0 s"
    assert progress_text(counters, 1).plain == f"writing  {start}"
    counters.see(WaveStarted(wave="canary", registries=1))
    assert progress_text(counters, 1).plain == f"writing wave canary 1/2  {start}"
    counters.see(WaveFinished(wave="canary", failed=0))
    counters.see(WaveStarted(wave="rest", registries=1))
    assert progress_text(counters, 1).plain == f"writing wave rest 2/2  {start}"


def test_progress_counts_down_the_pause_between_waves(fleet: FakeFleet, in_waves: str) -> None:
    """What is left of it, and after which wave; nothing of it once the next wave begins."""
    at = [100.0]
    counters = Counters(
        (registry.registry for registry in fleet.made.registries), ("canary", "rest"), lambda: at[0]
    )
    counters.see(PlanMade(plan=fleet.made))
    counters.see(WaveStarted(wave="canary", registries=1))
    counters.see(WaveFinished(wave="canary", failed=0, pause=300))
    end = "0/2 writes  0 in flight  0 throttled  0 failed  1.0 s"
    assert progress_text(counters, 1).plain == f"pausing 5 min 00 s after wave canary 1/2  {end}"
    at[0] += 270
    assert progress_text(counters, 1).plain == f"pausing 30.0 s after wave canary 1/2  {end}"
    counters.see(WaveStarted(wave="rest", registries=1))
    assert progress_text(counters, 1).plain == f"writing wave rest 2/2  {end}"


def test_a_single_wave_is_not_worth_a_word(fleet: FakeFleet) -> None:
    """A fleet without waves has one, too."""
    counters = Counters((registry.registry for registry in fleet.made.registries), ("rest",))
    counters.see(PlanMade(plan=fleet.made))
    counters.see(WaveStarted(wave="rest", registries=1))
    assert progress_text(counters, 1).plain.startswith("writing  0/1 writes")


@pytest.mark.parametrize(
    ("event", "level", "message"),
    [
        (
            WaveStarted(wave="canary", registries=1),
            "info",
            "wave canary: 1 registry to write to",
        ),
        (
            WaveFinished(wave="canary", failed=0, pause=90),
            "info",
            "wave canary: ended, 0 registries failed; the next one in 1 min 30 s",
        ),
        (WaveFinished(wave="rest", failed=0), "info", "wave rest: ended, 0 registries failed"),
        (
            WaveFinished(wave="canary", failed=2, because="max_failures is 0"),
            "warning",
            "wave canary: ended, 2 registries failed; later ones are skipped: max_failures is 0",
        ),
    ],
)
def test_log_lines(event: WaveStarted | WaveFinished, level: str, message: str) -> None:
    """Words for people, fields for machines."""
    entry = entry_of(event)
    assert entry is not None
    assert (entry.level, entry.message) == (level, message)
    assert entry.fields["wave"] == event.wave
