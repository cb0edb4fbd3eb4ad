"""Opens the files and folders of a state without trusting the way to them.

Every folder from the root down to a file is opened by itself, relative to the folder above it, and
checked when it is open. So nothing that another user has put in the way, such as a symbolic link,
is ever followed. Raises OSError, and UntrustedError where another user can change a file or folder.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fleet_repl.state.trust import Place, check, refuse_link

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_ENTER: Final = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def open_folder(place: Place, *, make: bool = False) -> Iterator[int]:
    """Opens the folder of a document; `make`: creates it if it is missing."""
    if make:
        _create(place.root, place)
    handle = _enter(str(place.root), place.root, place)
    try:
        path = place.root
        for step in place.steps:
            path /= step
            if make:
                _create_inside(handle, step, place)
            inner = _enter(step, path, place, within=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _enter(step: str, path: Path, place: Place, *, within: int | None = None) -> int:
    # Only the root may be a link: whoever configures it means the folder that it stands for.
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
def open_file(folder: int, place: Place, name: str, flags: int) -> Iterator[int]:
    """Opens a file in an open folder; creates it if `flags` have O_CREAT."""
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


def _create(folder: Path, place: Place) -> None:
    """Creates a folder and missing folders above it, and syncs each to the disk."""
    if folder.is_dir():
        return
    _create(folder.parent, place)
    above = os.open(folder.parent, _ENTER)
    try:
        _create_inside(above, folder.name, place)
    finally:
        os.close(above)


def _create_inside(above: int, name: str, place: Place) -> None:
    try:
        os.mkdir(name, place.folder_mode, dir_fd=above)
    except FileExistsError:
        return
    if place.shared:
        # The umask may have removed permissions of the group.
        os.chmod(name, place.folder_mode, dir_fd=above)
    sync(above)


def sync(folder: int) -> None:
    """Writes the names in a folder to the disk."""
    try:
        os.fsync(folder)
    except OSError as error:
        # Some network file systems sync files only, and keep names without that.
        if error.errno != errno.EINVAL:
            raise
