"""Failures as values, and one tree of exceptions under `FleetError`.

A `Fault` is a failed call to AWS, worded for a reader; plans and reports hold faults. A `Problem`
is one mistake in an inventory. Neither ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

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


_PASSING: Final = frozenset(
    {FaultKind.NETWORK, FaultKind.TIMEOUT, FaultKind.THROTTLED, FaultKind.SERVICE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A call to AWS that failed: the operation, AWS's answer, and a hint."""

    kind: FaultKind
    operation: str
    """The API call, such as `DescribeRegistry`."""
    message: str
    code: str | None = None
    """AWS's error code, where AWS answered."""
    request_id: str | None = None
    hint: str | None = None
    """The remedy for the reader."""

    role_refused: bool = field(default=False, compare=False)
    """True if AWS refused the account's own role at least twice, seconds apart, and never gave a
    session of it in this run: the only sign of a closed account. Not part of any document."""

    @property
    def passing(self) -> bool:
        """Returns whether the same call may succeed in a while."""
        return self.kind in _PASSING

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.operation}: {self.kind}{code}: {self.message}{request}"


WHOLE_FILE: Final = "(file)"
"""The key of a problem that concerns a file as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in an inventory."""

    file: str
    line: int | None
    """The line, counted from 1; None where it is not known."""
    key: str
    """The key path, such as `accounts[2].id`."""
    message: str
    value: str | None = None
    """The value in the file, in TOML's spelling; None for a missing or secret value."""
    remedy: str | None = None

    @property
    def headline(self) -> str:
        """The place and the message in one line, without the remedy."""
        position = f"{self.file}:{self.line}" if self.line is not None else self.file
        key = "" if self.key == WHOLE_FILE else f"{self.key}: "
        value = f" (found {self.value})" if self.value is not None else ""
        return f"{position}: {key}{self.message}{value}"

    def __str__(self) -> str:
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{self.headline}{remedy}"


class FleetError(Exception):
    """The root of every exception this package raises for something a user can cause."""


class InventoryError(FleetError):
    """An inventory cannot be used; `problems` holds every mistake in it.

    `discovered`: the mistakes showed only once its accounts were discovered.
    """

    def __init__(self, problems: Sequence[Problem], *, discovered: bool = False) -> None:
        self.problems = tuple(problems)
        self.discovered = discovered
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SelectionError(FleetError):
    """An account, a label, a region, a registry or an image that somebody names does not exist in
    the inventory, or can exist nowhere."""


class ScenarioError(FleetError):
    """A scenario file of the sandbox cannot be used."""


class StateError(FleetError):
    """The state location of a fleet, or a document in it, cannot be used."""


class UnreadableStateError(StateError):
    """A document in the state is damaged, incomplete or of another version.

    The caller goes on without that document. So this is never raised for the ownership record, the
    lock or a freeze: going on without those could cost others their rules.
    """


class RefusedError(FleetError):
    """Nothing may be written: another run holds the lock, the fleet is frozen, or a kept plan was
    altered, is too old or is of another inventory."""


class FrozenError(RefusedError):
    """Nothing may be written to the fleet until its freeze is lifted."""


class HaltedError(FleetError):
    """A run that has begun must write nothing more; the text says why."""


class IdentityError(FleetError):
    """The base identity, or the settings of the AWS SDK, cannot be used; no account was tried."""


class CallError(FleetError):
    """A call to AWS failed; `fault` says how.

    `transient`: the same call may succeed later. `uncertain`: the write may have happened although
    no answer says so, and only a read can tell.
    """

    def __init__(self, fault: Fault, *, transient: bool = False, uncertain: bool = False) -> None:
        self.fault = fault
        self.transient = transient
        self.uncertain = uncertain
        super().__init__(str(fault))


def reason_of(error: Exception) -> str:
    """Returns the reason of a failure in one line: a FleetError's text, another error's type."""
    if isinstance(error, FleetError):
        return first_line(error)
    return f"unforeseen {type(error).__name__}"


def unforeseen(operation: str, error: Exception) -> Fault:
    """The fault for an exception that no code expects, without its text, which may hold secrets."""
    return Fault(
        kind=FaultKind.INTERNAL,
        operation=operation,
        message=reason_of(error),
        hint="this is a defect of fleet-repl; please report it",
    )
