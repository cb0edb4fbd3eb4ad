"""CloudTrail: a record of every call that writes to a registry, and LookupEvents.

Records are kept by account and region, as the event history is. They show up after a while.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid5

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Directory, Identity
from fleet_repl.sandbox.pages import UPPER, page
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.text import timestamp

_ACTION: Final = "cloudtrail:LookupEvents"
_RECORDED: Final = ("Create", "Delete", "Put", "Start", "Stop", "Update")
_NAMESPACE: Final = UUID(int=0)
_OLDEST: Final = 90 * 86_400
"""Seconds that the event history goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    at: float
    """Seconds since 1970."""
    visible_from: float
    """On the monotonic clock."""
    record: JsonObject


@dataclass(slots=True, kw_only=True)
class Trail:
    """The event histories of a world."""

    clock: Clock
    lag: float
    """Seconds until a record shows up."""
    events: dict[Registry, list[_Event]] = field(default_factory=lambda: defaultdict(list))
    """By the account and region of the call, in its order."""

    def record(self, registry: Registry, record: JsonObject) -> None:
        """Add a record, whatever it says, as of now."""
        now = self.clock.now()
        whole = {"eventTime": timestamp(now), **record}
        visible_from = self.clock.monotonic() + self.lag
        event = _Event(at=int(now.timestamp()), visible_from=visible_from, record=whole)
        self.events[registry].append(event)


def record_call(  # noqa: PLR0913 - each is a member of the record
    trail: Trail,
    caller: Identity,
    region: Region,
    operation: str,
    members: JsonObject,
    *,
    user_agent: str,
    request_id: str,
    error: AwsError | None,
) -> None:
    """Record a call of ECR that writes, a refused one as well."""
    if not operation.startswith(_RECORDED):
        return
    record: dict[str, Json] = {
        "eventVersion": "1.11",
        "userIdentity": _user_identity(caller),
        "eventSource": "ecr.amazonaws.com",
        "eventName": operation,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": user_agent,
        "requestParameters": members,
        "responseElements": None,
        "requestID": request_id,
        "eventID": str(uuid5(_NAMESPACE, request_id)),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller.account,
        "eventCategory": "Management",
    }
    if error is not None:
        record |= {"errorCode": error.code, "errorMessage": error.message}
    trail.record(Registry(caller.account, region), record)


def _user_identity(caller: Identity) -> JsonObject:
    common = {"principalId": caller.user_id, "arn": caller.arn, "accountId": caller.account}
    if caller.role is None:
        return {"type": "IAMUser", **common, "userName": caller.arn.rpartition("/")[2]}
    issuer: JsonObject = {
        "type": "Role",
        "principalId": caller.user_id.partition(":")[0],
        "arn": str(caller.role),
        "accountId": caller.role.account,
        "userName": caller.role.path.rpartition("/")[2],
    }
    context: dict[str, Json] = {
        "sessionIssuer": issuer,
        "attributes": {"mfaAuthenticated": "false"},
    }
    if caller.source_identity is not None:
        context["sourceIdentity"] = caller.source_identity
    return {"type": "AssumedRole", **common, "sessionContext": context}


def lookup_events(
    trail: Trail, directory: Directory, caller: Identity, region: Region, body: JsonObject
) -> JsonObject:
    """CloudTrail's LookupEvents, for the caller's account and the region. Raises AwsError."""
    directory.check_allowed(caller, _ACTION)
    try:
        request = read(body, "cloudtrail.LookupEventsRequest")
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    attributes = request.inners("LookupAttributes")
    if len(attributes) > 1:
        raise AwsError("InvalidLookupAttributesException", "You can specify only one attribute.")
    now = trail.clock.now().timestamp()
    start, end = _time(request, "StartTime", now - _OLDEST), _time(request, "EndTime", now)
    if start > end:
        raise AwsError("InvalidTimeRangeException", "The start time is after the end time.")
    events = [
        _event(event)
        for event in reversed(trail.events[Registry(AccountId(caller.account), region)])
        if event.visible_from <= trail.clock.monotonic()
        and max(start, now - _OLDEST) <= event.at <= end
        and all(_matches(event.record, attribute) for attribute in attributes)
    ]
    shown, more = page(events, request, usual=50, names=UPPER)
    return {"Events": shown, **more}


def _time(request: Structure, name: str, otherwise: float) -> float:
    value = request.members.get(name)
    return value if isinstance(value, int | float) else otherwise


def _matches(record: JsonObject, attribute: Structure) -> bool:
    values = {
        "EventId": record.get("eventID"),
        "EventName": record.get("eventName"),
        "EventSource": record.get("eventSource"),
        "ReadOnly": json.dumps(record.get("readOnly")),
        "Username": _username(record),
    }
    return values.get(attribute.text("AttributeKey")) == attribute.text("AttributeValue")


def _username(record: JsonObject) -> Json:
    """Returns the name of the user who made a call, or of the role's session."""
    caller = record.get("userIdentity")
    if not isinstance(caller, Mapping):
        return ""
    return caller.get("userName") or str(caller.get("arn", "")).rpartition("/")[2]


def _event(event: _Event) -> JsonObject:
    record = event.record
    return {
        "EventId": record.get("eventID"),
        "EventName": record.get("eventName"),
        "ReadOnly": "false",
        "EventTime": event.at,
        "EventSource": record.get("eventSource"),
        "Username": _username(record),
        "Resources": [],
        "CloudTrailEvent": json.dumps(record, separators=(",", ":")),
    }
