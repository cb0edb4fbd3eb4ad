"""Plans on stdout and in files, and the codes they exit with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.support.command_line import Cli, FakeBackend, FakeFleet

from fleet_repl.planning.plan import Plan, State
from fleet_repl.reports.junit import to_junit
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.values.errors import Fault, FaultKind, IdentityError


def test_a_plan_is_shown(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """stdout carries the plan and nothing else; nothing is written."""
    ended = cli("plan", inventory)
    assert (ended.code, ended.out, ended.err) == (0, plan_text(fleet.made), "")
    assert fleet.asked == ["plan"]


def test_a_plan_as_a_document(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """The same on stdout as JSON, and in each file in the format of its ending."""
    ended = cli("plan", inventory, "--format", "json", "--report", "a.json", "--report", "b.xml")
    assert (ended.code, ended.out, ended.err) == (0, to_json(fleet.made), "")
    assert Path("a.json").read_text(encoding="utf-8") == to_json(fleet.made)
    assert Path("b.xml").read_text(encoding="utf-8") == to_junit(fleet.made)


@pytest.mark.parametrize(("args", "code"), [(["plan", "--exit-code"], 2), (["drift"], 2)])
def test_changes_are_reported_on_demand(
    cli: Cli, fleet: FakeFleet, inventory: str, without_changes: Plan, args: list[str], code: int
) -> None:
    """With --exit-code, and by drift always."""
    assert cli(*args, inventory).code == code
    fleet.made = without_changes
    assert cli(*args, inventory).code == 0


def test_objections_are_shown_and_refuse_nothing(
    cli: Cli, fleet: FakeFleet, inventory: str, objecting: Plan
) -> None:
    """A plan is only looked at."""
    fleet.made = objecting
    ended = cli("plan", inventory)
    assert ended.code == 0
    assert "foreign-rules: 1 link goes" in ended.out


def test_an_unreadable_registry_comes_before_changes(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """4 is worse than 2."""
    fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
    first, second = fleet.made.registries
    dark = replace(second, state=State.UNREADABLE, error=fault)
    fleet.made = replace(fleet.made, registries=(first, dark))
    assert cli("drift", inventory).code == 4


def test_flags_narrow_what_is_changed(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Each is repeatable, and a label's value may hold what it likes."""
    flags = ["--account", "build", "--account", "111111111111", "--label", "tier=hub"]
    assert cli("plan", inventory, *flags, "--region", "eu-west-1").code == 0
    assert fleet.selected.accounts == ("build", "111111111111")
    assert fleet.selected.labels == (("tier", "hub"),)
    assert fleet.selected.regions == ("eu-west-1",)


def test_no_identity_is_one_error(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """Before any account is tried: code 1, in words."""

    async def refused() -> None:
        raise IdentityError("there is no usable base identity")

    backend.connecting = refused
    ended = cli("plan", inventory)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "fleet-repl: there is no usable base identity\n"


def test_a_report_that_cannot_be_written_is_found_first(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """Before anything is asked of the fleet."""
    ended = cli("plan", inventory, "--report", "missing/out.json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "fleet-repl: missing/out.json: there is no folder missing to write the report to\n"
    )
    assert fleet.asked == []


def test_a_report_that_cannot_be_written_after_all(
    cli: Cli, fleet: FakeFleet, inventory: str
) -> None:
    """The result is still on stdout, and the exit code does not claim success."""
    Path("out").mkdir()

    async def gone() -> None:
        await anyio.Path("out").rmdir()

    fleet.planning = gone
    ended = cli("plan", inventory, "--report", "out/plan.json")
    assert (ended.code, ended.out) == (1, plan_text(fleet.made))
    assert ended.err == (
        "fleet-repl: out/plan.json: there is no folder out to write the report to\n"
        "fleet-repl: but for that, the exit code would be 0: done\n"
    )


def test_in_the_sandbox(cli: Cli, backend: FakeBackend, inventory: str) -> None:
    """The connection is made to a simulated AWS on loopback."""
    assert cli("plan", inventory, "--sandbox").code == 0
    assert cli("plan", inventory).code == 0
    simulated, real = backend.endpoints
    assert simulated is not None
    assert simulated.url.startswith("http://127.0.0.1:")
    assert real is None


def test_a_scenario_that_cannot_be_used(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """One error, every problem on its line."""
    Path("faults.toml").write_text("weather = 'bad'\nmood = 'worse'\n", encoding="utf-8")
    ended = cli("plan", inventory, "--sandbox", "--scenario", "faults.toml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("fleet-repl: faults.toml: ")
    assert len(ended.err.splitlines()) == 2
    assert json.dumps("\\x0a") not in ended.err
    assert fleet.asked == []
