"""Pushes and what follows from them: an image goes to exactly the registries that the rules of
its registry and the policies of the others together allow.

A push replicates once: what arrives at a destination is not passed on. Only what is pushed
while a rule is in place is replicated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from fleet_repl.canonical import JsonObject
from fleet_repl.names import AccountId, Region, Registry, repositories_arn
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Directory
from fleet_repl.sandbox.policy import Access, allows
from fleet_repl.sandbox.registries import Delivery, Image, Registries, Repository
from fleet_repl.sandbox.shapes import objects

ACCESS_DENIED = "DESTINATION_REGISTRY_ACCESS_DENIED"
TAG_IMMUTABLE = "DESTINATION_IMAGE_TAG_IMMUTABLE"
"""AWS publishes no list of failure codes; this one is the sandbox's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """An image on its way into a repository."""

    manifest: str
    media_type: str
    tag: str | None
    at: datetime

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.manifest.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """The accounts there are and what their registries hold."""

    directory: Directory
    registries: Registries

    def push(self, registry: Registry, repository: Repository, push: Push) -> Image:
        """Put an image into a repository of `registry` and replicate it.

        Raises AwsError where the repository has exactly this already or will not move the tag.
        """
        image = _placed(repository, push)
        if image is None:
            raise _already_there(registry, repository, push)
        repository.deliveries[image.digest] = tuple(
            Delivery(
                destination=destination,
                failure=self._deliver(registry, destination, repository.name, push),
            )
            for destination in self._destinations(registry, repository.name)
        )
        return image

    def _destinations(self, source: Registry, name: str) -> Iterable[Registry]:
        rules = self.registries[source].replication.latest
        found = [
            one
            for rule in objects(rules.get("rules"))
            if _selects(rule, name)
            for one in _registries(rule)
        ]
        return dict.fromkeys(one for one in found if one != source)

    def _deliver(
        self, source: Registry, destination: Registry, name: str, push: Push
    ) -> str | None:
        """Copy the image; ECR's failure code, or None."""
        state = self.registries[destination]
        if not self._admits(source, destination, name, exists=name in state.repositories):
            return ACCESS_DENIED
        repository = state.repositories.setdefault(name, Repository(name=name, created_at=push.at))
        try:
            _placed(repository, push)
        except AwsError:
            return TAG_IMMUTABLE
        return None

    def _admits(self, source: Registry, destination: Registry, name: str, *, exists: bool) -> bool:
        if not self.directory.exists(destination.account) or not self.directory.enabled(
            destination.account, destination.region
        ):
            return False
        if source.account == destination.account:
            return True
        policy = self.registries[destination].policy.latest
        partition = self.directory.partition
        needed = (
            ["ecr:ReplicateImage"] if exists else ["ecr:ReplicateImage", "ecr:CreateRepository"]
        )
        return all(
            allows(
                None if policy is None else policy.document,
                Access(
                    partition=partition,
                    account=source.account,
                    action=action,
                    resource=repositories_arn(partition, destination) + name,
                ),
            )
            for action in needed
        )


def _placed(repository: Repository, push: Push) -> Image | None:
    """The image in the repository, or None where it was there already, under that tag.

    Raises AwsError where the tag is another image's and the repository's tags are immutable.
    """
    known = repository.images.get(push.digest)
    if known is not None and (push.tag is None or push.tag in known.tags):
        return None
    holder = None if push.tag is None else repository.tagged(push.tag)
    if holder is not None:
        if repository.immutable:
            raise AwsError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{push.tag}' already exists in the '{repository.name}' repository "
                "and cannot be overwritten because the tag is immutable.",
            )
        left = tuple(tag for tag in holder.tags if tag != push.tag)
        repository.images[holder.digest] = replace(holder, tags=left)
    image = known or Image(
        digest=push.digest,
        tags=(),
        manifest=push.manifest,
        media_type=push.media_type,
        pushed_at=push.at,
    )
    if push.tag is not None:
        image = replace(image, tags=(*image.tags, push.tag))
    repository.images[image.digest] = image
    return image


def _already_there(registry: Registry, repository: Repository, push: Push) -> AwsError:
    tag = "" if push.tag is None else f" and tag '{push.tag}'"
    return AwsError(
        "ImageAlreadyExistsException",
        f"Image with digest '{push.digest}'{tag} already exists in the repository with name "
        f"'{repository.name}' in registry with id '{registry.account}'",
    )


def _selects(rule: JsonObject, name: str) -> bool:
    """PREFIX_MATCH: `prod` selects `production/x` too; no filters select every repository."""
    filters = rule.get("repositoryFilters")
    return filters is None or any(
        name.startswith(str(one.get("filter"))) for one in objects(filters)
    )


def _registries(rule: JsonObject) -> Iterable[Registry]:
    for one in objects(rule.get("destinations")):
        yield Registry(AccountId(str(one.get("registryId"))), Region(str(one.get("region"))))
