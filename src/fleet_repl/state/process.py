"""Identifies this process, and tells whether another process of this host is certainly gone.

Several machines may have the same host name, and several processes the same number: one after the
other, or in containers on one machine. A process only counts as gone where that is certain.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet_repl.runs.history import Holder, Purpose

_PROC: Final = Path("/proc")
_DEAD: Final = ("Z", "X", "x")
"""The states of a process that has ended and is not yet reaped by its parent (proc(5))."""
_LONGEST: Final = 200

UNSURE: Final = "?"
"""The identity of a process that may be in a container which hides its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process and its user."""

    user: str
    host: str
    pid: int
    process: str
    """Boot id, process namespace and start time; empty where the system has no such facts, and
    UNSURE where it hides them."""

    def holder(self, run_id: str, purpose: Purpose) -> Holder:
        """Returns this process as the lock names it to others."""
        return Holder(
            run_id=run_id,
            purpose=purpose,
            user=self.user,
            host=self.host,
            pid=self.pid,
            process=self.process,
        )


def this_process() -> Process:
    pid = os.getpid()
    return Process(
        user=_plain(_user()),
        host=_plain(socket.gethostname()),
        pid=pid,
        process=_identity(pid, _PROC),
    )


def gone(holder: Holder) -> bool:
    """Returns whether the holder was a process of this host that is certainly gone."""
    return is_gone(holder, this_process(), start_of)


def is_gone(holder: Holder, me: Process, start_of: Callable[[int], str | None]) -> bool:
    """Returns whether the holder of a lock has certainly ended, as the process `me` sees it.
    `start_of` returns when the process of a number started; None if there is no such process, and
    "" if the system does not say."""
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
    """Returns when a process started, in ticks since boot.

    Returns None if it has ended or never was, and "" if the system does not say.
    """
    try:
        state, start = _status(pid, proc)
    except (OSError, ValueError, IndexError):
        # Processes of other users may be hidden. Only a signal shows that a process is not there.
        return "" if _exists(pid) else None
    return None if state in _DEAD else start


def _identity(pid: int, proc: Path) -> str:
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (proc / "self/ns/pid").stat().st_ino
        _, start = _status(pid, proc)
    except (OSError, ValueError, IndexError):
        return UNSURE if proc.is_dir() else ""
    return f"{boot}/{namespace}/{start}"


def _status(pid: int, proc: Path) -> tuple[str, str]:
    """Returns the state and the start of a process: fields 3 and 22 of its status (proc(5))."""
    # The second field is the program's name in brackets, and may have spaces and brackets itself.
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
        # In a container, the number of the user may have no name.
        return f"uid-{os.getuid()}"


def _plain(text: str) -> str:
    """Returns a text without control characters: these names come from the environment."""
    shown = "".join(character for character in text if character.isprintable())[:_LONGEST]
    return shown or "unknown"
