"""ECR's registry-level calls: the replication configuration, the registry policy.

They read and write a whole document of the caller's registry; the last writer wins.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.policy_documents import checked_policy, respelled
from fleet_repl.sandbox.registries import Policy
from fleet_repl.sandbox.rule_documents import checked_replication
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.sandbox.world import World

_NOTHING: Final = frozenset[str]()


def describe_registry(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    Structure.read(body, _NOTHING)
    shown = world.registries[registry].replication.seen(world.clock.monotonic())
    return {"registryId": registry.account, "replicationConfiguration": shown}


def put_replication_configuration(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, frozenset({"replicationConfiguration"}))
    document = checked_replication(
        asked.required("replicationConfiguration"),
        registry=registry,
        partition=world.directory.partition,
        most=world.limits,
    )
    world.write_replication(registry, document)
    return {"replicationConfiguration": document}


def get_registry_policy(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    Structure.read(body, _NOTHING)
    policy = world.registries[registry].policy.seen(world.clock.monotonic())
    if policy is None:
        raise _no_policy(registry)
    return _shown(registry, policy)


def put_registry_policy(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    text = Structure.read(body, frozenset({"policyText"})).text("policyText")
    policy = checked_policy(
        text,
        longest=world.limits.policy_bytes,
        partition=world.directory.partition,
        exists=world.directory.exists,
    )
    if world.scenario.respell_policies:
        policy = respelled(policy, world.directory.partition)
    world.write_policy(registry, policy)
    return _shown(registry, policy)


def delete_registry_policy(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    Structure.read(body, _NOTHING)
    policy = world.registries[registry].policy.latest
    if policy is None:
        raise _no_policy(registry)
    world.write_policy(registry, None)
    return _shown(registry, policy)


def _shown(registry: Registry, policy: Policy) -> JsonObject:
    return {"registryId": registry.account, "policyText": policy.text}


def _no_policy(registry: Registry) -> AwsError:
    return AwsError(
        "RegistryPolicyNotFoundException",
        f"Registry policy does not exist in the registry with id '{registry.account}'",
    )
