"""From the answers of an account to the checks of each of its registries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from fleet_repl.runs.doctor.model import (
    DESCRIBE,
    SETTING,
    AccountExamination,
    Checks,
    CheckState,
    Question,
)
from fleet_repl.runs.doctor.questions import Needs
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

OK: Final = CheckState.OK
FAILED: Final = CheckState.FAILED
UNKNOWN: Final = CheckState.UNKNOWN

ASSUME_ROLE: Final = "AssumeRole"
OF_THE_ROLE: Final = frozenset({ASSUME_ROLE, "credentials"})
"""The operations that get an account's identity: before it is there, nothing is asked."""
WAY: Final = ("role", "account", "region")
"""The checks that come before every read."""


def stops(fault: Fault | None) -> bool:
    """Returns whether further reads of the registry would fail as this one has. Only a denial by
    ECR says nothing about them."""
    return fault is not None and (
        fault.operation in OF_THE_ROLE or fault.kind is not FaultKind.ACCESS_DENIED
    )


def is_reached(examination: AccountExamination) -> bool:
    """Returns whether IAM can be asked: the account's identity is in hand, and its own."""
    faults = [reads[DESCRIBE] for reads in examination.reads.values() if DESCRIBE in reads]
    return any(fault is None or _way(fault)[:2] == (OK, OK) for fault in faults)


def is_refused(fault: Fault) -> bool:
    """Returns whether a role was refused."""
    return fault.kind is FaultKind.ACCESS_DENIED and fault.operation == ASSUME_ROLE


def worst(states: Iterable[CheckState]) -> CheckState:
    """The state of a check that is made of several; unknown without any."""
    ranked = sorted(states, key=(FAILED, UNKNOWN, OK).index)
    return ranked[0] if ranked else UNKNOWN


def permissions_of(
    questions: Iterable[Question], answers: Iterable[Mapping[str, CheckState]]
) -> Checks:
    """The state of each action by the answers to the questions about it. It is only as allowed as
    by the worst answer: a linked role may have to be made for several services."""
    states: dict[str, list[CheckState]] = {}
    for question, answer in zip(questions, answers, strict=True):
        for action in question.resources:
            states.setdefault(action, []).append(answer.get(action, UNKNOWN))
    return {action: worst(some) for action, some in states.items()}


def checks_of(
    registry: Registry, needs: Needs, examination: AccountExamination, *, excused: bool = False
) -> Checks:
    """The checks of a registry, in the order in which they build on each other.

    For example, a refused role gives `role: failed` and `unknown` for all the rest, and a denied
    DescribeRegistry `ok` for role, account and region: ECR knew the session. The role of a retired
    account may be gone, and the role of a joining account may not be there yet: where its refusal
    is `excused`, all is unknown.
    """
    reads = examination.reads.get(registry.region, {})
    if excused and any(fault is not None and is_refused(fault) for fault in reads.values()):
        reads = {}
    way = _way(reads[DESCRIBE]) if DESCRIBE in reads else (UNKNOWN, UNKNOWN, UNKNOWN)
    checks = dict(zip(WAY, way, strict=True))
    for action in needs.reads_of(registry):
        if action not in reads or not set(way) <= {OK, UNKNOWN}:
            checks[action] = UNKNOWN
        elif reads[action] is None:
            checks[action] = OK
        else:
            checks[action] = UNKNOWN if action == SETTING else FAILED
    for action in needs.writes:
        checks[action] = examination.permissions.get(action, UNKNOWN)
    return checks


def _way(fault: Fault | None) -> tuple[CheckState, CheckState, CheckState]:
    """Role, account and region, by the fault of DescribeRegistry."""
    if fault is None:
        return OK, OK, OK
    if fault.kind is FaultKind.WRONG_ACCOUNT:
        return OK, FAILED, UNKNOWN
    if fault.operation in OF_THE_ROLE or fault.kind is FaultKind.EXPIRED:
        return FAILED, UNKNOWN, UNKNOWN
    # The answer to AssumeRole has named the account.
    match fault.kind:
        case FaultKind.REGION_DISABLED:
            return OK, OK, FAILED
        case FaultKind.ACCESS_DENIED:
            return OK, OK, OK
        case _:
            return OK, OK, UNKNOWN
