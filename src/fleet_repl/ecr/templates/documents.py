"""The creation templates of a registry as ECR takes them, signed by the fleet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory import Template
from fleet_repl.values.canonical_json import Json, JsonObject, short_hash
from fleet_repl.values.names import Registry

WILDCARD: Final = "WILDCARD"

_CLEARED: Final[dict[str, Json]] = {
    "resourceTags": [],
    "repositoryPolicy": "",
    "lifecyclePolicy": "",
    # The API model takes an empty role and AWS says nothing about it. Leaving the member out
    # would surely keep the role; deleting and creating anew would leave a moment in which
    # repositories come without the template. So it is tried, and the read after it tells.
    "customRoleArn": "",
}
"""The value that takes a member away.

`encryptionConfiguration` is replaced as a whole. Exclusion filters cannot be cleared, as an
empty list is refused: they mean nothing without a mutability that has exclusions.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The signature that marks a fleet's templates. Only the description can carry a signature."""

    fleet: str
    formerly: tuple[str, ...] = ()
    """Names that the fleet had before: templates signed with them are ours, and signed anew."""

    def description(self, name: str) -> str:
        """The description of the template `name`. It keeps within ECR's 256 characters, because
        the inventory limits both names."""
        return f"{_signature_of(self.fleet)}fleet-repl {self.fleet}: {name}"

    def is_on(self, template: JsonObject) -> bool:
        """Returns whether a template is ours, whatever else in it somebody may have changed."""
        description = template.get("description")
        return isinstance(description, str) and any(
            description.startswith(_signature_of(fleet)) for fleet in (self.fleet, *self.formerly)
        )


def _signature_of(fleet: str) -> str:
    return f"FleetRepl{short_hash(fleet)} "


def template_documents(
    templates: Iterable[Template], registry: Registry, signature: Signature
) -> tuple[JsonObject, ...]:
    """The bodies of CreateRepositoryCreationTemplate, sorted by prefix.

    Equal templates give equal documents, in whatever order they are listed.
    """
    ordered = sorted(templates, key=lambda template: template.prefix)
    return tuple(_document(template, registry, signature) for template in ordered)


def update_request(before: JsonObject, after: JsonObject) -> JsonObject:
    """The body of UpdateRepositoryCreationTemplate that makes `before` into `after`.

    An update changes only the members that it is given. So it gets all that are wanted, and clears
    those that are there and not wanted any more.
    """
    cleared = {
        key: empty for key, empty in _CLEARED.items() if before.get(key) and not after.get(key)
    }
    return {**after, **cleared}


def clearing_hint(before: JsonObject | None, after: JsonObject | None) -> str | None:
    """Returns the remedy where an update does not remove a template's role; else None."""
    had = before is not None and before.get("customRoleArn")
    if not had or after is None or after.get("customRoleArn"):
        return None
    return (
        "ECR may not let a template give up its role: delete the template, and the next apply "
        "creates it without one"
    )


def _document(template: Template, registry: Registry, signature: Signature) -> JsonObject:
    tags: list[Json] = [
        {"Key": key, "Value": value} for key, value in sorted(template.tags.items())
    ]
    exclusions: list[Json] = [
        {"filterType": WILDCARD, "filter": text} for text in template.tag_mutability_exclusions
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
        "appliedFor": [_spelled(word) for word in template.applied_for],
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
