"""The whole file as one model."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema

from fleet_repl.inventory.fields import (
    FleetName,
)
from fleet_repl.inventory.schema.accounts import AccountTable, AwsTable, ExternalTable
from fleet_repl.inventory.schema.routes import RouteTable
from fleet_repl.inventory.schema.settings import (
    ApplyTable,
    LimitsTable,
    OwnershipTable,
    StateTable,
    WarningsTable,
)
from fleet_repl.inventory.schema.table import Table
from fleet_repl.inventory.schema.templates import TemplateTable
from fleet_repl.inventory.schema.waves import SafetyTable, WaveTable


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
    waves: Annotated[list[WaveTable], Field(min_length=1)] | None = Field(
        default=None, description="In which order registries are written."
    )
    safety: SafetyTable | None = Field(
        default=None, description="How much a plan may do before it is refused."
    )
    warnings: WarningsTable | None = Field(
        default=None, description="Which warnings are known, and not repeated."
    )
    apply: ApplyTable | None = Field(default=None, description="How hard AWS is called.")
    state: StateTable | None = Field(
        default=None, description="Where the fleet keeps what it has to remember."
    )
    limits: LimitsTable | None = Field(
        default=None, description="ECR's own limits; raise them when AWS does."
    )
