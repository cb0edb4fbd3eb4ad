"""ECR: the operations, and the checks between a call and its operation.

A call acts on a registry in the region that was signed for: the caller's account's own, or
another's where a registry policy lets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from fleet_repl.sandbox import backfill_calls, image_calls, registry_calls, repository_calls
from fleet_repl.sandbox.access import admitted
from fleet_repl.sandbox.aws_errors import AwsError, Common, Service, common
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Region, Registry

_Operation: TypeAlias = Callable[[World, Registry, Structure], JsonObject]

_OPERATIONS: Final[dict[str, _Operation]] = {
    "BatchDeleteImage": image_calls.batch_delete_image,
    "BatchGetImage": image_calls.batch_get_image,
    "CreateRepository": repository_calls.create_repository,
    "CreateRepositoryCreationTemplate": registry_calls.create_template,
    "DeleteRegistryPolicy": registry_calls.delete_registry_policy,
    "DeleteRepositoryCreationTemplate": registry_calls.delete_template,
    "DescribeImageReplicationStatus": image_calls.describe_image_replication_status,
    "DescribeImages": image_calls.describe_images,
    "DescribeRegistry": registry_calls.describe_registry,
    "DescribeReplicationBackfillResults": backfill_calls.describe_results,
    "DescribeRepositories": repository_calls.describe_repositories,
    "DescribeRepositoryCreationTemplates": registry_calls.describe_templates,
    "GetAccountSetting": registry_calls.get_account_setting,
    "GetLifecyclePolicy": repository_calls.get_lifecycle_policy,
    "GetRegistryPolicy": registry_calls.get_registry_policy,
    "GetRepositoryPolicy": repository_calls.get_repository_policy,
    "ListReplicationBackfills": backfill_calls.list_backfills,
    "ListTagsForResource": repository_calls.list_tags_for_resource,
    "PutAccountSetting": registry_calls.put_account_setting,
    "PutImage": image_calls.put_image,
    "PutRegistryPolicy": registry_calls.put_registry_policy,
    "PutReplicationConfiguration": registry_calls.put_replication_configuration,
    "StartReplicationBackfill": backfill_calls.start_backfill,
    "StopReplicationBackfill": backfill_calls.stop_backfill,
    "UpdateImageStorageClass": image_calls.update_image_storage_class,
    "UpdateRepositoryCreationTemplate": registry_calls.update_template,
}


def call_ecr(
    world: World, caller: Identity, region: Region, operation: str, body: JsonObject
) -> JsonObject:
    """Returns the members of the answer. Raises AwsError."""
    world.run_due()
    directory = world.directory
    if not directory.exists(caller.account) or not directory.enabled(caller.account, region):
        raise common(Service.ECR, Common.UNKNOWN_KEY)
    if world.scenario.forgets(Registry(caller.account, region), operation):
        # An endpoint that does not have an operation answers with a code and no message.
        raise AwsError("UnknownOperationException", "")
    registry = admitted(world, caller, region, operation, body)
    request = read(body, f"{operation}Request", limits=world.longest)
    return _OPERATIONS[operation](world, registry, request)
