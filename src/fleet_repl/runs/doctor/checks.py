"""From the answers of an account to the checks of each of its registries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl.ecr.statements import among
from fleet_repl.inventory import Account
from fleet_repl.runs import remedies
from fleet_repl.runs.doctor.model import (
    DESCRIBE,
    LIST_REGIONS,
    SETTING,
    AccountExamination,
    BaseIdentity,
    Checks,
    CheckState,
    Question,
)
from fleet_repl.runs.doctor.questions import Needs, questions_of
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry, RoleArn

ACCOUNT: Final = "ACCOUNT"
"""In texts about any account, in place of its id."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedAccount:
    """An account under examination, and how it is reached."""

    account: Account
    needs: Needs
    base: BaseIdentity
    via: tuple[RoleArn, ...]
    inventory: str
    """The path of the inventory, for commands."""
    unlisted: Fault | None = None
    """The fault that kept the account from telling its enabled regions in the discovery."""
    joining: str | None = None
    """The reason why a refusal of its role is no problem, if the account is joining."""

    def excuses(self, fault: Fault | None) -> bool:
        """Returns whether it is no problem that a call has failed so."""
        if fault is None or not is_refused(fault):
            return False
        return self.account.retired or (self.joining is not None and fault.role_refused)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions to IAM about the account."""
        return questions_of(self.needs, self.account, self.base)

    def checks(self, registry: Registry, examination: AccountExamination) -> Checks:
        excused = any(map(self.excuses, examination.reads.get(registry.region, {}).values()))
        checks = checks_of(registry, self.needs, examination, excused=excused)
        return {**checks, LIST_REGIONS: self._regions} if self.account.asks_regions else checks

    @property
    def _regions(self) -> CheckState:
        """The state of the account's answer about its enabled regions."""
        if self.unlisted is None:
            return CheckState.OK if self.account.regions else CheckState.UNKNOWN
        return CheckState.UNKNOWN if self.unlisted.operation in OF_THE_ROLE else CheckState.FAILED

    @property
    def identity(self) -> str:
        """The account's identity, in words for any account."""
        role = self.account.role
        return "the base identity" if role is None else self.general(str(role))

    @property
    def assumer(self) -> str:
        """The identity that assumes the account's role."""
        if self.via:
            return str(self.via[-1])
        profile = self.account.profile
        return self.base.arn if profile is None else f"the identity of profile {profile}"

    def general(self, text: str) -> str:
        """A text for any account."""
        return text.replace(self.account.id, ACCOUNT)

    def allowing(self, actions: Collection[str], said: str = "") -> str:
        """The remedy for actions that the identity lacks, of which AWS `said` this."""
        return remedies.allow(self.identity, _documents(self.needs, actions), self.general(said))


def pasteable(needs: Needs, actions: Collection[str]) -> str:
    """The statements that allow these actions, for a policy that may have others."""
    return remedies.pasteable(_documents(needs, actions))


def _documents(needs: Needs, actions: Collection[str]) -> Iterator[JsonObject]:
    for statement in among(needs.statements, actions):
        yield statement.document(partition=needs.partition)
