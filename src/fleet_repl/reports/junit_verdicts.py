"""A test case for a CI server, and the verdict of a case that is not passed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fleet_repl.planning.plan import UNKNOWN_REGIONS, Warning
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The reason why a test case is not passed."""

    element: Literal["failure", "error", "skipped"]
    kind: str
    message: str
    lines: tuple[str, ...] = ()
    """Further lines below the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    seconds: float = 0
    verdict: Verdict | None = None


def fault_verdict(fault: Fault | None) -> Verdict | None:
    """Returns the verdict of a case that failed by a fault; None for no fault."""
    if fault is None:
        return None
    lines = (fault.hint or "").splitlines()
    return Verdict(element="error", kind=fault.kind.value, message=str(fault), lines=tuple(lines))


def regions_cases(warnings: Iterable[Warning]) -> list[Case]:
    """Returns a case for the accounts that did not say which regions they have enabled."""
    return [
        Case(
            name="enabled regions",
            verdict=Verdict(element="error", kind=warning.kind, message=warning.message),
        )
        for warning in warnings
        if warning.kind == UNKNOWN_REGIONS
    ]


def case_name(registry: Registry, name: str) -> str:
    """Returns a registry as the names of cases have it."""
    return f"{registry.account} {registry.region} ({name})"
