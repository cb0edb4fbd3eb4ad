"""A store in a folder: each document a file that only its user may read, replaced as a whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import anyio.to_thread

from fleet_repl.errors import StateError

_PRIVATE: Final = 0o700


class FolderStore:
    """Documents by name, such as `prod/applied.json`. The folder is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    async def read(self, name: str) -> bytes | None:
        """A document, or None where there is none. Raises StateError."""
        return await anyio.to_thread.run_sync(self._read, name)

    async def replace(self, name: str, content: bytes) -> None:
        """Put a document in the place of what is there: all of it or nothing.

        It is on the disk, and not only in the system's memory, when this returns; after a
        StateError the old one is there or, where only the last step of that failed, the new one.
        """
        await anyio.to_thread.run_sync(self._replace, name, content)

    def _read(self, name: str) -> bytes | None:
        path = self._folder / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, "read", error) from None

    def _replace(self, name: str, content: bytes) -> None:
        path = self._folder / name
        try:
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            _write(path, content)
        except OSError as error:
            raise _unusable(path, "written", error) from None


def _write(path: Path, content: bytes) -> None:
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


def _sync(folder: Path) -> None:
    """Make a rename last: it is the folder that holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unusable(path: Path, what: str, error: OSError) -> StateError:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return StateError(f"the fleet's state cannot be {what}: {path}: {reason}")
