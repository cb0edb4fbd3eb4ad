"""Repository creation templates at work: which one a new repository follows, and what it gets.

Reads templates as they are kept; what ECR takes for one is `template_documents`'.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.sandbox.images import Repository
from fleet_repl.sandbox.registries import Templates
from fleet_repl.sandbox.shapes import objects

ROOT: Final = "ROOT"
REPLICATION: Final = "REPLICATION"
_DEFAULT_ENCRYPTION: Final = {"encryptionType": "AES256"}


def key_of(prefix: str) -> str:
    """What tells templates apart: ECR assumes a slash at the end of every prefix."""
    return prefix.rstrip("/")


def template_for(templates: Templates, name: str) -> JsonObject | None:
    """The template that a repository made by replication follows, or None.

    Of those that are applied for replication the one with the longest prefix: `prod` is for
    `prod/x` but neither for `production/x` nor for `prod`; ROOT is for what is left.
    """
    ours = {
        key: one for key, one in templates.items() if REPLICATION in _list(one.get("appliedFor"))
    }
    fitting = [key for key in ours if name.startswith(f"{key}/")]
    return ours[max(fitting, key=len)] if fitting else ours.get(ROOT)


def new_repository(templates: Templates, name: str, at: datetime) -> Repository:
    """A repository as replication makes it: by its template, else with ECR's defaults."""
    template = template_for(templates, name)
    if template is None:
        return Repository(name=name, created_at=at)
    encryption = template.get("encryptionConfiguration")
    return Repository(
        name=name,
        created_at=at,
        mutability=_text(template, "imageTagMutability") or "MUTABLE",
        exclusions=tuple(
            str(one.get("filter"))
            for one in objects(template.get("imageTagMutabilityExclusionFilters"))
        ),
        encryption=encryption if isinstance(encryption, dict) else _DEFAULT_ENCRYPTION,
        tags=objects(template.get("resourceTags")),
        policy=_text(template, "repositoryPolicy"),
        lifecycle_policy=_text(template, "lifecyclePolicy"),
    )


def _text(template: JsonObject, name: str) -> str | None:
    value = template.get(name)
    return value if isinstance(value, str) else None


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else []
