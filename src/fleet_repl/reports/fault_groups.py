"""Groups of registries that failed in the same way. Pure.

A role that is missing in 5,000 accounts is one thing to fix, so it is one paragraph and not 5,000.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRegistry:
    """A registry with the fault that it failed with."""

    registry: Registry
    name: str
    fault: Fault
    done: str | None = None
    """The writes that succeeded all the same, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultGroup:
    """Registries that failed in the same way: of one kind, at one call, with one remedy."""

    kind: FaultKind
    operation: str
    hint: str | None
    members: tuple[FailedRegistry, ...]

    @property
    def accounts(self) -> int:
        """The number of accounts that the registries are in."""
        return len({member.registry.account for member in self.members})


_Key: TypeAlias = tuple[FaultKind, str, str | None]


def group_faults(failed: Iterable[FailedRegistry]) -> tuple[FaultGroup, ...]:
    """Returns the groups, the largest first. The registries of a group keep their order."""
    groups: dict[_Key, list[FailedRegistry]] = {}
    for registry in failed:
        fault = registry.fault
        groups.setdefault((fault.kind, fault.operation, _general(registry)), []).append(registry)
    fault_groups = (
        FaultGroup(kind=kind, operation=operation, hint=_shared(members), members=tuple(members))
        for (kind, operation, _), members in groups.items()
    )
    return tuple(sorted(fault_groups, key=_rank))


def _general(failed: FailedRegistry) -> str | None:
    """The hint in words for any account and region."""
    registry, hint = failed.registry, failed.fault.hint
    if hint is None:
        return None
    return hint.replace(registry.account, "ACCOUNT").replace(registry.region, "REGION")


def _shared(members: list[FailedRegistry]) -> str | None:
    """The hint of a group: as it is where all have the same, and else in general words."""
    hints = {member.fault.hint for member in members}
    return hints.pop() if len(hints) == 1 else _general(members[0])


def _rank(group: FaultGroup) -> tuple[int, str, str, str]:
    return -len(group.members), group.kind, group.operation, group.hint or ""
