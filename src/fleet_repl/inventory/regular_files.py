"""Reading of files that somebody names: regular files of a bounded size, and nothing else.

A pipe or a device can be named like a file. Reading it waits for ever, or ends with the memory.
Only standard input may be anything, because whoever starts a command says what it is.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB

_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
"""Opening a pipe that nobody writes to waits, unless it is told not to."""


def read_regular(path: str | Path, *, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises OSError, whose `strerror` says what is wrong, and ValueError for what can be no path.
    """
    if "\0" in os.fspath(path):
        # Python words this differently from version to version.
        raise ValueError("a path cannot hold a null character")
    handle = os.open(path, _FLAGS)
    try:
        return content_of(handle, most=most)
    finally:
        os.close(handle)


def read_start(path: Path, length: int) -> bytes:
    """The first `length` bytes of a regular file of any size. Raises OSError."""
    handle = os.open(path, _FLAGS)
    try:
        _regular_size(handle)
        return os.read(handle, length)
    finally:
        os.close(handle)


def content_of(handle: int, *, most: int) -> bytes:
    """Returns the content of a file that is open already. It may grow while it is read."""
    chunks: list[bytes] = []
    left = most + 1 if _regular_size(handle) <= most else 0
    while left and (chunk := os.read(handle, min(left, MIB))):
        chunks.append(chunk)
        left -= len(chunk)
    if not left:
        raise _too_large(most)
    return b"".join(chunks)


def read_stream(stream: BinaryIO, *, most: int) -> bytes:
    """The rest of a stream that is open already, whatever is at its other end."""
    content = stream.read(most + 1)
    if len(content) > most:
        raise _too_large(most)
    return content


def _regular_size(handle: int) -> int:
    status = os.fstat(handle)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return status.st_size


def _too_large(most: int) -> OSError:
    size = f"{most // GIB} GiB" if most >= GIB else f"{most // MIB} MiB"
    return OSError(errno.EFBIG, f"it is larger than {size}")
