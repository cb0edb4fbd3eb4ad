"""ECR's calls on a registry as a whole: its replication configuration, policy and settings.

They read and write a whole document of a registry; the last writer wins.
"""

from __future__ import annotations

from fleet_repl.sandbox.aws_errors import absent, invalid_parameter
from fleet_repl.sandbox.directory import SETTINGS
from fleet_repl.sandbox.policy_documents import checked_policy, respelled
from fleet_repl.sandbox.registries import Policy
from fleet_repl.sandbox.rules import check_destinations
from fleet_repl.sandbox.shapes import Shape, Structure
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry


def describe_registry(world: World, registry: Registry, _request: Structure) -> JsonObject:
    shown = world.registries[registry].replication.seen(world.clock.monotonic())
    return {"registryId": registry.account, "replicationConfiguration": shown}


def put_replication_configuration(
    world: World, registry: Registry, request: Structure
) -> JsonObject:
    configuration = request.inner("replicationConfiguration")
    check_destinations(configuration, registry, world.directory.partition, world.limits)
    world.write_replication(registry, configuration.members)
    return request.members


def get_registry_policy(world: World, registry: Registry, _request: Structure) -> JsonObject:
    policy = world.registries[registry].policy.seen(world.clock.monotonic())
    return _shown(registry, policy)


def put_registry_policy(world: World, registry: Registry, request: Structure) -> JsonObject:
    policy = checked_policy(
        request.text("policyText"),
        longest=world.limits.policy_bytes,
        partition=world.directory.partition,
        exists=world.directory.exists,
    )
    if world.scenario.respell_policies:
        policy = respelled(policy, world.directory.partition)
    world.write_policy(registry, policy)
    return _shown(registry, policy)


def delete_registry_policy(world: World, registry: Registry, _request: Structure) -> JsonObject:
    answer = _shown(registry, world.registries[registry].policy.latest)
    world.write_policy(registry, None)
    return answer


def _shown(registry: Registry, policy: Policy | None) -> JsonObject:
    if policy is None:
        raise absent("RegistryPolicyNotFoundException", "Registry policy", registry.account)
    return {"registryId": registry.account, "policyText": policy.text}


def get_account_setting(world: World, registry: Registry, request: Structure) -> JsonObject:
    name = request.text("name")
    return {"name": name, "value": world.setting(registry, name)}


def put_account_setting(world: World, registry: Registry, request: Structure) -> JsonObject:
    name, value = request.text("name"), request.text("value")
    values = Shape(type="string", enum=SETTINGS[name].accepted)
    if (objection := values.objection(value)) is not None:
        raise invalid_parameter("value", objection)
    world.set_setting(registry, name, value)
    return {"name": name, "value": value}
