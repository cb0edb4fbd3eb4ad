"""The tables that say what replicates where: conditions, selectors and routes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from fleet_repl.inventory.fields import (
    PrefixList,
    RegionTexts,
    Texts,
    choice,
)
from fleet_repl.inventory.schema.table import Table


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
