"""The shape of an inventory file, as pydantic models: which keys there are and of which type.

Shape only. Every key may be missing and most texts are free here, because what values mean is
checked where all problems can be told at once; editors get more, from `editors`.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.fields import ComputedFieldInfo, FieldInfo

from fleet_repl import limits
from fleet_repl.inventory.fields import (
    AccountText,
    DurationText,
    ExternalId,
    FleetName,
    KmsKey,
    PartitionName,
    PrefixList,
    RegionList,
    RegionText,
    RegionTexts,
    TagExclusions,
    TemplatePrefix,
    Texts,
    choice,
    words,
)
from fleet_repl.inventory.model import AppliedFor, Encryption, TagMutability


def _title(name: str, info: FieldInfo | ComputedFieldInfo) -> str:
    return (info.alias or name).replace("_", " ")


class Table(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        field_title_generator=_title,
    )


class AwsTable(Table):
    """How AWS is reached, and what holds for every account that says nothing else."""

    model_config = ConfigDict(title="AWS")

    partition: PartitionName | None = Field(
        default=None, description="The AWS partition of the whole fleet. Default: aws."
    )
    profile: str | None = Field(
        default=None,
        description="The profile of the base identity. Default: the standard credential chain.",
    )
    sts_region: RegionText | None = Field(
        default=None,
        description="Where roles are assumed. Default: the region of the environment or profile "
        "if it is in the partition, else the partition's first.",
    )
    via: list[str] | None = Field(
        default=None,
        description="ARNs of roles that are assumed in order before each account's own role.",
    )
    role: str | None = Field(
        default=None,
        description="The role to assume in each account: a name, path/name, or an ARN with "
        '{account} in it (and {partition}); "none" for the base identity itself.',
    )
    external_id: ExternalId | None = Field(
        default=None,
        description="The external id that the roles ask for. Best written as ${NAME}; it is "
        "never shown and never stored.",
    )
    session_duration: DurationText | None = Field(
        default=None,
        description="How long a role's session lasts, 15m to 12h, at most 1h with `via`. "
        "Default: 1h.",
    )
    regions: RegionList | None = Field(
        default=None, description="The regions of accounts that list none themselves."
    )


class AccountTable(Table):
    """An account that the fleet manages; with each of its regions it makes a registry."""

    model_config = ConfigDict(title="account", json_schema_extra={"required": ["id"]})

    id: AccountText | None = Field(
        default=None, description="12 digits, as a string: TOML numbers lose leading zeros."
    )
    name: str | None = Field(
        default=None, description="A unique name for people and selectors. Default: the id."
    )
    regions: RegionList | None = Field(
        default=None, description="The regions whose registries are managed. Default: as in [aws]."
    )
    labels: dict[str, str] | None = Field(
        default=None, description="Labels for selectors to match, such as tier and env."
    )
    role: str | None = Field(default=None, description="In place of the role in [aws].")
    external_id: ExternalId | None = Field(
        default=None, description="In place of the external id in [aws]; never shown."
    )
    session_duration: DurationText | None = Field(
        default=None, description="In place of the session duration in [aws], 15m to 12h."
    )
    state: Annotated[Literal["active", "retired"], choice("active", "retired")] | None = Field(
        default=None,
        description="active (default) | retired: routes pass the account over, links to it and "
        "grants for it are withdrawn, and its own configuration is emptied if it can be reached.",
    )
    rules: Annotated[Literal["exclusive", "additive"], choice("exclusive", "additive")] | None = (
        Field(default=None, description="In place of `rules` in [ownership].")
    )


class ExternalTable(Table):
    """An account that may receive images but is not managed: its policy cannot be written."""

    model_config = ConfigDict(
        title="external account", json_schema_extra={"required": ["id", "regions"]}
    )

    id: AccountText | None = Field(
        default=None, description="12 digits, as a string: TOML numbers lose leading zeros."
    )
    name: str | None = Field(
        default=None, description="A unique name for people and selectors. Default: the id."
    )
    regions: RegionList | None = Field(
        default=None, description="The regions whose registries may receive images."
    )


class MatchTable(Table):
    """Conditions on a registry. Every key given must match; a list matches any of its items."""

    model_config = ConfigDict(title="conditions")

    accounts: Texts | None = Field(
        default=None, description="Ids or names of accounts; one or a list of them."
    )
    labels: dict[str, Texts] | None = Field(
        default=None, description="Labels of the account; each with one value or a list of them."
    )
    regions: RegionTexts | None = Field(default=None, description="Regions; one or a list of them.")


class SelectorTable(MatchTable):
    """Which registries a route starts from or leads to. {} matches every managed registry."""

    model_config = ConfigDict(title="selector")

    exclude: MatchTable | None = Field(
        default=None, alias="not", description="Registries that match this are taken away."
    )
    same_account: bool | None = Field(
        default=None, description="Only in `to`: registries of the source's own account."
    )
    same_region: bool | None = Field(
        default=None, description="Only in `to`: registries in the source's own region."
    )


class RouteTable(Table):
    """What replicates where: every matching source to every matching destination."""

    model_config = ConfigDict(title="route", json_schema_extra={"required": ["name", "from", "to"]})

    name: str | None = Field(default=None, description="A unique name, shown with every link.")
    source: SelectorTable | None = Field(
        default=None, alias="from", description="The registries that images are pushed to."
    )
    to: SelectorTable | None = Field(
        default=None, description="The registries that receive the images."
    )
    prefixes: PrefixList | None = Field(
        default=None,
        description="What the names of the replicated repositories start with. Default: every "
        "repository.",
    )
    replicate_deletes: bool | None = Field(
        default=None,
        description="Whether deletions travel to the destinations as well, those by lifecycle "
        "policies among them. Default: false.",
    )
    backfill: Annotated[Literal["off", "new-links"], choice("off", "new-links")] | None = Field(
        default=None,
        description="new-links: after an apply has added links, the images that were there "
        "before are replicated too. Default: off.",
    )


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


class OwnershipTable(Table):
    """How much of each registry this file speaks for."""

    model_config = ConfigDict(title="ownership")

    rules: Annotated[Literal["exclusive", "additive"], choice("exclusive", "additive")] | None = (
        Field(
            default=None,
            description="exclusive (default): this file is the whole truth for the replication "
            "rules of every listed registry. additive: rules found that are not the fleet's own "
            "are kept.",
        )
    )
    grants: Annotated[Literal["managed", "off"], choice("managed", "off")] | None = Field(
        default=None,
        description="managed (default): registry policies of destinations are read and written; "
        "off: neither.",
    )
    create_repositories: bool | None = Field(
        default=None,
        description="Whether grants include ecr:CreateRepository. Default: true.",
    )
    formerly: list[FleetName] | None = Field(
        default=None,
        description="Names that this fleet had before: what it made under them counts as its own.",
    )


class StateTable(Table):
    """Where the fleet keeps what it has to remember."""

    model_config = ConfigDict(title="state")

    location: str | None = Field(
        default=None,
        description="A folder, relative to this file, or s3://bucket/prefix. Default: .fleet-repl.",
    )


class ApplyTable(Table):
    """How hard AWS is called."""

    model_config = ConfigDict(title="apply")

    concurrency: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        default=None, description="Calls in flight at once. Default: 64."
    )
    sts_rate: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        default=None,
        description="AssumeRole calls per second; AWS's quota is 600 per account and region. "
        "Default: 400.",
    )
    attempts: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="Attempts per call, the first one included. Default: 8."
    )
    timeout: DurationText | None = Field(
        default=None, description="Time for one attempt, at most 50s. Default: 30s."
    )
    deadline: DurationText | None = Field(
        default=None, description="Time for the whole run. Default: 2h."
    )


class LimitsTable(Table):
    """ECR's own limits; raise them when AWS does."""

    model_config = ConfigDict(title="limits")

    rules: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description=f"Replication rules per registry. Default: {limits.RULES}."
    )
    destinations: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Unique destinations over all rules of a registry. "
        f"Default: {limits.DESTINATIONS}.",
    )
    filters: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description=f"Repository filters per rule. Default: {limits.FILTERS}."
    )
    policy_bytes: Annotated[int, Field(ge=1_000, le=1_000_000)] | None = Field(
        default=None,
        description=f"Characters of a registry policy's text. Default: {limits.POLICY_BYTES:,}.",
    )


