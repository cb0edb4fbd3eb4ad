"""ECR's calls on repositories: create and list them, and read their policies and tags.

`templates` makes the repositories that replication creates.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError, absent, invalid_parameter
from fleet_repl.sandbox.images import Repository
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.shapes import SHAPES, Structure
from fleet_repl.sandbox.templates import EXCLUSIONS, check_exclusions, check_tags
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Partition, Registry, repositories_arn

_DOMAIN: Final = {
    Partition.AWS: "amazonaws.com",
    Partition.US_GOV: "amazonaws.com",
    Partition.CN: "amazonaws.com.cn",
    Partition.EUSC: "amazonaws.eu",
    Partition.ISO: "c2s.ic.gov",
    Partition.ISO_B: "sc2s.sgov.gov",
    Partition.ISO_E: "cloud.adc-e.uk",
    Partition.ISO_F: "csp.hci.ic.gov",
}
"""DNS suffixes, from botocore's partitions.json."""


def create_repository(world: World, registry: Registry, request: Structure) -> JsonObject:
    name = request.text("repositoryName")
    check_exclusions(request.members)
    check_tags(request, "tags")
    repository = Repository(
        name=name,
        created_at=world.clock.now(),
        mutability=request.optional("imageTagMutability") or "MUTABLE",
        exclusions=tuple(exclusion.text("filter") for exclusion in request.inners(EXCLUSIONS)),
        tags=tuple(tag.members for tag in request.inners("tags")),
        scan_on_push=request.inner("imageScanningConfiguration").members.get("scanOnPush") is True,
    )
    if encryption := request.inner("encryptionConfiguration").members:
        repository.encryption = encryption
    repositories = world.registries[registry].repositories
    if name in repositories:
        raise AwsError(
            "RepositoryAlreadyExistsException",
            f"The repository with name '{name}' already exists in the registry with id "
            f"'{registry.account}'",
        )
    repositories[name] = repository
    return {"repository": _shown(world, registry, repository)}


def describe_repositories(world: World, registry: Registry, request: Structure) -> JsonObject:
    more: JsonObject = {}
    if names := request.texts("repositoryNames"):
        refuse_paging(request, "repositoryNames")
        repositories = [_existing(world, registry, name) for name in names]
    else:
        by_name = world.registries[registry].repositories
        repositories, more = page([by_name[name] for name in sorted(by_name)], request)
    return {
        "repositories": [_shown(world, registry, repository) for repository in repositories],
        **more,
    }


def get_repository_policy(world: World, registry: Registry, request: Structure) -> JsonObject:
    repository = repository_of(world, registry, request)
    text = _required_policy("Repository", repository.policy, registry, repository)
    return {**about(registry, repository), "policyText": text}


def get_lifecycle_policy(world: World, registry: Registry, request: Structure) -> JsonObject:
    repository = repository_of(world, registry, request)
    text = _required_policy("Lifecycle", repository.lifecycle_policy, registry, repository)
    return {**about(registry, repository), "lifecyclePolicyText": text}


def list_tags_for_resource(world: World, registry: Registry, request: Structure) -> JsonObject:
    arn = request.text("resourceArn")
    prefix = repositories_arn(world.directory.partition, registry)
    name = arn.removeprefix(prefix)
    if not arn.startswith(prefix) or SHAPES["RepositoryName"].objection(name) is not None:
        raise invalid_parameter("resourceArn", "Invalid ARN of a repository of this registry")
    return {"tags": list(_existing(world, registry, name).tags)}


def repository_of(world: World, registry: Registry, request: Structure) -> Repository:
    """Returns the repository that a call names; raises AwsError where there is none."""
    return _existing(world, registry, request.text("repositoryName"))


def about(registry: Registry, repository: Repository) -> JsonObject:
    """Returns the members that name the repository of an answer."""
    return {"registryId": registry.account, "repositoryName": repository.name}


def refuse_paging(request: Structure, instead: str) -> None:
    """Raises AwsError for paging parameters beside the names of wanted items."""
    for name in ("maxResults", "nextToken"):
        if name in request.members:
            raise invalid_parameter(name, f"{name} cannot be used with {instead}")


def _existing(world: World, registry: Registry, name: str) -> Repository:
    repository = world.registries[registry].repositories.get(name)
    if repository is None:
        subject = f"The repository with name '{name}'"
        raise absent("RepositoryNotFoundException", subject, registry.account)
    return repository


def _required_policy(
    kind: str, text: str | None, registry: Registry, repository: Repository
) -> str:
    if text is None:
        raise AwsError(
            f"{kind}PolicyNotFoundException",
            f"{kind} policy does not exist for the repository with name '{repository.name}' in "
            f"the registry with id '{registry.account}'",
        )
    return text


def _shown(world: World, registry: Registry, repository: Repository) -> JsonObject:
    account, region = registry
    partition = world.directory.partition
    shown: dict[str, Json] = {
        **about(registry, repository),
        "repositoryArn": repositories_arn(partition, registry) + repository.name,
        "repositoryUri": f"{account}.dkr.ecr.{region}.{_DOMAIN[partition]}/{repository.name}",
        "createdAt": repository.created_at.timestamp(),
        "imageTagMutability": repository.mutability,
        "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
        "encryptionConfiguration": repository.encryption,
    }
    if repository.exclusions:
        shown[EXCLUSIONS] = [
            {"filterType": "WILDCARD", "filter": pattern} for pattern in repository.exclusions
        ]
    return shown
