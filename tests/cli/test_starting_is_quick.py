"""Help, and being told that one has to wait, take no longer than starting a process takes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

OF_HELP = {
    "__main__",
    "_version",
    "cli",
    "cli.app",
    "cli.commands",
    "cli.process",
    "cli.streams",
    "values",
    "values.errors",
    "values.exit_code",
    "values.text",
}
"""The modules of fleet_repl that the list of commands needs."""


def loaded_by(args: list[str]) -> set[str]:
    """The modules that a command line has loaded when it ends."""
    return set(said_at_the_end(args, "*sys.modules").split())


def said_at_the_end(args: list[str], what: str) -> str:
    """What a process says of itself when its command line has ended, on stderr."""
    program = (
        "import atexit, gc, sys; from fleet_repl.__main__ import main; "
        f"sys.argv = ['fleet-repl', *{args!r}]; "
        f"atexit.register(lambda: print({what}, file=sys.stderr)); main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return ended.stderr


def ours(modules: set[str]) -> set[str]:
    """The modules of fleet_repl among them, without that name."""
    prefix = "fleet_repl."
    return {name.removeprefix(prefix) for name in modules if name.startswith(prefix)}


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_the_list_of_commands_imports_no_command(flag: str) -> None:
    """Nor anything that commands share: each is imported when it is called."""
    modules = loaded_by([flag])
    assert ours(modules) == OF_HELP
    assert not modules & {"anyio", "asyncio", "pydantic", "msgspec", "tomllib", "aiobotocore"}


def test_a_good_inventory_is_counted_without_any_run(inventory: str) -> None:
    """Validating needs the inventory, its links and rules, and nothing of plans that are carried
    out, of documents, or of terminals."""
    modules = loaded_by(["validate", inventory])
    rooms = {name.partition(".")[0] for name in ours(modules)}
    assert not rooms & {"runs", "engine", "aws", "state", "watch", "sandbox"}
    assert {name for name in ours(modules) if name.startswith("fleet.")} == {"fleet.load"}
    assert not modules & {"anyio", "asyncio", "msgspec", "rich.console", "rich.text", "aiobotocore"}
    assert not modules & {"fleet_repl.reports.documents", "fleet_repl.reports.junit"}


def test_a_quiet_run_imports_nothing_of_other_commands(inventory: str) -> None:
    """A plan that is applied needs no images, no rollbacks, no imports, no workers, and no
    terminal that lines are redrawn on."""
    modules = loaded_by(["apply", inventory, "--sandbox", "--yes", "--quiet"])
    assert "fleet_repl.engine.apply" in modules
    assert not modules & {"rich.console", "rich.text", "multiprocessing", "tenacity", "aiohttp.web"}
    needless = (
        "aws.organizations aws.queues aws.s3 planning.explain planning.importing "
        "runs.coverage runs.delivery runs.doctor runs.explain runs.rollback"
    )
    assert not ours(modules) & set(needless.split())
    assert not {name for name in ours(modules) if name.startswith("fleet.shard")}


def test_scenarios_are_read_by_pydantic_only_where_there_is_a_file() -> None:
    """Making the reader of a table of scenarios takes longer than a dozen calls."""
    program = (
        "from fleet_repl.sandbox.scenario import Scenario, FaultRule; "
        "print(Scenario.__pydantic_complete__, FaultRule.__pydantic_complete__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.stdout == "False False\n"


def test_what_a_process_holds_at_its_end_is_not_examined() -> None:
    """Python would look for cycles among all of it before it lets the process go."""
    assert int(said_at_the_end(["--version"], "gc.get_freeze_count()")) > 0


def test_what_is_loaded_is_not_looked_through_for_garbage(inventory: str) -> None:
    """A command that ends soon looks for none. One that calls AWS begins once it is connected, and
    seldom."""
    setting = "gc.isenabled() and gc.get_threshold()"
    assert said_at_the_end(["validate", inventory], setting) == "False\n"
    called = said_at_the_end(["plan", inventory, "--sandbox", "--quiet"], setting)
    assert called == "(50000, 20, 20)\n"


def test_values_of_an_inventory_load_no_pydantic() -> None:
    """Only reading an inventory does: plans and reports speak of its values too."""
    loaded = "set(sys.modules) & {'pydantic', 'pydantic_core'}"
    program = f"import sys, fleet_repl, fleet_repl.inventory.document; print({loaded})"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.stdout == "set()\n"
