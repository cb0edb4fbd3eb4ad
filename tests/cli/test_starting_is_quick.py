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
    program = (
        "import atexit, sys; from fleet_repl.__main__ import main; "
        f"sys.argv = ['fleet-repl', *{args!r}]; "
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return set(ended.stderr.split())


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
