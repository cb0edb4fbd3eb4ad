"""What registries hold: rules, a policy, repositories and images. State only, no AWS rules.

A registry comes into being when it is first touched, so a world of any number of accounts
costs what is used of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry

T = TypeVar("T")


class Lagging(Generic[T]):
    """A value whose readers may see a former one for a while after a write."""

    __slots__ = ("_history",)

    def __init__(self, value: T) -> None:
        self._history = [(-math.inf, value)]

    @property
    def latest(self) -> T:
        """What was written last."""
        return self._history[-1][1]

    def seen(self, now: float) -> T:
        """What a reader is shown at `now`."""
        while len(self._history) > 1 and self._history[1][0] <= now:
            del self._history[0]
        return self._history[0][1]

    def write(self, value: T, *, visible_from: float) -> None:
        self._history.append((visible_from, value))

    def replace(self, value: T) -> None:
        """A value that everyone sees at once."""
        self._history[:] = [(-math.inf, value)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A registry policy: its text as ECR gives it out, and what it says."""

    text: str
    document: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One manifest in a repository."""

    digest: str
    tags: tuple[str, ...]
    manifest: str
    media_type: str
    pushed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of an image at one destination."""

    destination: Registry
    failure: str | None = None
    """ECR's failure code; None: it arrived."""


@dataclass(slots=True, kw_only=True)
class Repository:
    name: str
    created_at: datetime
    immutable: bool = False
    scan_on_push: bool = False
    encryption: JsonObject = field(default_factory=lambda: {"encryptionType": "AES256"})
    images: dict[str, Image] = field(default_factory=dict)
    """By digest, in the order of their first push."""
    deliveries: dict[str, tuple[Delivery, ...]] = field(default_factory=dict)
    """By digest: where its latest push was replicated to."""

    def tagged(self, tag: str) -> Image | None:
        return next((image for image in self.images.values() if tag in image.tags), None)


@dataclass(slots=True, kw_only=True)
class RegistryState:
    replication: Lagging[JsonObject] = field(default_factory=lambda: Lagging({"rules": []}))
    policy: Lagging[Policy | None] = field(default_factory=lambda: Lagging(None))
    repositories: dict[str, Repository] = field(default_factory=dict)


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
        """How many have been touched."""
        return len(self._states)
