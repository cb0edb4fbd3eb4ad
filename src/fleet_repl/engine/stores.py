"""The ports behind which the documents of a fleet's state are kept: a store, and objects by key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A document in a store."""

    content: bytes
    version: str
    """An opaque text that is different for each write of the document."""
    age: float
    """Seconds since it was written by the store's own clock, as machines' clocks differ."""


class Store(Protocol):
    """Documents that fleets keep, by names such as `prod/applied.json`.

    A document that was written is durable when the call returns. Every call raises StateError when
    it fails. `str()` of a store is its location, for messages.
    """

    async def read(self, name: str) -> bytes | None:
        """A document, or None where there is none."""

    async def find(self, name: str) -> Stored | None:
        """A document with its version, for `swap`; None where there is none."""

    async def replace(self, name: str, content: bytes) -> None:
        """Write a document, replacing any older one: all of it, or nothing."""

    async def replace_in_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a document as `replace` does, from pieces that a thread takes one by one."""

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        """Replace a document if its version is `expected` (None: if there is none).

        Returns the new version; None where the version is another one, and nothing was written.
        """

    async def append(self, name: str, content: bytes) -> None:
        """Add lines to the end of a document that grows, creating it if there is none.

        One writer at a time. A write that fails half-way may leave the beginning of `content`;
        lines that are added later begin on a line of their own.
        """

    async def read_grown(self, name: str) -> bytes | None:
        """All lines that were appended to a document, or None where there are none."""

    async def names(self, prefix: str) -> tuple[str, ...]:
        """The names of all documents below a folder such as `prod/runs/`, sorted."""

    async def remove(self, name: str) -> None:
        """Delete a document, if it exists."""

    async def remove_all(self, folder: str) -> None:
        """Delete every document below a folder such as `prod/runs/`, one after the other."""


class ObjectStore(Protocol):
    """Objects by key at a location such as `s3://bucket/prefix`, which is its `str()`.

    Each call is retried behind the port and raises StateError when it fails for good. An object
    is there as a whole or not at all, and every write gives it another version.
    """

    async def get(self, key: str) -> Stored | None:
        """An object, with its age by the server's clock; None where there is none."""

    async def put(self, key: str, content: bytes) -> str:
        """Put an object, replacing any object there; returns its version."""

    async def put_if(self, key: str, content: bytes, expected: str | None) -> str | None:
        """Put an object if the present object has the version `expected` (None: if there is none).

        Returns the new version; None where the condition was not met. A put whose answer was lost
        counts if the object turns out to have its content: so writers that must not be taken for
        each other put something of their own into it.
        """

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """Every key that begins with `prefix`, sorted."""

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
