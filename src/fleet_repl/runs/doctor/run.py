"""The findings about a run itself: its base identity, its quota of STS, its state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.inventory import Account, Inventory
from fleet_repl.runs.doctor.checks import is_reached, pasteable
from fleet_repl.runs.doctor.model import (
    AccountExamination,
    BaseIdentity,
    FleetProblem,
    ProblemKind,
    StsUse,
)
from fleet_repl.runs.doctor.questions import Needs
from fleet_repl.runs.remedies import CLOCK, RENEW_BASE, followed
from fleet_repl.values import limits
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted

SIMULATE: Final = "iam:SimulatePrincipalPolicy"
SHORTEST_SECONDS: Final = 300.0
"""With less time left, credentials are renewed before each call, or end within the run."""
WIDEST_SECONDS: Final = 60.0
"""AWS takes signatures that are five minutes off; a clock that is one minute off is not set."""


def session_seconds(base: BaseIdentity, inventory: Inventory) -> int:
    """Returns the longest possible session of a role, in seconds."""
    chained = base.is_assumed or bool(inventory.aws.via)
    return limits.CHAINED_SESSION_SECONDS if chained else max(limits.SESSION_SECONDS)


def run_problems(base: BaseIdentity) -> Iterator[FleetProblem]:
    """Yields the problems of the base identity and of this machine."""
    if base.kind == "root":
        yield FleetProblem(
            kind=ProblemKind.BASE_IS_ROOT,
            message="the base identity is an account's root user, which may assume no role",
            remedy="use a role or a user in its place:\naws configure list-profiles",
        )
    renewal = "aws sso login" if base.kind == "sso" else "aws sts get-caller-identity"
    if base.seconds_left is not None and base.seconds_left < SHORTEST_SECONDS:
        yield FleetProblem(
            kind=ProblemKind.BASE_EXPIRES,
            message=f"the base identity's credentials end in {max(0.0, base.seconds_left):.0f} s",
            remedy=followed(RENEW_BASE, "", renewal),
        )
    ahead = base.clock_ahead
    if ahead is not None and abs(ahead) > WIDEST_SECONDS:
        side = "ahead of" if ahead > 0 else "behind"
        yield FleetProblem(
            kind=ProblemKind.CLOCK,
            message=f"this machine's clock is {abs(ahead):.0f} s {side} AWS's, which refuses "
            "requests that are 300 s off",
            remedy=CLOCK,
        )


def queue_problem(fault: Fault) -> FleetProblem:
    """Returns the problem of a queue of deliveries that could not be looked at."""
    return FleetProblem(
        kind=ProblemKind.QUEUE,
        message=f"the queue of deliveries cannot be looked at: {fault.kind} on {fault.operation}: "
        f"{fault.message}",
        remedy=fault.hint or "run it again later",
    )


def queue_note(waiting: int) -> str:
    """Returns the note on a queue of deliveries in which so many messages wait."""
    return (
        f"about {counted(waiting, 'message')} in the queue of deliveries; whether it may be read "
        "cannot be known without receiving one"
    )


def notes_of(
    inventory: Inventory,
    needs: Needs,
    base: BaseIdentity,
    sts: StsUse,
    examined: Mapping[AccountId, AccountExamination],
) -> Iterator[str]:
    """Yields notes: facts that are no problem, and good to know."""
    accounts = [account for account in inventory.accounts if account.id in examined]
    longest = session_seconds(base, inventory)
    if longer := sum(account.session_seconds > longest for account in accounts if account.role):
        yield (
            f"session_duration is cut to {longest} s for {counted(longer, 'account')}: AWS gives "
            "no more to a role that an assumed role assumes"
        )
    if sts.throttled:
        yield (
            f"STS refused {counted(sts.throttled, 'call')} as too many: others use its quota too, "
            f"or [apply] sts_rate = {sts.rate:g} is above it"
        )
    if base.way.dual_stack:
        yield (
            "dual-stack endpoints are on: ECR has no PrivateLink for them, so calls pass a VPC's "
            "own endpoints by"
        )
    retired = [account for account in accounts if account.retired]
    if gone := sum(not is_reached(examined[account.id]) for account in retired):
        yield f"{counted(gone, 'retired account')} cannot be reached: nothing is emptied there"
    yield from _unasked(needs, accounts, examined)


def _unasked(
    needs: Needs, accounts: list[Account], examined: Mapping[AccountId, AccountExamination]
) -> Iterator[str]:
    """Yields a note on accounts that could be reached and whose write permissions are unknown."""
    reasons = Counter(
        "" if fault is None else f"{fault.code or fault.kind} on {fault.operation}"
        for account in accounts
        if not account.retired and is_reached(examined[account.id])
        if not examined[account.id].permissions
        for fault in (examined[account.id].unasked,)
    )
    asking = pasteable(needs, (SIMULATE,))
    for reason, number in sorted(reasons.items()):
        who = f"what {counted(number, 'account')} may write is unknown"
        if reason:
            yield f"{who}: {reason}; this lets each role ask for itself:\n{asking}"
        else:
            yield f"{who}: IAM simulates roles and users, and who acts there itself is no known one"
