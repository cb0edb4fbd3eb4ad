"""The ports behind which AWS lives, and the guard of writes. Calls to AWS raise `CallError`.

Reads are retried behind the port. A write is one attempt: only its caller can find out, by reading,
whether a write whose answer was lost has happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from fleet_repl.planning.change import Change
from fleet_repl.runs.events import Event
from fleet_repl.runs.outcomes import ChangeOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Registry

if TYPE_CHECKING:
    from fleet_repl.runs.coverage import FunctionImages, RunningImage
    from fleet_repl.runs.doctor import CheckState, Question

EventSink: TypeAlias = Callable[[Event], object]


class RegistryReader(Protocol):
    """Reads of registries."""

    async def describe(self, registry: Registry) -> JsonObject:
        """DescribeRegistry's whole answer as it came over the wire, every field kept. Raises a
        CallError `wrong-account` for an answer of another account."""

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        """The registry policy's document, or None where there is none."""

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Every repository creation template as it came over the wire, every field kept."""

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        """An ECR setting of the account in that region; None where it cannot be known."""

    def attempts(self, registry: Registry) -> int:
        """Calls made so far for the registry, retries and its account's AssumeRole included."""


class PermissionReader(Protocol):
    """IAM's answers about the permissions of accounts' identities."""

    async def simulate(self, account: AccountId, question: Question) -> Mapping[str, CheckState]:
        """Returns whether IAM would allow each action of a question; an action that it says nothing
        about is missing."""


class RegistryWriter(Protocol):
    """Writes to registries. Each is one attempt, and returns AWS's request id."""

    async def prepare(self, registry: Registry) -> None:
        """Return once a read and a write after it can be sent without delay: the session is proved
        to be the account's and in force for a while, and the account's rate has room."""

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the replication configuration."""

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the registry policy."""

    async def delete_policy(self, registry: Registry) -> str | None:
        """Delete the registry policy, if there is one."""

    async def create_template(self, registry: Registry, document: JsonObject) -> str | None:
        """Create a repository creation template."""

    async def update_template(self, registry: Registry, document: JsonObject) -> str | None:
        """Change the given members of a creation template."""

    async def delete_template(self, registry: Registry, prefix: str) -> str | None:
        """Delete a creation template, if it exists."""


class WriteGuard(Protocol):
    """The write guard of a run: a write passes once it is in the journal and under the lock."""

    def turn(self, registry: Registry) -> AbstractAsyncContextManager[None]:
        """While this lasts, no other fleet of the same state location writes this registry.

        Raises HaltedError on entering where nothing may be written any more, and CallError where
        another fleet does not end its own turn.
        """

    async def admit(self, registry: Registry, change: Change) -> None:
        """Return once the write may be sent: it is in the journal, durably, and the run keeps the
        lock for long enough. Raises HaltedError where nothing may be written.

        The document is read after this, so the write may turn out not to be needed, or not to be
        made: `note_end` then reports the outcome.
        """

    async def admit_again(self) -> None:
        """Returns once another attempt at an admitted write may be sent. Raises HaltedError."""

    @property
    def is_open(self) -> bool:
        """Returns whether a write that was admitted may be sent right now. This does not wait,
        because nothing may come between the read before a write and the write."""

    def note_end(self, registry: Registry, change: Change, outcome: ChangeOutcome) -> None:
        """An admitted write has ended."""


class Backfills(Protocol):
    """Replication of images that were pushed before a rule was in place."""

    async def start_backfill(self, registry: Registry, destination: Registry) -> JsonObject:
        """Start a backfill; returns the whole answer. One attempt: after a lost answer only the
        list can tell whether it was started, and another one could copy every image twice."""

    async def list_backfills(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Every backfill of the registry that ECR still lists: until 90 days after its end."""

    async def backfill_results(
        self, registry: Registry, backfill_id: str
    ) -> tuple[JsonObject, ...]:
        """The images that a backfill which has ended could not copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A message of a queue, which comes again unless it is deleted."""

    id: str
    receipt: str = field(repr=False)
    """The text that deletes it."""
    body: str = field(repr=False)


class Queue(Protocol):
    """A queue of messages, each of which comes at least once."""

    async def receive(self, *, wait: bool = True) -> tuple[QueueMessage, ...]:
        """Returns the next messages; none from a queue that stays empty, or is without `wait`."""

    async def delete(self, messages: Sequence[QueueMessage]) -> int:
        """Delete messages of one `receive`; returns how many were not deleted."""


class RepositoryReader(Protocol):
    """Repositories of a registry."""

    async def describe_repositories(self, registry: Registry) -> tuple[JsonObject, ...]:
        """Every repository."""


class ImageReader(RepositoryReader, Protocol):
    """Repositories and images of a registry, and where they were replicated to."""

    def describe_images(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        """Every active image of a repository, page by page: there can be a hundred thousand."""

    async def find_image(
        self, registry: Registry, repository: str, digest: str
    ) -> JsonObject | None:
        """Returns an image, archived or not; None where it or its repository does not exist."""

    async def replication_statuses(
        self, registry: Registry, repository: str, digest: str
    ) -> tuple[JsonObject, ...]:
        """The replication status of an image at each destination that it was sent to."""


class ImageLister(ImageReader, Protocol):
    """Images in the archive too."""

    def every_image(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        """Every image of a repository, archived or not, page by page."""


class ImageFinder(ImageReader, Protocol):
    """Images by their tags too."""

    async def find_tag(self, registry: Registry, repository: str, tag: str) -> JsonObject | None:
        """Returns the image with a tag, archived or not; None where either does not exist."""

    async def has_repository(self, registry: Registry, repository: str) -> bool:
        """Returns whether a repository exists."""


class WorkloadReader(Protocol):
    """Reads the images that the accounts of a fleet run. Both raise CallError."""

    async def tasks(self, place: Registry) -> Iterable[RunningImage]:
        """Returns the images of ECS in an account and region."""

    async def functions(self, place: Registry) -> FunctionImages:
        """Returns the images of Lambda functions in an account and region."""


class PodReader(Protocol):
    """Reads the images that the clusters of a kubeconfig run."""

    async def pods(self, context: str) -> Iterable[RunningImage]:
        """Returns the images of the pods of a context. Raises CallError."""