class Document(Table):
    """Which registries a fleet has, how to reach them, and what must replicate where. In any
    text ${NAME} is read from the environment, and $${ is a literal ${."""

    model_config = ConfigDict(
        title="fleet-repl inventory, version 1",
        json_schema_extra={"required": ["version", "name", "accounts", "routes"]},
    )

    version: Annotated[int, WithJsonSchema({"const": 1})] | None = Field(
        default=None, description="The version of this format: 1."
    )
    name: FleetName | None = Field(
        default=None,
        description="The fleet's name: in session names, statement ids, reports and paths.",
    )
    aws: AwsTable | None = Field(
        default=None, description="How AWS is reached, and defaults for every account."
    )
    accounts: Annotated[list[AccountTable], Field(json_schema_extra={"minItems": 1})] | None = (
        Field(default=None, description="The accounts whose registries are managed.")
    )
    external: list[ExternalTable] | None = Field(
        default=None, description="Accounts that may receive images but are not managed."
    )
    routes: list[RouteTable] | None = Field(
        default=None,
        description="What replicates where. An empty list says that nothing shall replicate.",
    )
    templates: list[TemplateTable] | None = Field(
        default=None, description="What ECR gives to repositories that it creates itself."
    )
    ownership: OwnershipTable | None = Field(
        default=None, description="How much of each registry this file speaks for."
    )
    apply: ApplyTable | None = Field(default=None, description="How hard AWS is called.")
    state: StateTable | None = Field(
        default=None, description="Where the fleet keeps what it has to remember."
    )
    limits: LimitsTable | None = Field(
        default=None, description="ECR's own limits; raise them when AWS does."
    )
