"""The table of a repository creation template."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import ConfigDict, Field

from fleet_repl.inventory.fields import (
    KmsKey,
    TagExclusions,
    TemplatePrefix,
    choice,
    words,
)
from fleet_repl.inventory.model import AppliedFor, Encryption, TagMutability
from fleet_repl.inventory.schema.routes import SelectorTable
from fleet_repl.inventory.schema.table import Table


class TemplateTable(Table):
    """What ECR gives to repositories that it creates itself, in every selected registry."""

    model_config = ConfigDict(
        title="creation template", json_schema_extra={"required": ["name", "prefix", "select"]}
    )

    name: str | None = Field(
        default=None, description="A unique name, shown in plans and in the description in AWS."
    )
    prefix: TemplatePrefix | None = Field(
        default=None,
        description="The namespace of the repositories, with or without the slash that ECR puts "
        "at its end; ROOT for all that no other template fits.",
    )
    select: SelectorTable | None = Field(
        default=None, description="The managed registries that get the template."
    )
    tag_mutability: Annotated[TagMutability, choice(*get_args(TagMutability))] | None = Field(
        default=None, description="Whether tags can be moved to another image. Default: mutable."
    )
    tag_mutability_exclusions: TagExclusions | None = Field(
        default=None, description="Tags that `tag_mutability` does not hold for; * is a wildcard."
    )
    encryption: Annotated[Encryption, choice(*get_args(Encryption))] | None = Field(
        default=None, description="How images are encrypted. Default: aes256."
    )
    kms_key: KmsKey | None = Field(
        default=None,
        description="The ARN of a KMS key, with {account}, {region} and {partition} filled in for "
        "each registry; without it the key that AWS keeps for ECR is used.",
    )
    lifecycle_policy: str | None = Field(
        default=None, description="The repositories' lifecycle policy, as JSON."
    )
    lifecycle_policy_file: str | None = Field(
        default=None, description="The file that holds it, relative to this one."
    )
    repository_policy: str | None = Field(
        default=None, description="The repositories' own policy, as JSON."
    )
    repository_policy_file: str | None = Field(
        default=None, description="The file that holds it, relative to this one."
    )
    tags: dict[str, str] | None = Field(
        default=None, description="Tags of the repositories. They need `role`."
    )
    role: str | None = Field(
        default=None,
        description="The role that ECR assumes to create a repository: a name, path/name, or an "
        "ARN with {account} in it. Tags and KMS need it.",
    )
    applied_for: Annotated[list[str], Field(min_length=1), words(*get_args(AppliedFor))] | None = (
        Field(
            default=None,
            description="What ECR creates repositories for: replication, pull-through-cache or "
            "create-on-push. Default: replication alone.",
        )
    )
