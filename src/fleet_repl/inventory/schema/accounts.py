"""The tables that say which accounts there are and how they are reached."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from fleet_repl.inventory.fields import (
    AccountText,
    DurationText,
    ExternalId,
    PartitionName,
    RegionList,
    RegionText,
    StatementIds,
    choice,
)
from fleet_repl.inventory.schema.table import Table


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
    trusted_statements: StatementIds | None = Field(
        default=None,
        description="Beside those in [ownership]: Sids in the registry policies of this account.",
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
