"""CloudTrail's records of writes to registries: which to look up, and who made the last of them.

Pure. Whoever calls AWS chooses parts of a record, and whoever may put events on a bus can forge a
whole one. So every text is taken only where it has a form that IAM or CloudTrail allow, and
otherwise counts as missing: no control character and no markup gets through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fleet_repl.planning.attribution import RecordedCall
from fleet_repl.planning.change import Action, Change, Resource, operation_of
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.values.names import ACCOUNT_ID

SOURCE: Final = "ecr.amazonaws.com"
WRITES: Final = frozenset(
    operation_of(resource, action) for resource in Resource for action in Action
)
"""Calls that change rules, registry policies or creation templates."""

REACH: Final = timedelta(days=90)
"""The age of the oldest records that CloudTrail looks up."""
_FLEET_REPL: Final = "fleet-repl"
_TOOLS: Final = (
    (_FLEET_REPL, r"\bfleet-repl/"),
    ("CloudFormation", r"\bcloudformation\.amazonaws\.com\b"),
    ("OpenTofu", r"\bopentofu/"),
    ("Terraform", r"\bterraform(-provider-aws)?/"),
    ("Pulumi", r"\bpulumi/"),
    ("Crossplane", r"\b(crossplane|upjet)\b"),
    ("ACK", r"\baws-controllers-k8s\b|\bACK/"),
    ("Ansible", r"\bansible\b"),
    ("AWS console", r"\bconsole\.amazonaws\.com\b|\bsignin\.amazonaws\.com\b|^\[?Mozilla/"),
    ("AWS CLI", r"\baws-cli/"),
    ("AWS Tools for PowerShell", r"\bAWS(Common)?PowerShell"),
    ("AWS SDK for Python", r"\b(aiobotocore|boto3|botocore)/"),
    ("AWS SDK for Go", r"\baws-sdk-go(-v2)?/"),
    ("AWS SDK for JavaScript", r"\baws-sdk-(js|nodejs)/"),
    ("AWS SDK for Java", r"\baws-sdk-java/"),
    ("AWS SDK for .NET", r"\baws-sdk-(dotnet|net)"),
    ("AWS SDK for Ruby", r"\baws-sdk-ruby"),
    ("AWS SDK for PHP", r"\baws-sdk-php"),
    ("AWS SDK for Rust", r"\baws-sdk-rust"),
    ("AWS SDK for C++", r"\baws-sdk-cpp"),
    ("AWS SDK for Kotlin", r"\baws-sdk-kotlin"),
    ("AWS SDK for Swift", r"\baws-sdk-swift"),
)
"""Tools by their mark in a user agent. The first that matches counts: a tool's user agent names the
SDK that it is built on, too."""
_TOOL_PATTERNS: Final = tuple((tool, re.compile(mark, re.IGNORECASE)) for tool, mark in _TOOLS)
TOOLS: Final = tuple(tool for tool, _ in _TOOLS)

_ISSUER: Final = re.compile(
    rf"arn:aws[a-z-]*:iam::{ACCOUNT_ID}:(?:root|(?:role|user)/[\w+=,.@/-]{{1,576}})", re.ASCII
)
_SERVICE: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,100}\.amazonaws\.com")
_SESSION: Final = re.compile(
    rf"arn:aws[a-z-]*:sts::{ACCOUNT_ID}:(?:assumed-role/(?P<role>[^/]+)|federated-user)/"
    r"(?P<session>[\w+=,.@-]{2,64})",
    re.ASCII,
)
_SOURCE_IDENTITY: Final = re.compile(r"[\w+=,.@-]{2,256}", re.ASCII)
_EVENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A question to CloudTrail: the calls of one name, which fit into a page.

    A lookup takes one attribute. Records of one event name are few; those of ECR's event source
    hold each pull of an image, and would push the writes off the page.
    """

    operation: str
    resource: Resource
    prefix: str | None = None
    """The prefix of the creation template that was written; None for rules and policies."""


def lookups(registry_plan: RegistryPlan, resources: Iterable[Resource]) -> tuple[Lookup, ...]:
    """Returns what to look up about the resources of a registry that others have changed.

    The content in place tells which call was last: a policy was put, none was deleted.
    """
    wanted = frozenset(resources)
    firsts: dict[tuple[Resource, str | None], Change] = {}
    for change in registry_plan.changes:
        if change.resource in wanted:
            # Later changes of a resource expect what earlier ones leave.
            firsts.setdefault((change.resource, prefix_of(change)), change)
    return tuple(
        Lookup(operation=operation, resource=resource, prefix=prefix)
        for (resource, prefix), change in firsts.items()
        for operation in _last_operations(change)
    )


