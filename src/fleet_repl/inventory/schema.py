"""The shape of an inventory file, as pydantic models: which keys there are and of which type.

Shape only. Every key may be missing and most texts are free here, because what values mean is
checked where all problems can be told at once; editors get more, from `editors`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.fields import ComputedFieldInfo, FieldInfo

from fleet_repl import limits
from fleet_repl.inventory.fields import (
    AccountText,
    DurationText,
    ExternalId,
    FleetName,
    PartitionName,
    PrefixList,
    RegionList,
    RegionText,
    RegionTexts,
    Texts,
    choice,
)


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


class OwnershipTable(Table):
    """How much of each registry this file speaks for."""

    model_config = ConfigDict(title="ownership")

    rules: Annotated[Literal["exclusive"], choice("exclusive")] | None = Field(
        default=None,
        description="exclusive (default): this file is the whole truth for the replication "
        "rules of every listed registry.",
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
    ownership: OwnershipTable | None = Field(
        default=None, description="How much of each registry this file speaks for."
    )
    apply: ApplyTable | None = Field(default=None, description="How hard AWS is called.")
    limits: LimitsTable | None = Field(
        default=None, description="ECR's own limits; raise them when AWS does."
    )
