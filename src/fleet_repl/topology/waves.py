"""Waves: which registries are written together, and in which order.

A registry belongs to the first wave that selects it; those in no wave go last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.names import Registry

REST: Final = "rest"
"""The wave of registries that no wave selects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """The order of a fleet's registries."""

    names: tuple[str, ...] = (REST,)
    """In order; `REST` is the last."""
    by_registry: Mapping[Registry, int] = field(default_factory=dict)
    """Positions in `names`; a registry that is missing is in the last."""

    def position(self, registry: Registry) -> int:
        """When a registry's turn is, counted from 0."""
        return self.by_registry.get(registry, len(self.names) - 1)

    def name(self, registry: Registry) -> str:
        """The wave of a registry."""
        return self.names[self.position(registry)]
