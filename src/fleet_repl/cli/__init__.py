"""The command line: one file for each command, and the code that commands share.

The law of this room: it alone imports typer. Only `main` is called from outside, and
importing it loads no AWS code.
"""

from __future__ import annotations

import gc
import signal
import sys

from fleet_repl.cli.app import run
from fleet_repl.cli.process import SIGNALS
from fleet_repl.cli.streams import endure

__all__ = ["main"]


def main() -> None:
    """The console entry point; ends the process with the run's exit code."""
    endure()
    code = run(sys.argv[1:])
    for number in SIGNALS:
        # The code is decided: a signal that comes while Python tidies up does not change it.
        signal.signal(number, signal.SIG_IGN)
    # What is left ends with the process: Python need not look for cycles among it, three times.
    gc.freeze()
    sys.exit(code)
