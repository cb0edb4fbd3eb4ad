"""A signal that comes while the program is only being loaded, wherever that is."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), SIGNAL)

sys.meta_path.insert(0, Finder())
from fleet_repl.__main__ import main
sys.argv = ["fleet-repl", *ARGS]
main()
sys.exit("it was not interrupted")
"""
BEFORE = ["fleet_repl.cli", "typer", "fleet_repl.cli.app", "fleet_repl.cli.validate"]
COMMAND = ["fleet_repl.inventory.document", "fleet_repl.topology", "pydantic"]
RUN = ["fleet_repl.fleet.connect", "aiobotocore", "aiohttp", "fleet_repl.sandbox"]


def _ended(module: str, args: list[str], signal_number: signal.Signals) -> tuple[int, str, str]:
    given = f"MODULE, SIGNAL, ARGS = {module!r}, {int(signal_number)}, {args!r}\n"
    ended = subprocess.run(
        [sys.executable, "-c", given + PROGRAM], capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", BEFORE)
def test_nothing_has_begun(inventory: str, module: str, signal_number: signal.Signals) -> None:
    """No traceback, nothing at all, and the code of an interruption."""
    assert _ended(module, ["validate", inventory], signal_number) == (130, "", "")


@pytest.mark.parametrize("module", COMMAND)
def test_a_command_is_being_prepared(inventory: str, module: str) -> None:
    """Much is loaded only by the command that needs it."""
    args = ["plan", inventory, "--sandbox"]
    assert _ended(module, args, signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize("module", RUN)
def test_a_run_is_being_prepared(inventory: str, module: str) -> None:
    """The SDK and the sandbox are loaded when the run has begun, and it ends as a run does."""
    code, out, err = _ended(module, ["plan", inventory, "--sandbox"], signal.SIGINT)
    assert (code, out) == (130, "")
    assert "Traceback" not in err


def test_what_is_ignored_stays_so(inventory: str) -> None:
    """As a shell has it for what runs in its background."""
    program = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + PROGRAM
    given = f"MODULE, SIGNAL, ARGS = 'typer', {int(signal.SIGINT)}, ['validate', {inventory!r}]\n"
    ended = subprocess.run(
        [sys.executable, "-c", given + program], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
