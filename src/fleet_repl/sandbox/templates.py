"""Repository creation templates at work: which one a new repository follows, and what it gets.

Reads templates as they are kept; what ECR takes for one is `template_documents`'.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.sandbox.images import Repository
from fleet_repl.sandbox.registries import Templates
from fleet_repl.sandbox.shapes import Structure, objects

ROOT: Final = "ROOT"
REPLICATION: Final = "REPLICATION"


def key_of(prefix: str) -> str:
    """What tells templates apart: ECR assumes a slash at the end of every prefix."""
    return prefix.rstrip("/")


def template_for(templates: Templates, name: str) -> JsonObject | None:
    """The template that a repository made by replication follows, or None.

    Of those that are applied for replication the one with the longest prefix: `prod` is for
    `prod/x` but neither for `production/x` nor for `prod`; ROOT is for what is left.
    """
    applied = {
        key: template
        for key, template in templates.items()
        if REPLICATION in Structure(template).texts("appliedFor")
    }
    fitting = [key for key in applied if name.startswith(f"{key}/")]
    return applied[max(fitting, key=len)] if fitting else applied.get(ROOT)


def new_repository(templates: Templates, name: str, at: datetime) -> Repository:
    """A repository as replication makes it: by its template, else with ECR's defaults."""
    repository = Repository(name=name, created_at=at)
    template = Structure(template_for(templates, name) or {})
    if mutability := template.optional("imageTagMutability"):
        repository.mutability = mutability
    if encryption := template.inner("encryptionConfiguration").members:
        repository.encryption = encryption
    exclusions = template.inners("imageTagMutabilityExclusionFilters")
    repository.exclusions = tuple(exclusion.text("filter") for exclusion in exclusions)
    repository.tags = objects(template.members.get("resourceTags"))
    repository.policy = template.optional("repositoryPolicy")
    repository.lifecycle_policy = template.optional("lifecyclePolicy")
    return repository
