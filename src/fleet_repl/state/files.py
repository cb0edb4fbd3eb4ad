"""Files written so that they last: whole or not at all, on the disk, for their user only.

Every step from the root down to a file is opened by itself and checked once it is open, so that
nothing which somebody else has planted on the way is ever followed. Blocking, for threads. Raises
OSError, and UntrustedError where somebody else can change what is there.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from fleet_repl.engine.stores import Stored
from fleet_repl.inventory.regular_files import GIB, content_of
from fleet_repl.state.trust import Place, check, refuse_link

_LARGEST: Final = 4 * GIB
"""The journal of a run that writes long policies to a hundred thousand registries is this long."""
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_ENTER: Final = os.O_RDONLY | os.O_DIRECTORY
_OF_THE_SYSTEM: Final = "lost+found"
"""At the root of many volumes, and root alone may look into it."""
_GUARD_SECONDS: Final = 5.0
"""A swap takes milliseconds: who waits longer waits for a process that does not run."""
_GUARD_PAUSE: Final = 0.01


def find(place: Place, *, now: Callable[[], float]) -> Stored | None:
    """A file with a hash of its content and its age by `now`; None where there is none."""
    try:
        with _folder(place) as folder:
            return _find(folder, place, now)
    except FileNotFoundError:
        return None


def replace(place: Place, *, content: bytes) -> None:
    """Put a file in the place of what is there."""
    with _folder(place, make=True) as folder:
        _replace(folder, place, content)


def swap(place: Place, *, content: bytes, expected: str | None) -> str | None:
    """The same if `expected` is what is there; the new version, or None.

    Looking and replacing are one step for everybody who comes this way: both are done under a
    lock of the system's, which goes with its process.
    """
    with _folder(place, make=True) as folder, _guarded(folder, place):
        try:
            version: str | None = _find(folder, place, time.time).version
        except FileNotFoundError:
            version = None
        if version != expected:
            return None
        _replace(folder, place, content)
    return _version(content)


def append(place: Place, *, content: bytes, settle: bool = True) -> None:
    """Add to the end of a file, on a line of its own even if a write broke off before.

    `settle`: make the folder where there is none.
    """
    with (
        _folder(place, make=settle) as folder,
        _opened(folder, place, place.path.name, _WRITE | os.O_APPEND) as handle,
    ):
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            content = b"\n" + content
        _write(handle, content)
        if not size:
            _sync(folder)


def below(place: Place) -> tuple[str, ...]:
    """The names of all files below a folder, without hidden ones, sorted."""

    def tell(error: OSError) -> None:
        # Folders and what is in them may go while they are looked through.
        if not isinstance(error, FileNotFoundError):
            raise error

    names_below: list[str] = []
    try:
        with _folder(place.inside):
            pass
    except FileNotFoundError:
        return ()
    for path, folders, names in os.walk(place.path, onerror=tell):
        folders[:] = [
            name for name in folders if not name.startswith(".") and name != _OF_THE_SYSTEM
        ]
        inside = Path(path).relative_to(place.root / place.within)
        names_below.extend((inside / name).as_posix() for name in names if not name.startswith("."))
    return tuple(sorted(names_below))


def remove(place: Place) -> None:
    """Take a file away; it not being there is fine."""
    with suppress(FileNotFoundError), _folder(place) as folder:
        os.unlink(place.path.name, dir_fd=folder)
        _sync(folder)


def _find(folder: int, place: Place, now: Callable[[], float]) -> Stored:
    with _opened(folder, place, place.path.name, _READ) as handle:
        content, written = content_of(handle, most=_LARGEST), os.fstat(handle).st_mtime
    return Stored(content=content, version=_version(content), age=now() - written)


def _replace(folder: int, place: Place, content: bytes) -> None:
    name = place.path.name
    new = f".{name}.{secrets.token_hex(4)}"
    try:
        with _opened(folder, place, new, _WRITE | os.O_EXCL) as handle:
            _write(handle, content)
        os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        raise
    _sync(folder)


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    # A write that comes back short is a disk that is full, or nearly: the next one tells.
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _folder(place: Place, *, make: bool = False) -> Iterator[int]:
    """The folder that a document is in, open."""
    if make:
        _make(place.root, place)
    handle = _enter(str(place.root), place.root, place)
    try:
        path = place.root
        for step in place.steps:
            path /= step
            if make:
                _make_inside(handle, step, place)
            inner = _enter(step, path, place, within=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _enter(step: str, path: Path, place: Place, *, within: int | None = None) -> int:
    # The root itself may be named by a link: whoever names it means what it stands for.
    flags = _ENTER if within is None else _ENTER | os.O_NOFOLLOW
    try:
        handle = os.open(step, flags, dir_fd=within)
    except OSError:
        if within is not None:
            refuse_link(step, within, path)
        raise
    try:
        check(handle, path, place)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def _opened(folder: int, place: Place, name: str, flags: int) -> Iterator[int]:
    """A file in a folder, made where `flags` say so."""
    path = place.path.with_name(name)
    try:
        handle = os.open(name, flags, place.file_mode, dir_fd=folder)
    except OSError:
        refuse_link(name, folder, path)
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        check(handle, path, place, made=bool(flags & os.O_CREAT))
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _guarded(folder: int, place: Place) -> Iterator[None]:
    """Keep every other swap of this file waiting, those of other processes too."""
    # It stays: were it deleted, one process could lock the old file and another the new one.
    with _opened(folder, place, f".{place.path.name}.guard", _WRITE) as handle:
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


def _make(folder: Path, place: Place) -> None:
    """Make a folder and those above it that are missing, each on record in the one above it."""
    if folder.is_dir():
        return
    _make(folder.parent, place)
    above = os.open(folder.parent, _ENTER)
    try:
        _make_inside(above, folder.name, place)
    finally:
        os.close(above)


def _make_inside(above: int, name: str, place: Place) -> None:
    try:
        os.mkdir(name, place.folder_mode, dir_fd=above)
    except FileExistsError:
        return
    if place.shared:
        # What the umask took away is given back to the group.
        os.chmod(name, place.folder_mode, dir_fd=above)
    _sync(above)


def _sync(folder: int) -> None:
    """Make names last that were made or changed: it is the folder that holds them."""
    try:
        os.fsync(folder)
    except OSError as error:
        # Some network file systems sync files only, and keep names by themselves.
        if error.errno != errno.EINVAL:
            raise
