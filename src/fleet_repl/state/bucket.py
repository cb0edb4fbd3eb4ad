"""A store of objects, such as a bucket's: each document an object, replaced by conditional writes.

Objects cannot grow: what is appended becomes numbered segments below the document's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import anyio

from fleet_repl.engine.stores import ObjectStore, Stored
from fleet_repl.values.errors import StateError

_SEGMENT: Final = re.compile(r"(?P<name>.+)/(?P<number>[0-9]{6,})")
_FETCHES: Final = 16
"""Segments asked for at a time."""


class BucketStore:
    """Documents by name, such as `prod/applied.json`, in objects that are opened already."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._last: dict[str, int] = {}
        """The number of the last segment of documents that are being written."""

    def __str__(self) -> str:
        return str(self._objects)

    async def read(self, name: str) -> bytes | None:
        """A document, or None where there is none. Raises StateError."""
        stored = await self._objects.get(name)
        return None if stored is None else stored.content

    async def find(self, name: str) -> Stored | None:
        """A document with its version and its age by the server's clock. Raises StateError."""
        return await self._objects.get(name)

    async def replace(self, name: str, content: bytes) -> None:
        """Put a document in the place of what is there. Raises StateError."""
        await self._objects.put(name, content)

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        """The same, if `expected` is what is there; the new version, or None where not."""
        return await self._objects.put_if(name, content, expected)

    async def append(self, name: str, content: bytes) -> None:
        """Add lines to a document: one more segment, whole or not at all.

        Raises StateError, also where somebody else is adding to it: nothing is overwritten.
        """
        # Forgotten meanwhile: after a failure nobody knows whether this segment is there.
        last = self._last.pop(name, None)
        number = (await self._count(name) if last is None else last) + 1
        if await self._objects.put_if(_segment(name, number), content, None) is None:
            raise StateError(
                f"the fleet's state cannot be written: {self}/{name}: somebody else is adding to "
                "it\n    see that nothing but fleet-repl writes there"
            )
        self._last[name] = number

    async def read_grown(self, name: str) -> bytes | None:
        """All segments of a document, or None where there is none. Raises StateError."""
        keys = await self._segments(name)
        return _joined(await self._fetch(keys)) if keys else None

    async def names(self, prefix: str) -> tuple[str, ...]:
        """The names of all documents below a folder, sorted. Raises StateError."""
        keys = await self._objects.keys(prefix)
        matches = {key: _SEGMENT.fullmatch(key) for key in keys}
        return tuple(sorted({match["name"] if match else key for key, match in matches.items()}))

    async def remove(self, name: str) -> None:
        """Take a document away; it not being there is fine. Raises StateError."""
        self._last.pop(name, None)
        for key in (name, *await self._segments(name)):
            await self._objects.delete(key)

    async def _count(self, name: str) -> int:
        keys = await self._segments(name)
        return _number(keys[-1]) if keys else 0

    async def _segments(self, name: str) -> tuple[str, ...]:
        segments = await self._objects.keys(f"{name}/")
        of_it = (
            key for key in segments if (match := _SEGMENT.fullmatch(key)) and match["name"] == name
        )
        return tuple(sorted(of_it, key=_number))

    async def _fetch(self, keys: Sequence[str]) -> list[bytes]:
        """The segments in their order; one that has gone since says nothing."""
        contents = [b""] * len(keys)
        failures: list[StateError] = []
        limiter = anyio.CapacityLimiter(_FETCHES)

        async def fetch(index: int, key: str) -> None:
            async with limiter:
                # The first failure ends it: the rest would most likely be the same.
                if failures:
                    return
                try:
                    contents[index] = await self.read(key) or b""
                except StateError as error:
                    failures.append(error)

        async with anyio.create_task_group() as group:
            for index, key in enumerate(keys):
                group.start_soon(fetch, index, key)
        if failures:
            raise failures[0]
        return contents


def _segment(name: str, number: int) -> str:
    return f"{name}/{number:06d}"


def _number(key: str) -> int:
    return int(key.rpartition("/")[2])


def _joined(contents: Sequence[bytes]) -> bytes:
    """Segments one after the other, each on a line of its own."""
    whole = bytearray()
    for content in contents:
        if whole and not whole.endswith(b"\n"):
            whole += b"\n"
        whole += content
    return bytes(whole)
