"""Plans in files: kept by one command, carried out by another."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest
from tests.support.command_line import Cli, FakeBackend, FakeFleet

from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.history import Purpose
from fleet_repl.values.errors import RefusedError

Checked: TypeAlias = list[tuple[str, datetime, timedelta]]
"""The inventory, the time and the greatest age that each check was made with."""


@pytest.fixture
def kept(
    backend: FakeBackend, fleet: FakeFleet, inventory: str, monkeypatch: pytest.MonkeyPatch
) -> Checked:
    """A plan that can be loaded, in a folder below that of its inventory; and what was checked."""
    plan = replace(fleet.made, inventory=replace(fleet.made.inventory, path="../demo.toml"))
    checked: Checked = []
    monkeypatch.setattr(backend, "load_plan", lambda path: plan, raising=False)
    monkeypatch.setattr(
        backend,
        "check_plan",
        lambda plan, inventory, *, now, max_age: checked.append((inventory.path, now, max_age)),
        raising=False,
    )
    Path("plans").mkdir()
    return checked


def test_a_plan_is_kept(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The document that --format json prints, for its owner's eyes, and how to go on."""
    ended = cli("plan", inventory, "--out", "my plan")
    assert ended.code == 0
    assert ended.err == (
        "the plan is kept in my plan; apply it with: fleet-repl apply --plan 'my plan'\n"
    )
    file = Path("my plan")
    assert file.read_text(encoding="utf-8") == to_json(fleet.made)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert fleet.beside == file
    assert cli("plan", inventory, "--format", "json").out == file.read_text(encoding="utf-8")


def test_what_applies_it_knows_the_state(cli: Cli, inventory: str) -> None:
    """Where the fleet remembers what it did is not in the plan."""
    ended = cli("plan", inventory, "--out", "p", "--state", "s3://bucket/x")
    assert ended.err.endswith("fleet-repl apply --plan p --state s3://bucket/x\n")


def test_what_applies_it_is_about_the_same_aws(cli: Cli, inventory: str) -> None:
    """A plan of the simulated AWS is refused on the real one."""
    Path("storm.toml").write_text("")
    ended = cli("plan", inventory, "--out", "p", "--sandbox", "--scenario", "storm.toml")
    command = "fleet-repl apply --plan p --sandbox --scenario storm.toml"
    assert ended.err.endswith(f"apply it with: {command}\n")


def test_changes_have_their_code_all_the_same(cli: Cli, inventory: str) -> None:
    """--out goes with --exit-code."""
    assert cli("plan", inventory, "--out", "p", "--exit-code").code == 2
    assert Path("p").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("missing/p", "missing/p: there is no folder missing to write the plan to"),
        (".", ".: this is a folder; name a file"),
    ],
)
def test_it_is_known_beforehand_that_it_cannot_be_kept(
    cli: Cli, fleet: FakeFleet, inventory: str, out: str, message: str
) -> None:
    """Nothing is called for a plan that would be lost."""
    ended = cli("plan", inventory, "--out", out)
    assert (ended.code, ended.out, ended.err) == (1, "", f"fleet-repl: {message}\n")
    assert fleet.asked == []


def test_a_plan_that_is_lost_in_the_end(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The folder has gone meanwhile: the plan is shown, and the run is no success."""
    out = Path("out")
    out.mkdir()

    async def remove() -> None:
        await anyio.to_thread.run_sync(out.rmdir)

    fleet.planning = remove
    ended = cli("plan", inventory, "--out", "out/p")
    assert ended.code == 1
    assert ended.out
    assert ended.err == (
        "fleet-repl: out/p: there is no folder out to write the plan to\n"
        "fleet-repl: but for that, the exit code would be 0: done\n"
    )


def test_an_interrupted_plan_is_not_kept(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """There is none."""
    fleet.planning = fleet.until_stopped
    assert cli("plan", inventory, "--out", "p").code == 130
    assert not Path("p").exists()


def test_a_kept_plan_is_applied(
    cli: Cli, backend: FakeBackend, fleet: FakeFleet, kept: Checked, inventory: str
) -> None:
    """As it is: nothing is planned, and its inventory is found from its own folder."""
    ended = cli("apply", "--plan", "plans/p")
    assert (ended.code, fleet.asked) == (0, ["apply"])
    ((path, now, max_age),) = kept
    assert path == inventory
    assert max_age == timedelta(hours=24)
    assert datetime.now(UTC) - now < timedelta(minutes=1)
    assert backend.purposes == [Purpose.APPLY]


def test_another_inventory_may_be_named(cli: Cli, kept: Checked, inventory: str) -> None:
    """Files move; what counts is the digest, which the check compares."""
    Path("there.toml").write_text(Path(inventory).read_text(encoding="utf-8"), encoding="utf-8")
    assert cli("apply", "there.toml", "--plan", "plans/p", "--max-age", "1h30m").code == 0
    assert kept[0][0] == "there.toml"
    assert kept[0][2] == timedelta(minutes=90)


@pytest.mark.parametrize("where", ["load_plan", "check_plan"])
def test_a_plan_that_must_not_be_applied(
    cli: Cli,
    backend: FakeBackend,
    fleet: FakeFleet,
    kept: Checked,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Code 3, why, and nothing is called; not even a report is written."""

    def refuse(*args: object, **more: object) -> None:
        raise RefusedError("the plan was altered")

    monkeypatch.setattr(backend, where, refuse)
    ended = cli("apply", "--plan", "plans/p", "--report", "out.json")
    assert (ended.code, ended.out, ended.err) == (3, "", "fleet-repl: the plan was altered\n")
    assert fleet.asked == []
    assert not Path("out.json").exists()


def test_a_lock_that_is_held(
    cli: Cli, backend: FakeBackend, fleet: FakeFleet, inventory: str
) -> None:
    """Code 3 and who has it, before anything is read."""

    async def refuse() -> None:
        raise RefusedError("apply 2026-x of bob@ci-2 (process 7) is writing to demo")

    backend.connecting = refuse
    ended = cli("apply", inventory, "--yes", "--report", "out.json")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "fleet-repl: apply 2026-x of bob@ci-2 (process 7) is writing to demo\n"
    assert fleet.asked == []
    assert not Path("out.json").exists()


@pytest.mark.parametrize("command", ["plan", "drift", "verify"])
def test_who_only_looks_takes_no_lock(
    cli: Cli, backend: FakeBackend, inventory: str, command: str
) -> None:
    """Looking is free at any time."""
    cli(command, inventory)
    assert backend.purposes == [None]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name an INVENTORY, or a plan with --plan FILE"),
        (["demo.toml", "--max-age", "1h"], "it needs --plan FILE"),
        (["--plan", "p", "--account", "build"], "leave --account, --label and --region out"),
        (["--plan", "p", "--label", "a=b"], "leave --account, --label and --region out"),
        (["--plan", "p", "--region", "eu-west-1"], "leave --account, --label and --region out"),
        (["--plan", "p", "--max-age", "soon"], "'soon' is no time such as 30s, 15m or 24h"),
        (["--plan", "p", "--max-age", "0s"], "'0s' is no time such as 30s, 15m or 24h"),
        (["demo.toml", "--wave", "nope"], "there is no such wave; the inventory has rest"),
    ],
)
def test_wrong_usage(
    cli: Cli,
    fleet: FakeFleet,
    inventory: str,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    message: str,
) -> None:
    """Code 64, and nothing is called."""
    monkeypatch.setenv("COLUMNS", "200")
    ended = cli("apply", *args)
    assert (ended.code, ended.out) == (64, "")
    assert message in ended.err
    assert fleet.asked == []
