"""Reads and writes the files of a state. A file is replaced whole or not at all, and is on the disk
when a call returns.

All calls block, and are for threads. They raise OSError, and UntrustedError where another user can
change a file or a folder.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from fleet_repl.engine.stores import Stored
from fleet_repl.inventory.regular_files import GIB, content_of
from fleet_repl.state.open_files import READ, WRITE, open_file, open_folder, sync
from fleet_repl.state.trust import Place

_LARGEST: Final = 4 * GIB
"""The most bytes of a file: the journal of a run with long policies at 100,000 registries."""
_OF_THE_SYSTEM: Final = "lost+found"
"""A folder at the root of many volumes, which only the system's root may enter."""
_GUARD_SECONDS: Final = 5.0
"""The seconds to wait for another swap, which takes milliseconds unless its process is stopped."""
_GUARD_PAUSE: Final = 0.01


def find(place: Place, *, now: Callable[[], float]) -> Stored | None:
    """Returns a file with a hash of its content and its age by `now`; None if there is none."""
    try:
        with open_folder(place) as folder:
            return _find(folder, place, now)
    except FileNotFoundError:
        return None


def replace(place: Place, *, pieces: Iterable[bytes]) -> None:
    """Creates a file of these pieces, or replaces it."""
    with open_folder(place, make=True) as folder:
        _replace(folder, place, pieces)


def swap(place: Place, *, content: bytes, expected: str | None) -> str | None:
    """Replaces a file if its version is `expected`, None for no file. Returns the new version, or
    None where the file has another version.

    Comparing and replacing are one step for every caller of this function: both happen under a lock
    of the operating system, which ends with its process.
    """
    with open_folder(place, make=True) as folder, _guarded(folder, place):
        try:
            version: str | None = _find(folder, place, time.time).version
        except FileNotFoundError:
            version = None
        if version != expected:
            return None
        _replace(folder, place, (content,))
    return _version(content)


def append(place: Place, *, content: bytes, make_folder: bool = True) -> None:
    """Appends to a file, on a new line even if an earlier write broke off within a line.
    `make_folder`: creates the folder if it is missing."""
    with (
        open_folder(place, make=make_folder) as folder,
        open_file(folder, place, place.path.name, WRITE | os.O_APPEND) as handle,
    ):
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            content = b"\n" + content
        _write(handle, (content,))
        if not size:
            sync(folder)


def below(place: Place) -> tuple[str, ...]:
    """Returns the names of all files below a folder, without hidden files, sorted."""

    def check_error(error: OSError) -> None:
        # Folders may be removed while they are listed.
        if not isinstance(error, FileNotFoundError):
            raise error

    names_below: list[str] = []
    try:
        with open_folder(place.inside):
            pass
    except FileNotFoundError:
        return ()
    for path, folders, names in os.walk(place.path, onerror=check_error):
        folders[:] = [
            name for name in folders if not name.startswith(".") and name != _OF_THE_SYSTEM
        ]
        inside = Path(path).relative_to(place.root / place.within)
        names_below.extend((inside / name).as_posix() for name in names if not name.startswith("."))
    return tuple(sorted(names_below))


def remove(place: Place) -> None:
    """Removes a file, if there is one."""
    with suppress(FileNotFoundError), open_folder(place) as folder:
        os.unlink(place.path.name, dir_fd=folder)
        sync(folder)


def remove_all(place: Place) -> None:
    """Removes all files below a folder, and the folder if it is empty then."""
    for name in below(place):
        remove(dataclasses.replace(place, name=name))
    with suppress(OSError), open_folder(place) as folder:
        os.rmdir(place.path.name, dir_fd=folder)
        sync(folder)


def _find(folder: int, place: Place, now: Callable[[], float]) -> Stored:
    with open_file(folder, place, place.path.name, READ) as handle:
        content, written = content_of(handle, most=_LARGEST), os.fstat(handle).st_mtime
    return Stored(content=content, version=_version(content), age=now() - written)


def _replace(folder: int, place: Place, pieces: Iterable[bytes]) -> None:
    name = place.path.name
    new = f".{name}.{secrets.token_hex(4)}"
    try:
        with open_file(folder, place, new, WRITE | os.O_EXCL) as handle:
            _write(handle, pieces)
        os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        raise
    sync(folder)


def _write(handle: int, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        rest = memoryview(piece)
        # A short write means that the disk is nearly full; the next write then raises.
        while rest:
            rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _guarded(folder: int, place: Place) -> Iterator[None]:
    """Makes every other swap of the file wait, also those of other processes."""
    # The guard file is never removed: one process could then lock the old file, another a new one.
    with open_file(folder, place, f".{place.path.name}.guard", WRITE) as handle:
        _lock(handle)
        yield


def _lock(handle: int) -> None:
    until = time.monotonic() + _GUARD_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
            time.sleep(_GUARD_PAUSE)
        else:
            return
