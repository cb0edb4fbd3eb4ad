"""What can go wrong, as values and as one exception tree under `FleetError`.

A `Fault` is a failed call to AWS told for a reader; it travels in plans and reports.
A `Problem` is one thing wrong with an inventory. Neither ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fleet_repl.values.text import first_line


class FaultKind(StrEnum):
    ACCESS_DENIED = "access-denied"
    THROTTLED = "throttled"
    INVALID = "invalid"
    CONFLICT = "conflict"
    UNKNOWN_FIELDS = "unknown-fields"
    WRONG_ACCOUNT = "wrong-account"
    REGION_DISABLED = "region-disabled"
    TIMEOUT = "timeout"
    NETWORK = "network"
    EXPIRED = "expired"
    SERVICE = "service"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One call that failed: what it was, what AWS said, what to do about it."""

    kind: FaultKind
    operation: str
    """The API call, such as `DescribeRegistry`."""
    message: str
    code: str | None = None
    """AWS's error code, where AWS answered."""
    request_id: str | None = None
    hint: str | None = None
    """What the reader can do."""

    role_refused: bool = field(default=False, compare=False)
    """Whether AWS refused the role of the account itself at least twice, seconds apart, and never
    gave a session of it in this run: the only sign of an account that is gone. No part of the
    document."""

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.operation}: {self.kind}{code}: {self.message}{request}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an inventory."""

    file: str
    line: int | None
    """1-based, where it could be found."""
    key: str
    """The key path, such as `accounts[2].id`."""
    message: str
    value: str | None = None
    """What was written there, in TOML's spelling; None for a missing or secret value."""
    remedy: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        value = f" (found {self.value})" if self.value is not None else ""
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{place}: {self.key}: {self.message}{value}{remedy}"


class FleetError(Exception):
    """The root of every exception this package raises for something a user can cause."""


class InventoryError(FleetError):
    """An inventory that cannot be used; `problems` names everything wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SelectionError(FleetError):
    """`--account`, `--label` or `--region` names nothing that the inventory lists."""


class ScenarioError(FleetError):
    """A sandbox scenario file that cannot be used."""


class StateError(FleetError):
    """The place where a fleet keeps what it has to remember cannot be used."""


class UnreadableStateError(StateError):
    """A remembered document that is damaged, incomplete or of another version.

    Only what hangs on it is done without: never raised for the ownership record, the lock or a
    freeze, as guessing there costs others their rules.
    """


class RefusedError(FleetError):
    """Nothing may be written now: another run holds the lock, or the fleet is frozen.

    A plan that is altered, too old or of another inventory is refused so too.
    """


class FrozenError(RefusedError):
    """Nothing may be written to the fleet until its freeze is lifted."""


class HaltedError(FleetError):
    """A run must write nothing more, although it has begun: its text says why."""


class IdentityError(FleetError):
    """There is no usable base identity; no account could be tried."""


class CallError(FleetError):
    """A call to AWS that failed; `fault` says how.

    `transient` tells that the same call may succeed later; `uncertain` that a write may have
    happened although its answer says nothing, so only a read can settle it.
    """

    def __init__(self, fault: Fault, *, transient: bool = False, uncertain: bool = False) -> None:
        self.fault = fault
        self.transient = transient
        self.uncertain = uncertain
        super().__init__(str(fault))


def reason_of(error: Exception) -> str:
    """Why something failed, in one line: the text of an error of ours, the kind of any other."""
    if isinstance(error, FleetError):
        return first_line(error)
    return f"unforeseen {type(error).__name__}"


def unforeseen(operation: str, error: Exception) -> Fault:
    """A failure that no code foresaw, told without its text, which may hold anything."""
    return Fault(
        kind=FaultKind.INTERNAL,
        operation=operation,
        message=reason_of(error),
        hint="this is a defect of fleet-repl; please report it",
    )
