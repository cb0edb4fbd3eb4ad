"""ECR's calls on repository creation templates. Reads may lag behind writes."""

from __future__ import annotations

from fleet_repl.sandbox.aws_errors import AwsError, absent
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.sandbox.templates import created, key_of, updated
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry


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
    return _shown(registry, template)


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
    return _shown(registry, template)


def delete_template(world: World, registry: Registry, request: Structure) -> JsonObject:
    key = _existing(world, registry, request)
    kept = dict(world.registries[registry].templates.latest)
    template = kept.pop(key)
    world.write_templates(registry, kept, by="DeleteRepositoryCreationTemplate")
    return _shown(registry, template)


def _existing(world: World, registry: Registry, request: Structure) -> str:
    """Returns the key of the template that a call names; raises AwsError where there is none."""
    prefix = request.text("prefix")
    key = key_of(prefix)
    if key not in world.registries[registry].templates.latest:
        subject = f"The template with prefix '{prefix}'"
        raise absent("TemplateNotFoundException", subject, registry.account)
    return key


def _shown(registry: Registry, template: JsonObject) -> JsonObject:
    return {"registryId": registry.account, "repositoryCreationTemplate": template}
