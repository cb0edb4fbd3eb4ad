"""The state of registries: rules, a policy, templates, repositories. No behaviour of AWS.

The state of a registry is created at its first use, so that a world of many accounts costs only
what is used of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from fleet_repl.sandbox.backfills import Backfill
from fleet_repl.sandbox.images import Repository
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry

T = TypeVar("T")
Templates: TypeAlias = Mapping[str, JsonObject]
"""Repository creation templates as ECR shows them, by prefix without a slash at its end."""


class LaggedValue(Generic[T]):
    """A value whose readers see the previous value for a while after a write."""

    __slots__ = ("_history",)

    def __init__(self, value: T) -> None:
        self._history = [(-math.inf, value)]

    @property
    def latest(self) -> T:
        """The value that was written last."""
        return self._history[-1][1]

    def seen(self, now: float) -> T:
        """Returns the value that readers see at `now`."""
        while len(self._history) > 1 and self._history[1][0] <= now:
            del self._history[0]
        return self._history[0][1]

    def write(self, value: T, *, visible_from: float) -> None:
        self._history.append((visible_from, value))

    def replace(self, value: T) -> None:
        """Write a value that readers see at once."""
        self._history[:] = [(-math.inf, value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A registry policy: the text that ECR shows, and the document in it."""

    text: str
    document: JsonObject


@dataclass(slots=True, kw_only=True)
class RegistryState:
    replication: LaggedValue[JsonObject] = field(default_factory=lambda: LaggedValue({"rules": []}))
    policy: LaggedValue[Policy | None] = field(default_factory=lambda: LaggedValue(None))
    templates: LaggedValue[Templates] = field(default_factory=lambda: LaggedValue({}))
    settings: dict[str, str] = field(default_factory=dict)
    """Account settings that differ from ECR's defaults, by name."""
    repositories: dict[str, Repository] = field(default_factory=dict)
    backfills: list[Backfill] = field(default_factory=list)
    """In the order of their start."""


class Registries:
    """Every registry of a world."""

    def __init__(self) -> None:
        self._states: dict[Registry, RegistryState] = {}

    def __getitem__(self, registry: Registry) -> RegistryState:
        state = self._states.get(registry)
        if state is None:
            state = self._states[registry] = RegistryState()
        return state

    def __len__(self) -> int:
        """The number of registries that were used."""
        return len(self._states)
