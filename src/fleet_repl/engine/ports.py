"""The small ports behind which AWS lives. Every call raises `CallError` when it fails.

Reads are retried behind the port; a write is one attempt, because only its caller can
settle one whose answer was lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from fleet_repl.planning.plan import Change
from fleet_repl.runs.events import Event
from fleet_repl.runs.outcomes import ChangeOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry

EventSink: TypeAlias = Callable[[Event], object]


class RegistryReader(Protocol):
    async def describe(self, registry: Registry) -> JsonObject:
        """DescribeRegistry's whole answer as it came over the wire, every field kept.

        It answered with the account that was meant; otherwise the fault is `wrong-account`.
        """
        ...

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        """The registry policy's document, or None where there is none."""
        ...

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Every repository creation template, as it came over the wire."""
        ...

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        """An ECR setting of the account in that region; None where nobody says."""
        ...

    def attempts(self, registry: Registry) -> int:
        """Calls made so far for the registry, retries and its account's AssumeRole included."""
        ...


class RegistryWriter(Protocol):
    async def prepare(self, registry: Registry) -> None:
        """Return once a write can be sent at once: a session in force for a while, and room in
        the account's rate. What takes time before a write is done here, before the last read."""
        ...

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the replication configuration; the request id. One attempt."""
        ...

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the registry policy; the request id. One attempt."""
        ...

    async def delete_policy(self, registry: Registry) -> str | None:
        """Delete the registry policy (it not being there is fine); the request id. One attempt."""
        ...

    async def create_template(self, registry: Registry, document: JsonObject) -> str | None:
        """Create a repository creation template; the request id. One attempt."""
        ...

    async def update_template(self, registry: Registry, document: JsonObject) -> str | None:
        """Change the given members of a creation template; the request id. One attempt."""
        ...

    async def delete_template(self, registry: Registry, prefix: str) -> str | None:
        """Delete a creation template (it not being there is fine); the request id. One attempt."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A document as it was found."""

    content: bytes
    version: str
    """Opaque: tells this content from what is written in its place later."""
    age: float
    """Seconds since it was written, by the store's own clock, so that two machines whose clocks
    differ agree on it."""


class Store(Protocol):
    """Where fleets keep documents of their own, by names such as `prod/applied.json`.

    What a call has written is durable when it returns. Every call raises StateError when it
    fails. `str()` of a store is its location, for messages.
    """

    async def read(self, name: str) -> bytes | None:
        """A document, or None where there is none."""
        ...

    async def find(self, name: str) -> Stored | None:
        """A document with its version, for `swap`; None where there is none."""
        ...

    async def replace(self, name: str, content: bytes) -> None:
        """Put a document in the place of what is there: all of it, or nothing."""
        ...

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        """The same, if the version `expected` is what is there (None: if nothing is).

        The new version; None where something else is there: then nothing was written.
        """
        ...

    async def append(self, name: str, content: bytes) -> None:
        """Add lines to the end of a document that grows, made if it is not there.

        One writer at a time. A write that fails half-way may leave the beginning of `content`;
        what is added after it begins on a line of its own.
        """
        ...

    async def read_grown(self, name: str) -> bytes | None:
        """All that was appended to a document, or None where nothing was."""
        ...

    async def names(self, prefix: str) -> tuple[str, ...]:
        """The names of all documents below a folder such as `prod/runs/`, sorted."""
        ...

    async def remove(self, name: str) -> None:
        """Take a document away; it not being there is fine."""
        ...


class ObjectStore(Protocol):
    """Objects by key in a place such as `s3://bucket/prefix`, which `str()` of it gives.

    Each call is retried behind the port and raises StateError when it fails for good. An object
    is there as a whole or not at all, and its version tells it from every other one.
    """

    async def get(self, key: str) -> Stored | None:
        """An object, its age by the server's clock; None where there is none."""
        ...

    async def put(self, key: str, content: bytes) -> str:
        """Put an object in the place of whatever is there; its version."""
        ...

    async def put_if(self, key: str, content: bytes, expected: str | None) -> str | None:
        """The same, if the version `expected` is what is there (None: if nothing is).

        The new version; None where something else is there. A put whose answer was lost counts
        if it turns out to have happened, which the content tells: writers that must not be taken
        for each other put something of their own in it.
        """
        ...

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """Every key that begins with `prefix`, sorted."""
        ...

    async def delete(self, key: str) -> None:
        """Take an object away; it not being there is fine."""
        ...


class Gate(Protocol):
    """What a run's writes have to pass, and where they are put on record."""

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        """Meanwhile no other fleet of the same state location writes this registry.

        Raises HaltedError on entering where nothing may be written any more, and CallError where
        another fleet does not end its own turn.
        """
        ...

    async def admit(self, registry: Registry, change: Change) -> None:
        """Return once the write may be sent: it stands in the journal, durably, and the run
        keeps the lock for long enough. Raises HaltedError where nothing may be written.

        What is in place is looked at after this, so the write may turn out not to be needed, or
        not to be made: `settled` then says so."""
        ...

    async def admit_again(self) -> None:
        """The same for another attempt at a write that was admitted. Raises HaltedError."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether a write that was admitted may be sent right now. Asked without waiting, because
        nothing may come between the read before a write and the write."""
        ...

    def settled(self, registry: Registry, change: Change, outcome: ChangeOutcome) -> None:
        """An admitted write has ended."""
        ...


class Backfills(Protocol):
    """Replication of images that were there before a rule."""

    async def start_backfill(self, registry: Registry, destination: Registry) -> JsonObject:
        """Start one; the answer. One attempt: whether it was started may have to be looked up."""
        ...

    async def list_backfills(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Every backfill of the registry that ECR still tells of."""
        ...

    async def backfill_results(
        self, registry: Registry, backfill_id: str
    ) -> tuple[JsonObject, ...]:
        """The images that an ended backfill could not copy."""
        ...


class ImageReader(Protocol):
    """Repositories and images of a registry, and where they were replicated to."""

    async def describe_repositories(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Every repository."""
        ...

    def describe_images(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        """Every image of a repository, page by page: there can be a hundred thousand."""
        ...

    async def find_image(
        self, registry: Registry, repository: str, digest: str
    ) -> JsonObject | None:
        """One image, or None where it, or its repository, is not there."""
        ...

    async def replication_statuses(
        self, registry: Registry, repository: str, digest: str
    ) -> tuple[JsonObject, ...]:
        """What became of an image at each destination it was sent to."""
        ...
