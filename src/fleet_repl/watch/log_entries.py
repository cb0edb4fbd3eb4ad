"""What a watch says on the way, as values: how it is shown is for others to decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fleet_repl.values.canonical_json import Json

Level: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing worth a line in a log."""

    level: Level = "info"
    event: str
    """Its kind, such as `round-finished`."""
    message: str
    fields: Mapping[str, Json] = field(default_factory=dict)


Tell: TypeAlias = Callable[[Told], object]
