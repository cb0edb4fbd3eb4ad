"""ECR: which operations there are, who may call them, and on which registry they act.

A call acts on the caller's account in the region that was signed for. Another account's
`registryId` would need a repository policy there, which a sandbox does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from fleet_repl.canonical import JsonObject
from fleet_repl.names import AccountId, Region, Registry, repositories_arn
from fleet_repl.sandbox import image_calls, registry_calls, repository_calls
from fleet_repl.sandbox.aws_errors import Common, Service, common, denied
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.world import World

_Operation: TypeAlias = Callable[[World, Registry, JsonObject], JsonObject]

_OPERATIONS: Final[dict[str, _Operation]] = {
    "BatchGetImage": image_calls.batch_get_image,
    "CreateRepository": repository_calls.create_repository,
    "DeleteRegistryPolicy": registry_calls.delete_registry_policy,
    "DescribeImageReplicationStatus": image_calls.describe_image_replication_status,
    "DescribeImages": image_calls.describe_images,
    "DescribeRegistry": registry_calls.describe_registry,
    "DescribeRepositories": repository_calls.describe_repositories,
    "GetAccountSetting": registry_calls.get_account_setting,
    "GetRegistryPolicy": registry_calls.get_registry_policy,
    "PutImage": image_calls.put_image,
    "PutRegistryPolicy": registry_calls.put_registry_policy,
    "PutReplicationConfiguration": registry_calls.put_replication_configuration,
}


def call_ecr(
    world: World, caller: Identity, region: Region, operation: str, body: JsonObject
) -> JsonObject:
    """The answer's members. Raises AwsError."""
    directory = world.directory
    if not directory.exists(caller.account) or not directory.enabled(caller.account, region):
        raise common(Service.ECR, Common.UNKNOWN_KEY)
    registry_id = body.get("registryId", caller.account)
    action = f"ecr:{operation}"
    if directory.lacks(caller.account, action):
        raise denied(
            caller.arn,
            action,
            _resource(world, Registry(caller.account, region), body),
            because="no identity-based policy",
        )
    if isinstance(registry_id, str) and registry_id != caller.account:
        raise denied(
            caller.arn,
            action,
            _resource(world, Registry(AccountId(registry_id), region), body),
            because="no resource-based policy",
        )
    return _OPERATIONS[operation](world, Registry(caller.account, region), body)


def _resource(world: World, registry: Registry, body: JsonObject) -> str:
    """What a refusal names: the repository, or `*` for calls on a whole registry."""
    name = body.get("repositoryName")
    if not isinstance(name, str):
        return "*"
    return repositories_arn(world.directory.partition, registry) + name
