"""ECR's calls on a registry: its replication configuration, policy, settings, and templates.

They read and write a whole document; the last writer wins. Reads may lag behind writes.
"""

from __future__ import annotations

from fleet_repl.sandbox.aws_errors import AwsError, absent, invalid_parameter
from fleet_repl.sandbox.directory import SETTINGS
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.policy_documents import checked_policy, respelled
from fleet_repl.sandbox.registries import Policy
from fleet_repl.sandbox.rules import check_destinations
from fleet_repl.sandbox.shapes import Shape, Structure
from fleet_repl.sandbox.templates import created, key_of, updated
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


def create_template(world: World, registry: Registry, request: Structure) -> JsonObject:
    template = created(request, registry, world.clock.now())
    templates = world.registries[registry].templates.latest
    key = key_of(request.text("prefix"))
    if key in templates:
        raise AwsError(
            "TemplateAlreadyExistsException",
            f"The template with prefix '{templates[key]['prefix']}' already exists in the registry "
            f"with id '{registry.account}'",
        )
    world.write_templates(
        registry, {**templates, key: template}, by="CreateRepositoryCreationTemplate"
    )
    return _shown_template(registry, template)


def describe_templates(world: World, registry: Registry, request: Structure) -> JsonObject:
    templates = world.registries[registry].templates.seen(world.clock.monotonic())
    named = {key_of(prefix) for prefix in request.texts("prefixes")}
    shown = [templates[key] for key in sorted(templates) if not named or key in named]
    items, more = page(shown, request)
    return {"registryId": registry.account, "repositoryCreationTemplates": items, **more}


def update_template(world: World, registry: Registry, request: Structure) -> JsonObject:
    key = _existing(world, registry, request)
    templates = world.registries[registry].templates.latest
    template = updated(templates[key], request, registry, world.clock.now())
    world.write_templates(
        registry, {**templates, key: template}, by="UpdateRepositoryCreationTemplate"
    )
    return _shown_template(registry, template)


def delete_template(world: World, registry: Registry, request: Structure) -> JsonObject:
    key = _existing(world, registry, request)
    kept = dict(world.registries[registry].templates.latest)
    template = kept.pop(key)
    world.write_templates(registry, kept, by="DeleteRepositoryCreationTemplate")
    return _shown_template(registry, template)


def _existing(world: World, registry: Registry, request: Structure) -> str:
    """Returns the key of the template that a call names; raises AwsError where there is none."""
    prefix = request.text("prefix")
    key = key_of(prefix)
    if key not in world.registries[registry].templates.latest:
        subject = f"The template with prefix '{prefix}'"
        raise absent("TemplateNotFoundException", subject, registry.account)
    return key


def _shown_template(registry: Registry, template: JsonObject) -> JsonObject:
    return {"registryId": registry.account, "repositoryCreationTemplate": template}
