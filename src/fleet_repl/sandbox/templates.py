"""Repository creation templates: ECR's demands beyond the shapes of their members, how ECR shows
them, which template a new repository follows, and what the repository gets from it.

A template is checked as a whole, so that an update is judged by the template that it would make.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.images import Repository
from fleet_repl.sandbox.policy_documents import stored
from fleet_repl.sandbox.registries import Templates
from fleet_repl.sandbox.shapes import Structure, json_object, objects
from fleet_repl.values.canonical_json import Json, JsonObject, compact_json
from fleet_repl.values.names import Registry, RoleArn

EXCLUSIONS: Final = "imageTagMutabilityExclusionFilters"
_SHORTEST_LIFECYCLE_POLICY: Final = 100
"""ECR's least length of a lifecycle policy; a template may have none at all instead."""
_DEFAULTS: Final[JsonObject] = {
    "encryptionConfiguration": {"encryptionType": "AES256"},
    "imageTagMutability": "MUTABLE",
}


def key_of(prefix: str) -> str:
    """Returns the key of a template: ECR assumes a slash at the end of every prefix."""
    return prefix.rstrip("/")


def template_for(templates: Templates, name: str) -> JsonObject | None:
    """Returns the template that a repository created by replication follows, or None.

    Of the templates for replication, that with the longest prefix counts: `prod` is for `prod/x`
    but neither for `production/x` nor for `prod`; ROOT is for all other repositories.
    """
    applied = {
        key: template
        for key, template in templates.items()
        if "REPLICATION" in Structure(template).texts("appliedFor")
    }
    fitting = [key for key in applied if name.startswith(f"{key}/")]
    return applied[max(fitting, key=len)] if fitting else applied.get("ROOT")


def new_repository(templates: Templates, name: str, at: datetime) -> Repository:
    """Returns a repository as replication creates it: by its template, else with ECR's defaults."""
    repository = Repository(name=name, created_at=at)
    template = Structure(template_for(templates, name) or {})
    if mutability := template.optional("imageTagMutability"):
        repository.mutability = mutability
    if encryption := template.inner("encryptionConfiguration").members:
        repository.encryption = encryption
    exclusions = template.inners(EXCLUSIONS)
    repository.exclusions = tuple(exclusion.text("filter") for exclusion in exclusions)
    repository.tags = objects(template.members.get("resourceTags"))
    repository.policy = template.optional("repositoryPolicy")
    repository.lifecycle_policy = template.optional("lifecyclePolicy")
    return repository


def created(request: Structure, registry: Registry, at: datetime) -> JsonObject:
    """Returns a new template as ECR shows it. Raises AwsError."""
    template = {"createdAt": at.timestamp(), **_DEFAULTS, **_settings(request)}
    return _whole(template, registry, at)


def updated(
    template: JsonObject, request: Structure, registry: Registry, at: datetime
) -> JsonObject:
    """Returns a template after an update: members not named stay, empty members are removed."""
    changes = {**_settings(request), "prefix": template["prefix"]}
    if not str(changes.get("imageTagMutability", "_EXCLUSION")).endswith("_EXCLUSION"):
        # Exclusions go with the setting that had them, unless they are named anew.
        changes.setdefault(EXCLUSIONS, None)
    return _whole({**template, **changes}, registry, at)


def check_exclusions(settings: JsonObject) -> None:
    """Raises AwsError unless exclusions come with a setting that has them in its name."""
    excludes = str(settings.get("imageTagMutability")).endswith("_WITH_EXCLUSION")
    if excludes is not bool(settings.get(EXCLUSIONS)):
        raise invalid_parameter(
            EXCLUSIONS,
            "goes with an imageTagMutability of IMMUTABLE_WITH_EXCLUSION or "
            "MUTABLE_WITH_EXCLUSION, and only with those",
        )


def check_tags(request: Structure, name: str) -> None:
    """Raises AwsError for resource tags that repeat a key."""
    keys = [tag.text("Key") for tag in request.inners(name)]
    if len(set(keys)) < len(keys):
        raise invalid_parameter(name, "Tag keys must be unique")


def _settings(request: Structure) -> dict[str, Json]:
    """Returns the members of a request as a template keeps them; None removes a member."""
    check_tags(request, "resourceTags")
    settings = {name: value or None for name, value in request.members.items()}
    encryption = request.inner("encryptionConfiguration")
    if encryption.members:
        settings["encryptionConfiguration"] = _encryption(encryption)
    for name, needed in (("repositoryPolicy", "Statement"), ("lifecyclePolicy", "rules")):
        if text := request.optional(name):
            settings[name] = _policy(name, text, needed)
    return settings


def _encryption(encryption: Structure) -> JsonObject:
    key = encryption.optional("kmsKey")
    kind = encryption.text("encryptionType")
    if key and kind == "AES256":
        at = "encryptionConfiguration.kmsKey"
        raise invalid_parameter(at, "AES256 encryption has no KMS key")
    return {"encryptionType": kind, "kmsKey": key} if key else {"encryptionType": kind}


def _policy(name: str, text: str, needed: str) -> str:
    """Returns a policy in ECR's layout: the text kept is not the text sent.

    Raises AwsError unless the policy has the list that policies of its kind have.
    """
    if name == "lifecyclePolicy" and len(text) < _SHORTEST_LIFECYCLE_POLICY:
        least = f"Member must have length greater than or equal to {_SHORTEST_LIFECYCLE_POLICY}"
        raise invalid_parameter(name, least)
    document = json_object(text)
    if document is None or not document.get(needed):
        raise invalid_parameter(name, "Invalid policy text provided")
    return stored(document).text if name == "repositoryPolicy" else compact_json(document)


def _whole(settings: JsonObject, registry: Registry, at: datetime) -> JsonObject:
    template = {name: value for name, value in settings.items() if value is not None}
    check_exclusions(template)
    _check_role(template, registry)
    return {**template, "updatedAt": at.timestamp()}


def _check_role(template: JsonObject, registry: Registry) -> None:
    arn = template.get("customRoleArn")
    encryption = Structure(template).inner("encryptionConfiguration")
    if arn is None:
        if encryption.text("encryptionType") != "AES256" or template.get("resourceTags"):
            raise invalid_parameter(
                "customRoleArn", "A custom role is required for resource tags or KMS encryption"
            )
        return
    role = RoleArn.parse(str(arn))
    if role is None or role.account != registry.account:
        raise invalid_parameter(
            "customRoleArn", "must be the ARN of a role in the account of the registry"
        )