def _last_operations(change: Change) -> tuple[str, ...]:
    """Returns the operations of which one has left the content that a change expects."""
    if change.before.document is None:
        actions: tuple[Action, ...] = (Action.DELETE,)
    elif change.resource is Resource.CREATION_TEMPLATE:
        actions = (Action.CREATE, Action.UPDATE)
    else:
        actions = (Action.UPDATE,)
    return tuple(operation_of(change.resource, action) for action in actions)


def last_call(
    records: Iterable[Mapping[str, object]], lookup: Lookup, is_own: Callable[[RecordedCall], bool]
) -> RecordedCall | None:
    """Returns the last call of others that the records, newest first, hold for a lookup.

    None where there is none, or a later call of the fleet replaced what others did.
    """
    for record in records:
        call = recorded_call(record)
        if call is None or call.operation != lookup.operation:
            continue
        prefix = _members(record.get("requestParameters")).get("prefix")
        if lookup.prefix is not None and prefix != lookup.prefix:
            continue
        return None if is_own(call) else call
    return None


def newest_by_resource(calls: Iterable[tuple[Lookup, RecordedCall]]) -> tuple[RecordedCall, ...]:
    """Returns the newest call on each resource, newest first: a template was made or updated last,
    and only one of the two counts."""
    newest: dict[tuple[Resource, str | None], RecordedCall] = {}
    for lookup, call in calls:
        key = (lookup.resource, lookup.prefix)
        if key not in newest or newest[key].at < call.at:
            newest[key] = call
    return tuple(sorted(newest.values(), key=lambda call: (call.at, call.event_id), reverse=True))


def recorded_call(record: Mapping[str, object]) -> RecordedCall | None:
    """Returns the write of a CloudTrail record; None for any other record, and for a call that
    failed and so changed nothing."""
    operation, event_id = record.get("eventName"), _fit(_EVENT_ID, record.get("eventID"))
    at = _fit(_TIME, record.get("eventTime"))
    if record.get("eventSource") != SOURCE or record.get("errorCode") is not None:
        return None
    if not isinstance(operation, str) or operation not in WRITES or not event_id or not at:
        return None
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    caller = _members(record.get("userIdentity"))
    context = _members(caller.get("sessionContext"))
    return RecordedCall(
        operation=operation,
        at=moment,
        event_id=event_id,
        issuer=_issuer(caller, context),
        session=session_of(caller),
        source_identity=_fit(_SOURCE_IDENTITY, context.get("sourceIdentity")),
        tool=_tool(record, caller),
    )


def session_of(caller: Mapping[str, object]) -> str | None:
    """Returns the session in `arn:aws:sts::<account>:assumed-role/<role>/<session>`, the ARN of a
    record's `userIdentity`."""
    return _part_of_session("session", caller)


def role_of(caller: Mapping[str, object]) -> str | None:
    """Returns the name of the role in the same ARN, which has no path."""
    return _part_of_session("role", caller)


def _part_of_session(part: str, caller: Mapping[str, object]) -> str | None:
    arn = caller.get("arn")
    match = _SESSION.fullmatch(arn) if isinstance(arn, str) else None
    return match[part] if match is not None else None


def is_fleet_repl(call: RecordedCall) -> bool:
    """Returns whether a run of fleet-repl made a call, of this fleet or of another."""
    return call.tool == _FLEET_REPL


def _issuer(caller: Mapping[str, object], context: Mapping[str, object]) -> str | None:
    issuer = _members(context.get("sessionIssuer")).get("arn")
    return (
        _fit(_ISSUER, issuer)
        or _fit(_ISSUER, caller.get("arn"))
        or _fit(_SERVICE, caller.get("invokedBy"))
    )


def _tool(record: Mapping[str, object], caller: Mapping[str, object]) -> str | None:
    """The tool by the service that made the call on somebody's behalf, else by the user agent."""
    if record.get("sessionCredentialFromConsole") in ("true", True):
        return "AWS console"
    agents = [caller.get("invokedBy"), record.get("userAgent")]
    texts = [agent[:1000] for agent in agents if isinstance(agent, str)]
    for tool, mark in _TOOL_PATTERNS:
        if any(mark.search(text) for text in texts):
            return tool
    return None


def _members(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _fit(pattern: re.Pattern[str], text: object) -> str | None:
    return text if isinstance(text, str) and pattern.fullmatch(text) is not None else None
