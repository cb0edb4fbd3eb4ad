"""What ECR takes for a repository creation template, and how it shows one.

A document is checked member by member and then as a whole, so that an update is judged by what
would come of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from fleet_repl.canonical import Json, JsonObject, compact_json
from fleet_repl.names import Registry, RoleArn
from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.policy_documents import stored
from fleet_repl.sandbox.shapes import Structure, Text, checked_text
from fleet_repl.sandbox.tagging import FILTERS, check_exclusions, checked_tags, mutability_of

PREFIX: Final = Text(
    pattern=re.compile(
        r"([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\/?|ROOT)"
    ),
    shortest=1,
    longest=256,
)
KNOWN: Final = frozenset(
    {"prefix", "description", "encryptionConfiguration", "resourceTags", "imageTagMutability"}
    | {"imageTagMutabilityExclusionFilters", "repositoryPolicy", "lifecyclePolicy", "appliedFor"}
    | {"customRoleArn"}
)
_APPLIED_FOR: Final = Text(values=("REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"))
_ENCRYPTION: Final = Text(values=("AES256", "KMS", "KMS_DSSE"))
_KMS_KEY: Final = Text(
    pattern=re.compile(r"^$|arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[a-z0-9-]+"),
    longest=2048,
)
_DESCRIPTION: Final = Text(longest=256)
_ROLE: Final = Text(longest=2048)
_REPOSITORY_POLICY: Final = Text(longest=10_240)
_LIFECYCLE_POLICY: Final = Text(longest=30_720)
_SHORTEST_LIFECYCLE_POLICY: Final = 100
"""ECR's least length of a lifecycle policy; a template may have none at all instead."""
_MOST_APPLIED: Final = 3
_DEFAULTS: Final[JsonObject] = {
    "encryptionConfiguration": {"encryptionType": "AES256"},
    "imageTagMutability": "MUTABLE",
}
_FIXED: Final = ("prefix", "createdAt", "updatedAt")


def created(asked: Structure, registry: Registry, at: datetime) -> JsonObject:
    """A new template as ECR shows it. Raises AwsError."""
    prefix = asked.text("prefix", PREFIX)
    asked.required("appliedFor")
    settings = {**_DEFAULTS, **_settings(asked)}
    return _whole(prefix, settings, registry, created_at=at.timestamp(), at=at)


def updated(template: JsonObject, asked: Structure, registry: Registry, at: datetime) -> JsonObject:
    """A template after an update: what is not asked for stays, what is emptied goes."""
    known = {name: value for name, value in template.items() if name not in _FIXED}
    changes = _settings(asked)
    if not str(changes.get("imageTagMutability", "_EXCLUSION")).endswith("_EXCLUSION"):
        known.pop(FILTERS, None)
    prefix, created_at = str(template["prefix"]), template["createdAt"]
    return _whole(prefix, {**known, **changes}, registry, created_at=created_at, at=at)


def _settings(asked: Structure) -> dict[str, Json]:
    """The members that are there, checked; what is to be cleared is None."""
    return {
        **mutability_of(asked),
        **_plain(asked),
        **_encryption(asked),
        **_policies(asked),
    }


def _plain(asked: Structure) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, rule in (("description", _DESCRIPTION), ("customRoleArn", _ROLE)):
        if (text := asked.optional_text(name, rule)) is not None:
            found[name] = text or None
    if (tags := checked_tags(asked, "resourceTags")) is not None:
        found["resourceTags"] = list(tags) or None
    if (applied := asked.optional_items("appliedFor", 1, _MOST_APPLIED)) is not None:
        found["appliedFor"] = [checked_text(value, at, _APPLIED_FOR) for at, value in applied]
    return found


def _encryption(asked: Structure) -> dict[str, Json]:
    wanted = asked.optional_inner(
        "encryptionConfiguration", frozenset({"encryptionType", "kmsKey"})
    )
    if wanted is None:
        return {}
    kind = wanted.text("encryptionType", _ENCRYPTION)
    key = wanted.optional_text("kmsKey", _KMS_KEY)
    if key and kind == "AES256":
        raise invalid_parameter(wanted.path("kmsKey"), "AES256 encryption has no KMS key")
    shown: dict[str, Json] = {"encryptionType": kind}
    return {"encryptionConfiguration": {**shown, "kmsKey": key} if key else shown}


def _policies(asked: Structure) -> dict[str, Json]:
    """The policies, in ECR's layout: the texts kept are not the ones sent."""
    found: dict[str, Json] = {}
    if (text := asked.optional_text("repositoryPolicy", _REPOSITORY_POLICY)) is not None:
        found["repositoryPolicy"] = (
            stored(_document(asked, "repositoryPolicy")).text if text else None
        )
    if (text := asked.optional_text("lifecyclePolicy", _LIFECYCLE_POLICY)) is not None:
        if text and len(text) < _SHORTEST_LIFECYCLE_POLICY:
            raise invalid_parameter(
                asked.path("lifecyclePolicy"),
                f"Member must have length greater than or equal to {_SHORTEST_LIFECYCLE_POLICY}",
            )
        found["lifecyclePolicy"] = (
            compact_json(_document(asked, "lifecyclePolicy")) if text else None
        )
    return found


def _document(asked: Structure, name: str) -> JsonObject:
    """The JSON object that a text holds, with the list that policies of its kind have."""
    try:
        document = json.loads(asked.text(name))
    except (ValueError, RecursionError):
        document = None
    needed = "Statement" if name == "repositoryPolicy" else "rules"
    if not isinstance(document, Mapping) or not document.get(needed):
        raise invalid_parameter(asked.path(name), "Invalid policy text provided")
    return document


def _whole(
    prefix: str,
    settings: Mapping[str, Json],
    registry: Registry,
    *,
    created_at: Json,
    at: datetime,
) -> JsonObject:
    kept = {name: value for name, value in settings.items() if value is not None}
    check_exclusions(kept)
    _check_role(kept, registry)
    return {"prefix": prefix, **kept, "createdAt": created_at, "updatedAt": at.timestamp()}


def _check_role(settings: Mapping[str, Json], registry: Registry) -> None:
    arn = settings.get("customRoleArn")
    encryption = settings.get("encryptionConfiguration")
    encrypts = isinstance(encryption, Mapping) and encryption.get("encryptionType") != "AES256"
    if arn is None:
        if encrypts or settings.get("resourceTags"):
            raise invalid_parameter(
                "customRoleArn", "A custom role is required for resource tags or KMS encryption"
            )
        return
    role = RoleArn.parse(str(arn))
    if role is None or role.account != registry.account:
        raise invalid_parameter(
            "customRoleArn", "must be the ARN of a role in the account of the registry"
        )
