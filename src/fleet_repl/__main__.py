"""The console entry point, also as `python -m fleet_repl`.

It imports nothing that takes time before it has said what Ctrl-C does meanwhile.
"""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command line. Ends the process."""
    # Importing leaves no garbage. A command that goes on for longer switches the search on again.
    gc.disable()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    from fleet_repl.cli import main as command_line  # noqa: PLC0415 - this is what takes time

    command_line()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End at once: nothing has begun that would have to be ended well.

    An exception would come up wherever Python is, which shows it or, in some imports, drops it.
    """
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
