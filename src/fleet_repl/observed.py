"""What one registry answered in this run, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.canonical import JsonObject
from fleet_repl.errors import Fault
from fleet_repl.grants import Policy
from fleet_repl.names import Registry
from fleet_repl.rules import Replication


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A registry that could be read."""

    replication: Replication
    policy: Policy | None
    """None where grants are not managed and the policy was not asked for."""
    policy_scope: str | None = None
    """ECR's setting REGISTRY_POLICY_SCOPE, where it was asked for and told."""
    templates: tuple[JsonObject, ...] | None = None
    """Its creation templates; None where nobody asked, or nobody was told."""
    templates_error: Fault | None = None
    """Why they could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A registry of which nothing is known. Never taken for an empty one."""

    error: Fault


Observation: TypeAlias = Mapping[Registry, Observed | Unreadable]
"""Every registry that was asked in this run."""
