"""Which process this is, and whether another one of this host is surely gone.

Machines can share a host's name and processes a number, one after the other or in containers
beside each other: only what is certain counts as gone.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet_repl.runs.history import Holder

_PROC: Final = Path("/proc")
_DEAD: Final = ("Z", "X", "x")
"""States of a process that has ended, although nobody has taken note yet (proc(5))."""
_LONGEST: Final = 200

UNSURE: Final = "?"
"""The mark of a process that may be in a container, and of which nothing more can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process, and who runs it."""

    user: str
    host: str
    pid: int
    process: str
    """Boot, process namespace and start; empty where the system knows of no such things, and
    `UNSURE` where it hides them."""


def this_process() -> Process:
    """The process that calls this."""
    pid = os.getpid()
    return Process(
        user=_plain(_user()),
        host=_plain(socket.gethostname()),
        pid=pid,
        process=_mark(pid, _PROC),
    )


def gone(holder: Holder) -> bool:
    """Whether the holder was a process of this host that is no more, and surely so."""
    return is_gone(holder, this_process(), start_of)


def is_gone(holder: Holder, me: Process, start_of: Callable[[int], str | None]) -> bool:
    """The same by these readings. `start_of` tells when the process of a number started.

    It gives None where there is no such process, and nothing where it cannot be told.
    """
    if holder.host != me.host or UNSURE in (holder.process, me.process):
        return False
    theirs, _, started = holder.process.rpartition("/")
    # Another boot or namespace may be another machine, or a container, of the same name.
    if theirs != me.process.rpartition("/")[0]:
        return False
    there = start_of(holder.pid)
    if there is None:
        return True
    return bool(there and started) and there != started


def start_of(pid: int, proc: Path = _PROC) -> str | None:
    """When a process started, in ticks since boot.

    None where it has ended or there is none; empty where the system does not say.
    """
    try:
        state, start = _status(pid, proc)
    except (OSError, ValueError, IndexError):
        # Other users' processes may be hidden: only a signal tells that there is none.
        return "" if _exists(pid) else None
    return None if state in _DEAD else start


def _mark(pid: int, proc: Path) -> str:
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (proc / "self/ns/pid").stat().st_ino
        _, start = _status(pid, proc)
    except (OSError, ValueError, IndexError):
        return UNSURE if proc.is_dir() else ""
    return f"{boot}/{namespace}/{start}"


def _status(pid: int, proc: Path) -> tuple[str, str]:
    """State and start of a process: fields 3 and 22 of its status (proc(5))."""
    # The second field is the program's name, which may hold spaces and brackets of its own.
    fields = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], str(int(fields[19]))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # Containers may run as a number that has no name.
        return f"uid-{os.getuid()}"


def _plain(text: str) -> str:
    """Fit to be shown: the environment and the network name these."""
    shown = "".join(character for character in text if character.isprintable())[:_LONGEST]
    return shown or "unknown"
