"""Documents: the creation templates of one registry as ECR takes them, signed by the fleet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fleet_repl.inventory import Template
from fleet_repl.values.canonical_json import Json, JsonObject, short_hash
from fleet_repl.values.names import Registry

WILDCARD = "WILDCARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How a fleet signs its templates, for nothing but the description can carry that."""

    fleet: str
    formerly: tuple[str, ...] = ()
    """Names the fleet had: what they signed is ours too, and is signed anew."""

    def description(self, name: str) -> str:
        """The description of the template of this name. Within ECR's 256 characters, because
        the inventory holds both names short."""
        return f"{_mark(self.fleet)}fleet-repl {self.fleet}: {name}"

    def is_on(self, template: JsonObject) -> bool:
        """Whether a template is ours. Someone may well have changed the rest of it."""
        description = template.get("description")
        return isinstance(description, str) and any(
            description.startswith(_mark(fleet)) for fleet in (self.fleet, *self.formerly)
        )


def _mark(fleet: str) -> str:
    return f"FleetRepl{short_hash(fleet)} "


def template_documents(
    templates: Iterable[Template], registry: Registry, signature: Signature
) -> tuple[JsonObject, ...]:
    """The bodies of CreateRepositoryCreationTemplate, in order of the prefix.

    Deterministic: equal templates give equal documents, whatever order they were written in.
    """
    ordered = sorted(templates, key=lambda template: template.prefix)
    return tuple(_document(template, registry, signature) for template in ordered)


def _document(template: Template, registry: Registry, signature: Signature) -> JsonObject:
    tags: list[Json] = [
        {"Key": key, "Value": value} for key, value in sorted(template.tags.items())
    ]
    exclusions: list[Json] = [
        {"filterType": WILDCARD, "filter": one} for one in template.tag_mutability_exclusions
    ]
    role = "" if template.role is None else str(template.role.role_of(registry.account))
    given: dict[str, Json] = {
        "prefix": template.prefix,
        "description": signature.description(template.name),
        "encryptionConfiguration": _encryption(template, registry),
        "resourceTags": tags,
        "imageTagMutability": _spelled(template.tag_mutability),
        "imageTagMutabilityExclusionFilters": exclusions,
        "repositoryPolicy": template.repository_policy,
        "lifecyclePolicy": template.lifecycle_policy,
        "appliedFor": [_spelled(one) for one in template.applied_for],
        "customRoleArn": role,
    }
    return {key: value for key, value in given.items() if value}


def _encryption(template: Template, registry: Registry) -> JsonObject:
    kind = {"encryptionType": _spelled(template.encryption)}
    if template.kms_key is None:
        return kind
    key = template.kms_key.replace("{account}", registry.account)
    return {**kind, "kmsKey": key.replace("{region}", registry.region)}


def _spelled(word: str) -> str:
    """The inventory's word as ECR writes it: `kms-dsse` is `KMS_DSSE`."""
    return word.upper().replace("-", "_")
