"""Faults of many registries, told once for each way of failing.

Pure. A role that is missing in 5,000 accounts is one thing to fix, not 5,000 paragraphs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """One registry and why it failed."""

    registry: Registry
    name: str
    fault: Fault
    done: str | None = None
    """What was done all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultGroup:
    """Registries that failed in the same way: of one kind, at one call, with one remedy."""

    kind: FaultKind
    operation: str
    hint: str | None
    members: tuple[Failing, ...]

    @property
    def accounts(self) -> int:
        """How many accounts the registries are in."""
        return len({one.registry.account for one in self.members})


_Key: TypeAlias = tuple[FaultKind, str, str | None]


def group_faults(failing: Iterable[Failing]) -> tuple[FaultGroup, ...]:
    """The groups, the largest first; registries keep the order they came in."""
    groups: dict[_Key, list[Failing]] = {}
    for one in failing:
        groups.setdefault((one.fault.kind, one.fault.operation, one.fault.hint), []).append(one)
    found = [
        FaultGroup(kind=kind, operation=operation, hint=hint, members=tuple(members))
        for (kind, operation, hint), members in groups.items()
    ]
    return tuple(sorted(found, key=_rank))


def _rank(group: FaultGroup) -> tuple[int, str, str, str]:
    return -len(group.members), group.kind, group.operation, group.hint or ""
