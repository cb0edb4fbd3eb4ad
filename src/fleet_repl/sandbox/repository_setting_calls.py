"""ECR's reads of what a template or a call has put on a repository: policies and tags."""

from __future__ import annotations

from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry, repositories_arn
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.images import Repository
from fleet_repl.sandbox.repository_calls import REPOSITORY_NAME, find_repository
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.sandbox.world import World

_IN_REPOSITORY: Final = frozenset({"registryId", "repositoryName"})


def get_repository_policy(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    repository = _repository(world, registry, body)
    if repository.policy is None:
        raise _missing("RepositoryPolicyNotFoundException", "Repository", registry, repository)
    return {**_about(registry, repository), "policyText": repository.policy}


def get_lifecycle_policy(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    repository = _repository(world, registry, body)
    if repository.lifecycle_policy is None:
        raise _missing("LifecyclePolicyNotFoundException", "Lifecycle", registry, repository)
    return {**_about(registry, repository), "lifecyclePolicyText": repository.lifecycle_policy}


def list_tags_for_resource(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    arn = Structure.read(body, frozenset({"resourceArn"})).text("resourceArn")
    ours = repositories_arn(world.directory.partition, registry)
    name = arn.removeprefix(ours)
    if not arn.startswith(ours) or REPOSITORY_NAME.objection(name) is not None:
        raise invalid_parameter("resourceArn", "Invalid ARN of a repository of this registry")
    return {"tags": list(find_repository(world, registry, name).tags)}


def _repository(world: World, registry: Registry, body: JsonObject) -> Repository:
    asked = Structure.read(body, _IN_REPOSITORY)
    return find_repository(world, registry, asked.text("repositoryName", REPOSITORY_NAME))


def _about(registry: Registry, repository: Repository) -> JsonObject:
    return {"registryId": registry.account, "repositoryName": repository.name}


def _missing(code: str, kind: str, registry: Registry, repository: Repository) -> AwsError:
    return AwsError(
        code,
        f"{kind} policy does not exist for the repository with name '{repository.name}' in the "
        f"registry with id '{registry.account}'",
    )
