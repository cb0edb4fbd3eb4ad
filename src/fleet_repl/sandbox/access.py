"""Who may make a call: identities by what a scenario denies them, registries by their policies.

A registry policy of scope V2 has a say in every call on one of its repositories: it can let
another account in, and forbid to everyone. Under V1 it has that say in three actions only.
"""

from __future__ import annotations

from fleet_repl.canonical import JsonObject
from fleet_repl.names import AccountId, Region, Registry, repositories_arn
from fleet_repl.sandbox.account_settings import POLICY_SCOPE, enforced
from fleet_repl.sandbox.aws_errors import AwsError, denied, explicitly_denied
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.policy import Access, Verdict, verdict
from fleet_repl.sandbox.rule_documents import REGISTRY_ID
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.sandbox.world import World


def admitted(
    world: World, caller: Identity, region: Region, operation: str, body: JsonObject
) -> Registry:
    """The registry that a call acts on: the caller's own, unless `registryId` says otherwise.

    Raises AwsError where the caller may not make it.
    """
    own = Registry(caller.account, region)
    action = f"ecr:{operation}"
    if world.directory.lacks(caller.account, action):
        raise _not_allowed(world, caller, action, own, body)
    _check_passing(world, caller, body)
    registry_id = Structure(body).optional_text("registryId", REGISTRY_ID) or caller.account
    registry = Registry(AccountId(registry_id), region)
    said = _said(world, caller, registry, action, body)
    if said is Verdict.DENIED:
        raise explicitly_denied(caller.arn, action, _resource(world, registry, body))
    if registry != own and said is not Verdict.ALLOWED:
        raise denied(
            caller.arn,
            action,
            _resource(world, registry, body),
            because="no resource-based policy",
        )
    return registry


def _said(
    world: World, caller: Identity, registry: Registry, action: str, body: JsonObject
) -> Verdict:
    """What the registry's policy says of a call on one of its repositories."""
    policy = world.policy(registry)
    scope = world.setting(registry, POLICY_SCOPE)
    if policy is None or "repositoryName" not in body or not enforced(scope, action):
        return Verdict.SILENT
    role = () if caller.role is None else (str(caller.role),)
    return verdict(
        policy,
        Access(
            partition=world.directory.partition,
            account=caller.account,
            action=action,
            resource=_resource(world, registry, body),
            identities=(caller.arn, *role),
        ),
    )


def _check_passing(world: World, caller: Identity, body: JsonObject) -> None:
    """Handing a role to ECR asks for iam:PassRole on it."""
    role = body.get("customRoleArn")
    if role and isinstance(role, str) and world.directory.lacks(caller.account, "iam:PassRole"):
        raise denied(caller.arn, "iam:PassRole", role, because="no identity-based policy")


def _not_allowed(
    world: World, caller: Identity, action: str, registry: Registry, body: JsonObject
) -> AwsError:
    resource = _resource(world, registry, body)
    return denied(caller.arn, action, resource, because="no identity-based policy")


def _resource(world: World, registry: Registry, body: JsonObject) -> str:
    """What a refusal names: the repository, or `*` for calls on a whole registry."""
    name = body.get("repositoryName")
    if not isinstance(name, str):
        return "*"
    return repositories_arn(world.directory.partition, registry) + name
