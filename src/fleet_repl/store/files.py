"""Files written so that they last: whole or not at all, on the disk, for their user only.

Blocking, for threads. Raises OSError and nothing else; what that means is told elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fleet_repl.ports import Stored

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OF_THE_SYSTEM: Final = "lost+found"
"""At the root of many volumes, and root alone may look into it."""
_GUARD_SECONDS: Final = 5.0
"""A swap takes milliseconds: who waits longer waits for a process that does not run."""
_GUARD_PAUSE: Final = 0.01


def find(path: Path, *, now: Callable[[], float]) -> Stored | None:
    """A file with a hash of its content and its age by `now`; None where there is none."""
    try:
        with path.open("rb") as file:
            content, written = file.read(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    return Stored(content=content, version=_version(content), age=now() - written)


def replace(path: Path, *, content: bytes) -> None:
    """Put a file in the place of what is there."""
    _make(path.parent)
    # mkstemp makes files that only their user may read and write.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def swap(path: Path, *, content: bytes, expected: str | None) -> str | None:
    """The same if `expected` is what is there; the new version, or None.

    Looking and replacing are one step for everybody who comes this way: both are done under a
    lock of the system's, which goes with its process.
    """
    _make(path.parent)
    with _guarded(path):
        try:
            there = _version(path.read_bytes())
        except FileNotFoundError:
            there = None
        if there != expected:
            return None
        replace(path, content=content)
    return _version(content)


def append(path: Path, *, content: bytes, settle: bool = True) -> None:
    """Add to the end of a file, on a line of its own even if a write broke off before.

    `settle`: make the folder where there is none.
    """
    if settle:
        _make(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            content = b"\n" + content
        rest = memoryview(content)
        # A write that comes back short is a disk that is full, or nearly: the next one tells.
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    if not size:
        _sync(path.parent)


def below(folder: Path, *, root: Path) -> tuple[str, ...]:
    """The names, seen from `root`, of all files below a folder, without hidden ones, sorted."""

    def tell(error: OSError) -> None:
        # Folders and what is in them may go while they are looked through.
        if not isinstance(error, FileNotFoundError):
            raise error

    found: list[str] = []
    for place, folders, names in os.walk(folder, onerror=tell):
        folders[:] = [one for one in folders if not one.startswith(".") and one != _OF_THE_SYSTEM]
        inside = Path(place).relative_to(root)
        found.extend((inside / one).as_posix() for one in names if not one.startswith("."))
    return tuple(sorted(found))


def remove(path: Path) -> None:
    """Take a file away; it not being there is fine."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    _sync(path.parent)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Keep every other swap of this file waiting, those of other processes too."""
    # It stays: were it deleted, one process could lock the old file and another the new one.
    guard = path.with_name(f".{path.name}.guard")
    handle = os.open(guard, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


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


def _make(folder: Path) -> None:
    """Make a folder and those above it that are missing, each on record in the one above it."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Make names last that were made or changed: it is the folder that holds them."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems sync files only, and keep names by themselves.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)
