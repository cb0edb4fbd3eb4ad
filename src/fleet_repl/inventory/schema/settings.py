"""The tables of settings, one of each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from fleet_repl import limits
from fleet_repl.inventory.fields import (
    DurationText,
    FleetName,
    StatementIds,
    choice,
)
from fleet_repl.inventory.schema.table import Table


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
    trusted_statements: StatementIds | None = Field(
        default=None,
        description="Sids of other people's statements in registry policies that do not keep "
        "images out, where that cannot be decided from the policy alone.",
    )


class StateTable(Table):
    """Where the fleet keeps what it has to remember."""

    model_config = ConfigDict(title="state")

    location: str | None = Field(
        default=None,
        description="A folder, relative to this file, or s3://bucket/prefix. Default: .fleet-repl.",
    )
    shared: bool | None = Field(
        default=None,
        description="Whether several users of the machine keep the folder together: what other "
        "users own, or may write, is trusted then. Default: false.",
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


class WarningsTable(Table):
    """Which warnings are known, and not repeated."""

    model_config = ConfigDict(title="warnings")

    acknowledged: StatementIds | None = Field(
        default=None,
        description="Warnings to count and not to repeat: KIND, or KIND: and the name of a route, "
        "an account or a Sid, such as not-transitive:golden.",
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
