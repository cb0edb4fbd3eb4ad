"""The target of an EventBridge event: a round over the whole fleet, over one registry, over what an
account is linked with, or nothing.

Pure. Whoever may put events on a bus can forge one, so no text of an event is trusted or repeated
before it has been parsed: the worst that a forged event can do is have the accounts discovered and
some registries checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fleet_repl.planning.attribution import RecordedCall
from fleet_repl.runs.cloudtrail import SOURCE, WRITES, recorded_call, role_of, session_of
from fleet_repl.values.names import (
    AccountId,
    Partition,
    Region,
    Registry,
    is_account_id,
)

CALL: Final = "AWS API Call via CloudTrail"
"""The detail type of calls that CloudTrail recorded."""
SERVICE_EVENT: Final = "AWS Service Event via CloudTrail"
"""The detail type of what a service has brought about, maybe long after the call for it."""
SCHEDULE: Final = "Scheduled Event"
"""The detail type of an EventBridge rule's own schedule."""
ACCOUNT_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateAccountResult": ("serviceEventDetails", "createAccountStatus"),
    "CloseAccountResult": ("serviceEventDetails", "closeAccountStatus"),
    "MoveAccount": ("requestParameters",),
    # An account is removed by a call of the management account, and leaves by a call of its own.
    "RemoveAccountFromOrganization": ("requestParameters",),
    "LeaveOrganization": ("userIdentity",),
    "CreateManagedAccount": ("serviceEventDetails", "createManagedAccountStatus"),
    # In place of the one above where an account that was there already is enrolled.
    "UpdateManagedAccount": ("serviceEventDetails", "updateManagedAccountStatus"),
}
"""Events of Organizations and Control Tower about one account → the keys of `detail` that lead to
the object which names the account."""
_ACCOUNT_SOURCES: Final = ("organizations.amazonaws.com", "controltower.amazonaws.com")
_SUCCEEDED: Final = "SUCCEEDED"
_FAILED: Final = "the call failed, so it changed nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFleet:
    """The event asks for a round over the whole fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryWrite:
    """The event asks for a round over one registry, which somebody wrote to."""

    registry: Registry
    session: str | None
    """The name of the role session that wrote; None for a user, or where the event names none."""
    role: str | None = field(default=None, compare=False)
    """The name of the session's role."""
    call: RecordedCall | None = None
    """The call in the event; None where the event lacks a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """The event asks for a discovery, and for a round over an account and the other ends of its
    links."""

    account: AccountId
    event: str
    """One of `ACCOUNT_EVENTS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The event asks for nothing."""

    because: str


Target: TypeAlias = WholeFleet | RegistryWrite | AccountChange | Ignored


def target_of(event: object) -> Target:
    """Returns the target of an event.

    A schedule of an EventBridge rule, a payload of EventBridge Scheduler and a test event typed by
    hand ask for the whole fleet: every event does that names no other `detail-type`.
    """
    if not isinstance(event, Mapping) or event.get("detail-type", SCHEDULE) == SCHEDULE:
        return WholeFleet()
    if event["detail-type"] not in (CALL, SERVICE_EVENT):
        return Ignored(because="it is neither a schedule nor a call that CloudTrail recorded")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        return Ignored(because="it says nothing of the call")
    if detail.get("eventSource") in _ACCOUNT_SOURCES:
        return _of_account(detail)
    return _of_call(detail)


def _of_account(detail: Mapping[str, object]) -> Target:
    name = detail.get("eventName")
    if not isinstance(name, str) or name not in ACCOUNT_EVENTS:
        return Ignored(because="it brings no account into the organization, out of it or elsewhere")
    if detail.get("errorCode") is not None:
        return Ignored(because=_FAILED)
    status: Mapping[str, object] = detail
    for key in ACCOUNT_EVENTS[name]:
        status = _object(status.get(key))
    if status.get("state", _SUCCEEDED) != _SUCCEEDED:
        return Ignored(because=f"what {name} tells of has not succeeded, so it changed nothing")
    account = _account(status.get("accountId") or _object(status.get("account")).get("accountId"))
    if account is None:
        return Ignored(because=f"{name} names no account")
    return AccountChange(account=account, event=name)


def _of_call(detail: Mapping[str, object]) -> Target:
    name = detail.get("eventName")
    if detail.get("eventSource") != SOURCE or not isinstance(name, str) or name not in WRITES:
        return Ignored(because="the call changes no rules, registry policy or creation template")
    if detail.get("errorCode") is not None:
        return Ignored(because=_FAILED)
    caller = _object(detail.get("userIdentity"))
    account = _account(detail.get("recipientAccountId")) or _account(caller.get("accountId"))
    region = _region(detail.get("awsRegion"))
    if account is None or region is None:
        return Ignored(because="it names no account and region")
    return RegistryWrite(
        registry=Registry(account, region),
        session=session_of(caller),
        role=role_of(caller),
        call=recorded_call(detail),
    )


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _account(value: object) -> AccountId | None:
    return AccountId(value) if isinstance(value, str) and is_account_id(value) else None


def _region(value: object) -> Region | None:
    if isinstance(value, str) and any(partition.holds(value) for partition in Partition):
        return Region(value)
    return None
