"""Pushes and their replication: an image goes to exactly the registries that the rules of its
registry and the policies of the destinations together allow, and so do deletions.

Replication is one hop: copies are not replicated further. Only images pushed while a rule is in
place are replicated. The destination's policy counts when a copy arrives, not when it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from fleet_repl.sandbox.agenda import Agenda
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Directory
from fleet_repl.sandbox.images import (
    ACTIVATING,
    ACTIVE,
    ARCHIVED,
    Delivery,
    Image,
    Push,
    Repository,
)
from fleet_repl.sandbox.policy import Access, allows
from fleet_repl.sandbox.queues import Queues, replication_event
from fleet_repl.sandbox.registries import Registries
from fleet_repl.sandbox.rules import deletion_destinations, destinations
from fleet_repl.sandbox.templates import new_repository
from fleet_repl.values.names import Registry, repositories_arn
from fleet_repl.values.text import timestamp

ACCESS_DENIED: Final = "DESTINATION_REGISTRY_ACCESS_DENIED"
TAG_IMMUTABLE: Final = "DESTINATION_IMAGE_TAG_IMMUTABLE"
"""AWS publishes no list of failure codes; this one is the sandbox's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """The accounts and registries, with replication among them."""

    directory: Directory
    registries: Registries
    agenda: Agenda
    queues: Queues
    """Are told of the copies of pushes. Of copies by a backfill AWS does not say."""
    replication_seconds: float
    """The seconds until a copy or a deletion arrives."""

    def push(self, registry: Registry, repository: Repository, push: Push) -> Image:
        """Puts an image into a repository of `registry` and replicates it.

        Raises AwsError where the image is there under this tag, or the tag is immutable.
        """
        image = repository.put(push)
        if image is None:
            tag = "" if push.tag is None else f" and tag '{push.tag}'"
            raise AwsError(
                "ImageAlreadyExistsException",
                f"Image with digest '{push.digest}'{tag} already exists in the repository with "
                f"name '{repository.name}' in registry with id '{registry.account}'",
            )
        self._send(registry, repository, push)
        return image

    @staticmethod
    def archive(repository: Repository, image: Image) -> None:
        """Put an image into the archive, which is not replicated."""
        repository.images[image.digest] = replace(image, status=ARCHIVED)

    def restore(self, registry: Registry, repository: Repository, image: Image) -> None:
        """Restore an image from the archive, which takes as long as a copy, and replicate it."""
        repository.images[image.digest] = replace(image, status=ACTIVATING)
        restored = partial(self._restored, registry, repository, image.digest)
        self.agenda.after(self.replication_seconds, restored)

    def _restored(self, registry: Registry, repository: Repository, digest: str) -> None:
        image = repository.images.get(digest)
        if image is None or image.status != ACTIVATING:
            return
        repository.images[digest] = replace(image, status=ACTIVE)
        for tag in image.tags or (None,):
            self._send(registry, repository, Push.of(image, tag, self.agenda.now()))

    def _send(self, registry: Registry, repository: Repository, push: Push) -> None:
        """Send copies of an image to the destinations of today's rules."""
        rules = self.registries[registry].replication.latest
        leading_to = destinations(rules, registry, repository.name)
        repository.deliveries[push.digest] = tuple(
            Delivery(destination=destination, pending=True) for destination in leading_to
        )
        for destination in leading_to:
            deliver = partial(self._deliver, registry, repository, push, destination)
            self.agenda.after(self.replication_seconds, deliver)

    def delete(
        self, registry: Registry, repository: Repository, digest: str, tag: str | None
    ) -> None:
        """Remove an image, or a tag of it, here and where rules replicate deletions to."""
        gone = repository.remove(digest, tag)
        rules = self.registries[registry].replication.latest
        for destination in deletion_destinations(rules, registry, repository.name):
            withdraw = partial(
                self._withdraw,
                registry,
                destination,
                repository.name,
                digest,
                None if gone else tag,
            )
            self.agenda.after(self.replication_seconds, withdraw)

    def copy(
        self, source: Registry, repository: Repository, push: Push, destination: Registry
    ) -> str | None:
        """Copies an image from a repository of `source`; returns ECR's failure code, or None."""
        state = self.registries[destination]
        target = state.repositories.get(repository.name)
        if not self._admits(source, destination, repository.name, exists=target is not None):
            return ACCESS_DENIED
        now = self.agenda.now()
        if target is None:
            target = new_repository(state.templates.latest, repository.name, now)
            state.repositories[target.name] = target
        try:
            target.put(replace(push, at=now))
        except AwsError:
            return TAG_IMMUTABLE
        return None

    def _deliver(
        self, source: Registry, repository: Repository, push: Push, destination: Registry
    ) -> None:
        failure = self.copy(source, repository, push, destination)
        if push.digest in repository.images:
            repository.record(push.digest, Delivery(destination=destination, failure=failure))
        event = replication_event(
            self.queues.next_event_id(),
            self.directory.partition,
            source,
            destination,
            repository=repository.name,
            digest=push.digest,
            tag=push.tag,
            succeeded=failure is None,
            time=timestamp(self.agenda.now()),
        )
        self.queues.report(event)

    def _withdraw(
        self, source: Registry, destination: Registry, name: str, digest: str, tag: str | None
    ) -> None:
        """Delete at a destination. This takes the grant that a copy takes; AWS does not say."""
        repository = self.registries[destination].repositories.get(name)
        if repository is None or not self._admits(source, destination, name, exists=True):
            return
        image = repository.images.get(digest)
        if image is None or (tag is not None and tag not in image.tags):
            return
        if not repository.references(digest):
            repository.remove(digest, tag)

    def _admits(self, source: Registry, destination: Registry, name: str, *, exists: bool) -> bool:
        """Returns whether the destination admits copies and deletions of a `source` repository."""
        account, region = destination
        if not self.directory.exists(account) or not self.directory.enabled(account, region):
            return False
        if source.account == account:
            return True
        policy = self.registries[destination].policy.latest
        partition = self.directory.partition
        actions = (
            ("ecr:ReplicateImage",) if exists else ("ecr:ReplicateImage", "ecr:CreateRepository")
        )
        return policy is not None and all(
            allows(
                policy.document,
                Access(
                    partition=partition,
                    account=source.account,
                    action=action,
                    resource=repositories_arn(partition, destination) + name,
                ),
            )
            for action in actions
        )
