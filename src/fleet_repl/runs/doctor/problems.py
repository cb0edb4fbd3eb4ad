"""From the answers of accounts to problems with remedies, equal ones told once.

Texts say ACCOUNT and REGION in place of the account and the region, so that the same problem of
many accounts is the same text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from fleet_repl.runs import remedies
from fleet_repl.runs.doctor.checks import ACCOUNT, OF_THE_ROLE, ExaminedAccount, is_refused
from fleet_repl.runs.doctor.model import (
    LIST_REGIONS,
    SETTING,
    AccountExamination,
    CheckState,
    FleetProblem,
    ProblemKind,
)
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.text import counted

REGION: Final = "REGION"

_OF_ACCOUNTS: Final = frozenset(
    {
        ProblemKind.ROLE_REFUSED,
        ProblemKind.VIA_REFUSED,
        ProblemKind.ROLE_FAILED,
        ProblemKind.WRONG_ACCOUNT,
        ProblemKind.WRITE_DENIED,
    }
)
"""Problems that an account has in all of its regions."""

_SHOWN: Final = 5
"""Accounts that are joining, of which a note is made."""


class Finding(NamedTuple):
    """A problem of a registry, in words that name neither its account nor its region."""

    kind: ProblemKind
    message: str
    remedy: str


def fleet_problems(
    subjects: Iterable[ExaminedAccount], examined: Mapping[AccountId, AccountExamination]
) -> tuple[FleetProblem, ...]:
    """The problems of all accounts that were examined."""
    return group_findings(
        (registry, finding)
        for subject in subjects
        if subject.account.id in examined
        for registry, finding in _findings(subject, examined[subject.account.id])
    )


def joining_notes(
    subjects: Iterable[ExaminedAccount], examined: Mapping[AccountId, AccountExamination]
) -> tuple[str, ...]:
    """A sentence for each account that is joining and could not be reached; a few of them."""
    sentences = [
        subject.joining
        for subject in subjects
        if subject.joining is not None
        and subject.account.id in examined
        and any(
            subject.excuses(fault)
            for faults in examined[subject.account.id].reads.values()
            for fault in faults.values()
        )
    ]
    more = len(sentences) - _SHOWN
    if more <= 0:
        return tuple(sentences)
    return (*sentences[:_SHOWN], f"{counted(more, 'more account')} joined")


def group_findings(findings: Iterable[tuple[Registry, Finding]]) -> tuple[FleetProblem, ...]:
    """Findings as problems, those of most accounts first.

    Every finding of a registry is in exactly one problem. A problem of registries concerns each of
    its accounts in each of its regions: accounts that have it in other regions make another one.
    """
    by_finding: dict[Finding, dict[AccountId, set[Region]]] = defaultdict(lambda: defaultdict(set))
    for registry, finding in findings:
        by_finding[finding][registry.account].add(registry.region)
    problems = (
        FleetProblem(
            kind=finding.kind,
            accounts=tuple(sorted(accounts)),
            regions=regions,
            message=finding.message,
            remedy=finding.remedy,
        )
        for finding, by_account in by_finding.items()
        for regions, accounts in _by_regions(finding, by_account).items()
    )
    return tuple(sorted(problems, key=_rank))


def _by_regions(
    finding: Finding, by_account: Mapping[AccountId, set[Region]]
) -> Mapping[tuple[Region, ...], list[AccountId]]:
    """The accounts by the regions of their finding; those of findings about accounts together."""
    if finding.kind in _OF_ACCOUNTS:
        return {tuple(sorted(set().union(*by_account.values()))): list(by_account)}
    accounts: dict[tuple[Region, ...], list[AccountId]] = defaultdict(list)
    for account, regions in by_account.items():
        accounts[tuple(sorted(regions))].append(account)
    return accounts


def _rank(problem: FleetProblem) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    kinds = list(ProblemKind)
    texts = (problem.message, problem.remedy)
    places = (*problem.accounts, *problem.regions)
    return -len(problem.accounts), kinds.index(problem.kind), texts, places


def _findings(
    subject: ExaminedAccount, examination: AccountExamination
) -> Iterator[tuple[Registry, Finding]]:
    for region, reads in examination.reads.items():
        registry = Registry(subject.account.id, region)
        faults = {action: fault for action, fault in reads.items() if fault is not None}
        faults.pop(SETTING, None)
        # The failure of a role is found anew, unless it has passed since.
        if subject.unlisted is not None and subject.unlisted.operation not in OF_THE_ROLE:
            faults[LIST_REGIONS] = subject.unlisted
        denied = {
            action: fault
            for action, fault in faults.items()
            if fault.kind is FaultKind.ACCESS_DENIED and fault.operation not in OF_THE_ROLE
        }
        if denied:
            yield registry, _read_denied(subject, denied)
        for action, fault in faults.items():
            if action not in denied and not subject.excuses(fault):
                yield registry, _finding(subject, fault)
        lacking = [
            action
            for action, state in examination.permissions.items()
            if state is CheckState.FAILED
        ]
        if lacking:
            message = f"{subject.identity} lacks {', '.join(lacking)}"
            remedy = subject.allowing(lacking)
            yield registry, Finding(ProblemKind.WRITE_DENIED, message, remedy)


def _read_denied(subject: ExaminedAccount, denied: Mapping[str, Fault]) -> Finding:
    operations = ", ".join(fault.operation for fault in denied.values())
    codes = sorted({fault.code or fault.kind for fault in denied.values()})
    return Finding(
        ProblemKind.READ_DENIED,
        f"{' and '.join(codes)} on {operations}",
        subject.allowing(denied, " ".join(fault.message for fault in denied.values())),
    )


def _finding(subject: ExaminedAccount, fault: Fault) -> Finding:
    """The finding for a fault other than a denied read."""
    code = fault.code or fault.kind
    what = f"{code} on {fault.operation}"
    hint = subject.general(fault.hint or "run it again later")
    if fault.kind is FaultKind.WRONG_ACCOUNT:
        message = f"another account answers {fault.operation}: {subject.general(fault.message)}"
        remedy = remedies.followed(hint, "", _assume(subject))
        return Finding(ProblemKind.WRONG_ACCOUNT, message, remedy)
    if is_refused(fault):
        return _refused(subject, fault, what)
    if fault.kind is FaultKind.REGION_DISABLED and fault.operation not in OF_THE_ROLE:
        return Finding(
            ProblemKind.REGION_DISABLED,
            f"{code}: the account has not enabled the region",
            remedies.enable_region(ACCOUNT, REGION),
        )
    if fault.code is None or fault.kind is FaultKind.INVALID:
        what += f": {subject.general(fault.message)}"
    of_role = fault.operation in OF_THE_ROLE
    kind = ProblemKind.ROLE_FAILED if of_role else ProblemKind.READ_FAILED
    again = f"fleet-repl doctor {subject.inventory} --account {ACCOUNT}"
    return Finding(kind, what, remedies.followed(hint, "; then look again", again))


def _refused(subject: ExaminedAccount, fault: Fault, what: str) -> Finding:
    """The finding for a refused role. AWS does not say why, and looks for the role of an account
    only once those of `via` are assumed."""
    reasons = "trust policy, external id, SCP or RCP"
    if subject.via and not fault.role_refused:
        command = f"aws sts assume-role --role-arn {subject.via[0]} --role-session-name doctor"
        hint = subject.general(fault.hint or "")
        message = f"{what} of a role of [aws] via: {reasons}"
        return Finding(ProblemKind.VIA_REFUSED, message, remedies.followed(hint, "", command))
    remedy = remedies.trust(
        subject.identity,
        subject.assumer,
        asks_external_id=subject.account.external_id is not None,
        bootstrap=f"fleet-repl bootstrap {subject.inventory}",
        said=fault.message,
    )
    return Finding(ProblemKind.ROLE_REFUSED, f"{what}: {reasons}", remedy)


def _assume(subject: ExaminedAccount) -> str:
    if subject.account.role is None:
        return "aws sts get-caller-identity"
    return f"aws sts assume-role --role-arn {subject.identity} --role-session-name doctor"
