"""The tables that say in which order registries are written, and how much one run may do."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from fleet_repl.inventory.fields import AmountValue, DurationText
from fleet_repl.inventory.schema.routes import SelectorTable
from fleet_repl.inventory.schema.table import Table


class WaveTable(Table):
    """Registries that are written together, after those of the waves before."""

    model_config = ConfigDict(title="wave", json_schema_extra={"required": ["name", "select"]})

    name: str | None = Field(
        default=None,
        description="A unique name, shown with every change. rest is the name of the last wave, "
        "of registries that no wave selects.",
    )
    select: SelectorTable | None = Field(
        default=None,
        description="The managed registries of the wave. One that several waves select belongs "
        "to the first of them.",
    )
    max_failures: AmountValue | None = Field(
        default=None,
        description="A count, or a share of the wave's registries such as 10%. If more fail, "
        "later waves are skipped. Default: 0.",
    )
    pause: DurationText | None = Field(
        default=None,
        description="How long to wait after the wave, before the next one; up to 24h. Default: 0s.",
    )


class SafetyTable(Table):
    """How much a plan may do before it is refused."""

    model_config = ConfigDict(title="safety")

    max_removals: AmountValue | None = Field(
        default=None,
        description="Links that are removed or narrowed: a count, or a share of those in place "
        "in the registries that could be read. Default: 30%.",
    )
    max_changed: AmountValue | None = Field(
        default=None,
        description="Registries that are changed: a count, or a share of those in scope. "
        "Default: 100%.",
    )
    max_unreadable: AmountValue | None = Field(
        default=None,
        description="Registries that could not be read: a count, or a share of those in scope. "
        "Default: 20%.",
    )
    protected: Annotated[list[SelectorTable], Field(min_length=1)] | None = Field(
        default=None,
        description="Selectors of registries that lose no link without --allow protected.",
    )
