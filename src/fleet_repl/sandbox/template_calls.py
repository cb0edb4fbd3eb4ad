"""ECR's calls on repository creation templates. Reads may lag behind writes, as all do."""

from __future__ import annotations

from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.paging import page
from fleet_repl.sandbox.shapes import Structure, checked_text
from fleet_repl.sandbox.template_documents import KNOWN, PREFIX, created, updated
from fleet_repl.sandbox.templates import key_of
from fleet_repl.sandbox.world import World

_DESCRIBE: Final = frozenset({"prefixes", "nextToken", "maxResults"})
_MOST_PREFIXES: Final = 1000


def create_template(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, KNOWN)
    template = created(asked, registry, world.clock.now())
    templates = world.registries[registry].templates.latest
    key = key_of(asked.text("prefix"))
    if key in templates:
        raise AwsError(
            "TemplateAlreadyExistsException",
            f"The template with prefix '{templates[key]['prefix']}' already exists in the registry "
            f"with id '{registry.account}'",
        )
    world.write_templates(
        registry, {**templates, key: template}, by="CreateRepositoryCreationTemplate"
    )
    return _shown(registry, template)


def describe_templates(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _DESCRIBE)
    templates = world.registries[registry].templates.seen(world.clock.monotonic())
    prefixes = asked.optional_items("prefixes", 0, _MOST_PREFIXES)
    keys = sorted(templates)
    if prefixes:
        wanted = {key_of(checked_text(value, at, PREFIX)) for at, value in prefixes}
        keys = [key for key in keys if key in wanted]
    found, more = page([templates[key] for key in keys], asked)
    return {
        "registryId": registry.account,
        "repositoryCreationTemplates": list(found),
        **more,
    }


def update_template(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, KNOWN)
    key = _existing(world, registry, asked)
    templates = world.registries[registry].templates.latest
    template = updated(templates[key], asked, registry, world.clock.now())
    world.write_templates(
        registry, {**templates, key: template}, by="UpdateRepositoryCreationTemplate"
    )
    return _shown(registry, template)


def delete_template(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    key = _existing(world, registry, Structure.read(body, frozenset({"prefix"})))
    left = dict(world.registries[registry].templates.latest)
    template = left.pop(key)
    world.write_templates(registry, left, by="DeleteRepositoryCreationTemplate")
    return _shown(registry, template)


def _existing(world: World, registry: Registry, asked: Structure) -> str:
    """The key of the template that a call is about, or ECR's refusal."""
    prefix = asked.text("prefix", PREFIX)
    key = key_of(prefix)
    if key not in world.registries[registry].templates.latest:
        raise AwsError(
            "TemplateNotFoundException",
            f"The template with prefix '{prefix}' does not exist in the registry with id "
            f"'{registry.account}'",
        )
    return key


def _shown(registry: Registry, template: JsonObject) -> JsonObject:
    return {"registryId": registry.account, "repositoryCreationTemplate": template}
