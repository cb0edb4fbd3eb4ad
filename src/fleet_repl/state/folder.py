"""A store in a folder: each document a file that only its user may read, replaced as a whole.

A file or folder in it that somebody else could have written is refused, and so is a symbolic link.

What the calls mean is here, errors and threads included; `files` does the writing.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
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
"""Where the system's own words do not say what to do."""


class FolderStore:
    """Documents by name, such as `prod/applied.json`. The folder is made when it is needed."""

    def __init__(
        self,
        folder: Path,
        *,
        within: str = "",
        shared: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`within`: the part of the folder that names are seen from. `shared`: several users of
        the machine keep it together, so files of others are good too. `now`: seconds since 1970
        by the clock that the files' times are of."""
        self._folder = folder
        self._within = within
        self._shared = shared
        self._now = now
        self._growing: set[str] = set()
        """Documents that lines were added to."""

    def __str__(self) -> str:
        return str(self._folder / self._within)

    async def read(self, name: str) -> bytes | None:
        """A document, or None where there is none. Raises StateError."""
        stored = await self.find(name)
        return None if stored is None else stored.content

    async def find(self, name: str) -> Stored | None:
        """A document with its version, a hash of its content. Raises StateError."""
        return await self._do("read", name, partial(files.find, now=self._now))

    async def replace(self, name: str, content: bytes) -> None:
        """Put a document in the place of what is there: all of it or nothing.

        It is on the disk, and not only in the system's memory, when this returns; after a
        StateError the old one is there or, where only the last step of that failed, the new one.
        """
        await self._do("written", name, partial(files.replace, content=content))

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        """The same, if `expected` is what is there: of several at once exactly one wins.

        The new version, or None where something else is there. Raises StateError.
        """
        return await self._do(
            "written", name, partial(files.swap, content=content, expected=expected)
        )

    async def append(self, name: str, content: bytes) -> None:
        """Add lines to a document, on the disk when this returns.

        Raises StateError, also where its folder has gone since it was added to: that is not made
        anew, without all that was in it.
        """
        settle = name not in self._growing
        await self._do("written", name, partial(files.append, content=content, settle=settle))
        self._growing.add(name)

    async def read_grown(self, name: str) -> bytes | None:
        """All that was appended to a document, or None where nothing was. Raises StateError."""
        return await self.read(name)

    async def names(self, prefix: str) -> tuple[str, ...]:
        """The names of all documents below a folder, sorted. Raises StateError."""
        return await self._do("read", prefix, files.below)

    async def remove(self, name: str) -> None:
        """Take a document away; it not being there is fine. Raises StateError."""
        await self._do("written", name, files.remove)

    async def _do(self, what: str, name: str, work: Callable[[Place], T]) -> T:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise StateError(f"the fleet's state cannot be {what}: {name!r} is no document's name")

        place = Place(root=self._folder, within=self._within, name=name, shared=self._shared)

        def guarded() -> T:
            try:
                return work(place)
            except UntrustedError as error:
                raise StateError(f"the fleet's state cannot be used: {error}") from None
            except OSError as error:
                raise _unusable(place.path, what, error) from None

        return await anyio.to_thread.run_sync(guarded)


def _unusable(path: Path, what: str, error: OSError) -> StateError:
    reason = error.strerror or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0)
    advice = f"\n    {remedy}" if remedy is not None else ""
    return StateError(f"the fleet's state cannot be {what}: {path}: {reason}{advice}")
