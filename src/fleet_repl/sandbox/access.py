"""Decides who may make a call: a scenario may deny actions to identities, and registries have
policies.

A registry policy of scope V2 has a say in every call on one of its repositories: it can let
another account in, and forbid to everyone. Under V1 it has that say in three actions only.
"""

from __future__ import annotations

from fleet_repl.sandbox.aws_errors import denied, explicitly_denied
from fleet_repl.sandbox.directory import POLICY_SCOPE, Identity, enforced
from fleet_repl.sandbox.policy import SERVICE_LINKED_ROLE, Access, Verdict, verdict
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region, Registry, is_account_id, repositories_arn


def admitted(
    world: World, caller: Identity, region: Region, operation: str, body: JsonObject
) -> Registry:
    """The registry that a call acts on: the caller's own, unless `registryId` says otherwise.

    Raises AwsError where the caller may not make the call. As on AWS, permissions are checked
    before parameters: a parameter that is no text is ignored here and refused later.
    """
    action = f"ecr:{operation}"
    resource = _resource(world, Registry(caller.account, region), body)
    _check_identity(world, caller, action, resource)
    # Handing a role to ECR is an action of its own.
    if role := _text(body, "customRoleArn"):
        _check_identity(world, caller, "iam:PassRole", role)
    if operation == "PutReplicationConfiguration" and not world.replicates(caller.account):
        # The first call that puts rules has ECR create the role that it copies images with.
        role = f"arn:{world.directory.partition}:iam::{caller.account}:role/{SERVICE_LINKED_ROLE}"
        _check_identity(world, caller, "iam:CreateServiceLinkedRole", role)
    named = _text(body, "registryId") or ""
    account = AccountId(named) if is_account_id(named) else caller.account
    registry = Registry(account, region)
    resource = _resource(world, registry, body)
    answer = _policy_answer(world, caller, registry, action, resource)
    if answer is Verdict.DENIED:
        raise explicitly_denied(caller.arn, action, resource)
    if account != caller.account and answer is not Verdict.ALLOWED:
        raise denied(caller.arn, action, resource, because="no resource-based policy")
    return registry


def _check_identity(world: World, caller: Identity, action: str, resource: str) -> None:
    """Raises AwsError where the caller's role lacks an action, or its session policy does."""
    if world.directory.lacks(caller.account, action):
        raise denied(caller.arn, action, resource, because="no identity-based policy")
    if not caller.may(action, resource):
        raise denied(caller.arn, action, resource, because="no session policy")


def _policy_answer(
    world: World, caller: Identity, registry: Registry, action: str, resource: str
) -> Verdict:
    """Returns the verdict of the registry's policy on a call on one of its repositories."""
    policy = world.policy(registry)
    scope = world.setting(registry, POLICY_SCOPE)
    if policy is None or resource == "*" or not enforced(scope, action):
        return Verdict.SILENT
    role = () if caller.role is None else (str(caller.role),)
    access = Access(
        partition=world.directory.partition,
        account=caller.account,
        action=action,
        resource=resource,
        identities=(caller.arn, *role),
    )
    return verdict(policy, access)


def _resource(world: World, registry: Registry, body: JsonObject) -> str:
    """Returns the ARN that a refusal names: the repository, or `*` for a whole registry."""
    name = _text(body, "repositoryName")
    return "*" if name is None else repositories_arn(world.directory.partition, registry) + name


def _text(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None
