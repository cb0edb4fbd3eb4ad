"""A store whose documents are objects of a bucket, replaced by conditional writes.

Objects cannot grow, so appended lines become numbered segments below the name of their document:
`journal.jsonl/000001`, `journal.jsonl/000002` and so on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import anyio.to_thread

from fleet_repl.engine.stores import ObjectStore, Stored
from fleet_repl.state.reads import read_all
from fleet_repl.values.errors import StateError

_SEGMENT: Final = re.compile(r"(?P<name>.+)/(?P<number>[0-9]{6,})")


class BucketStore:
    """The `Store` of a bucket that is connected already."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._last: dict[str, int] = {}
        """The number of the last segment of each document that was appended to."""

    def __str__(self) -> str:
        return str(self._objects)

    async def read(self, name: str) -> bytes | None:
        stored = await self._objects.get(name)
        return None if stored is None else stored.content

    async def find(self, name: str) -> Stored | None:
        return await self._objects.get(name)

    async def replace(self, name: str, content: bytes) -> None:
        await self._objects.put(name, content)

    async def replace_in_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        """Creates or replaces a document. The pieces become one body, because S3 has to be told the
        length and the hash of an object before its first byte. Raises StateError."""
        await self.replace(name, await anyio.to_thread.run_sync(b"".join, pieces))

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        return await self._objects.put_if(name, content, expected)

    async def append(self, name: str, content: bytes) -> None:
        """Appends lines to a document as one more segment, whole or not at all.

        Raises StateError, also where another process appends too: no segment is overwritten.
        """
        # The number is forgotten for now: after a failure, whether the segment exists is unknown.
        last = self._last.pop(name, None)
        if last is None:
            last = max(map(_number, await self._segments(name)), default=0)
        number = last + 1
        if await self._objects.put_if(f"{name}/{number:06d}", content, None) is None:
            raise StateError(
                f"the fleet's state cannot be written: {self}/{name}: somebody else is adding to "
                "it\n    see that nothing but fleet-repl writes there"
            )
        self._last[name] = number

    async def read_grown(self, name: str) -> bytes | None:
        keys = await self._segments(name)
        return _joined(await read_all(keys, self.read)) if keys else None

    async def names(self, prefix: str) -> tuple[str, ...]:
        keys = await self._objects.keys(prefix)
        matches = {key: _SEGMENT.fullmatch(key) for key in keys}
        return tuple(sorted({match["name"] if match else key for key, match in matches.items()}))

    async def remove(self, name: str) -> None:
        self._last.pop(name, None)
        for key in (name, *await self._segments(name)):
            await self._objects.delete(key)

    async def remove_all(self, folder: str) -> None:
        for key in await self._objects.keys(folder):
            await self._objects.delete(key)

    async def _segments(self, name: str) -> tuple[str, ...]:
        segments = await self._objects.keys(f"{name}/")
        of_it = (
            key for key in segments if (match := _SEGMENT.fullmatch(key)) and match["name"] == name
        )
        return tuple(sorted(of_it, key=_number))


def _number(key: str) -> int:
    return int(key.rpartition("/")[2])


def _joined(contents: Iterable[bytes | None]) -> bytes:
    """Returns segments one after the other, each on a new line. A segment that was removed since
    it was listed is None, and adds nothing."""
    whole = bytearray()
    for content in filter(None, contents):
        if whole and not whole.endswith(b"\n"):
            whole += b"\n"
        whole += content
    return bytes(whole)
