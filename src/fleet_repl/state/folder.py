"""A store whose documents are files in a folder, readable by their user only and replaced whole.

Files and folders that another user could have written are refused, and so are symbolic links. This
module has the meaning of the calls, with their threads and errors; `files` reads and writes.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import anyio.to_thread

from fleet_repl.engine.stores import Stored
from fleet_repl.state import files
from fleet_repl.state.trust import Place, UntrustedError
from fleet_repl.values.errors import StateError

T = TypeVar("T")

_OWNER: Final = "see that the folder belongs to the user who runs fleet-repl"
_ELSEWHERE: Final = "name a folder on a local disk with --state or in [state]"
_REMEDIES: Final = {
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.EROFS: "name a folder that can be written to with --state or in [state]",
    errno.ENOLCK: _ELSEWHERE,
    errno.ENOTSUP: _ELSEWHERE,
    errno.ETIMEDOUT: "see whether a process of fleet-repl is stopped there, and end it",
}
"""The remedies for errors of the operating system, by their numbers."""


class FolderStore:
    """The `Store` of a folder, which is created when needed. A version is a hash."""

    def __init__(
        self,
        folder: Path,
        *,
        within: str = "",
        shared: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`within`: the folder below `folder` that names begin in. `shared`: several users of the
        machine share the state, so files of other users are accepted. `now`: seconds since 1970, by
        the clock that dates the files."""
        self._folder = folder
        self._within = within
        self._shared = shared
        self._now = now
        self._growing: set[str] = set()
        """Documents that this store has appended to."""

    def __str__(self) -> str:
        return str(self._folder / self._within)

    async def read(self, name: str) -> bytes | None:
        stored = await self.find(name)
        return None if stored is None else stored.content

    async def find(self, name: str) -> Stored | None:
        return await self._do("read", name, partial(files.find, now=self._now))

    async def replace(self, name: str, content: bytes) -> None:
        """Creates or replaces a document, whole or not at all. It is on the disk on return.

        Raises StateError. The old document is then still there, unless only the last sync failed.
        """
        await self.replace_in_pieces(name, (content,))

    async def replace_in_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        """Creates or replaces a document as `replace` does. No two pieces are held at a time."""
        await self._do("written", name, partial(files.replace, pieces=pieces))

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        return await self._do(
            "written", name, partial(files.swap, content=content, expected=expected)
        )

    async def append(self, name: str, content: bytes) -> None:
        """Appends lines to a document. They are on the disk on return.

        Raises StateError, also where the folder was removed since the first lines were appended: a
        new document would lack those lines.
        """
        make_folder = name not in self._growing
        await self._do(
            "written", name, partial(files.append, content=content, make_folder=make_folder)
        )
        self._growing.add(name)

    async def read_grown(self, name: str) -> bytes | None:
        return await self.read(name)

    async def names(self, prefix: str) -> tuple[str, ...]:
        return await self._do("read", prefix, files.below)

    async def remove(self, name: str) -> None:
        await self._do("written", name, files.remove)

    async def remove_all(self, folder: str) -> None:
        await self._do("written", folder, files.remove_all)

    async def _do(self, done: str, name: str, work: Callable[[Place], T]) -> T:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise StateError(f"the fleet's state cannot be {done}: {name!r} is no document's name")

        place = Place(root=self._folder, within=self._within, name=name, shared=self._shared)

        def guarded() -> T:
            try:
                return work(place)
            except UntrustedError as error:
                raise StateError(f"the fleet's state cannot be used: {error}") from None
            except OSError as error:
                raise _unusable(place.path, done, error) from None

        return await anyio.to_thread.run_sync(guarded)


def _unusable(path: Path, done: str, error: OSError) -> StateError:
    reason = error.strerror or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0)
    advice = f"\n    {remedy}" if remedy is not None else ""
    return StateError(f"the fleet's state cannot be {done}: {path}: {reason}{advice}")
