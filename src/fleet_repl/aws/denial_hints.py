"""Hints for calls that IAM denies: the statements that allow them, and where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fleet_repl.aws.request import Call
from fleet_repl.ecr.permissions import organization_statements, queue_statement, statements_of
from fleet_repl.ecr.statements import escaped
from fleet_repl.runs import remedies
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import partition_of
from fleet_repl.values.queues import QueueAddress

_OBJECT_ACTIONS: Final = {"ListObjectsV2": "ListBucket"}
"""IAM's action for an operation of S3, where the names differ."""
_PASSING: Final = "iam:PassRole"
_LINKING: Final = "iam:CreateServiceLinkedRole"
_REPLICATION: Final = "replication.ecr.amazonaws.com"
_LISTING: Final = (
    "only the management account and delegated administrators may list an organization: name a "
    "role there in [organization] role"
)
_NOT_ALLOWED: Final = re.compile(r"not authorized to perform: ([a-z0-9-]{2,40}:[A-Za-z]{2,80})")
_AUDIT: Final = {"sts:TagSession": "session_tags", "sts:SetSourceIdentity": "source_identity"}
"""Actions that an AssumeRole takes by a setting of [aws]."""


def denied(call: Call, message: str = "") -> str:
    """The hint for a denial, whose `message` may name the denied action and the policy."""
    action = _denied_action(message)
    if call.operation == "AssumeRole":
        return _role_denied(call, message, action)
    if call.service == "s3" and action in (None, f"s3:{_object_action(call)}"):
        return _allow_objects(call)
    actions = _actions_of(call) if action is None else (action,)
    identity = str(call.role) if call.role is not None else "the base identity"
    hint = remedies.allow(identity, _documents(call, actions), message)
    return f"{_LISTING}; else {hint}" if call.service == "organizations" else hint


def allow_what_was_denied(message: str, call: Call) -> str | None:
    """The hint for an error of another kind whose message names an action that was denied."""
    return None if _denied_action(message) is None else denied(call, message)


def _denied_action(message: str) -> str | None:
    match = _NOT_ALLOWED.search(message)
    return None if match is None else match[1]


def _role_denied(call: Call, message: str, action: str | None) -> str:
    if action in _AUDIT:
        return (
            f"[aws] {_AUDIT[action]} takes {action}, which the trust policy of {call.role} and the "
            f"policies of {call.assumer} have to allow; this prints them:\n{call.bootstrap}"
        )
    return remedies.trust(
        str(call.role),
        call.assumer,
        asks_external_id=bool(call.hidden),
        bootstrap=call.bootstrap,
        said=message,
    )


def _actions_of(call: Call) -> tuple[str, ...]:
    """The actions that a call takes."""
    own = f"{call.service}:{call.operation}"
    if call.operation == "PutReplicationConfiguration":
        return own, _LINKING
    return (own, _PASSING) if "customRoleArn" in call.parameters else (own,)


def _documents(call: Call, actions: tuple[str, ...]) -> Iterator[JsonObject]:
    """The statements that allow these actions to whoever makes the call."""
    partition = partition_of(call.region)
    if call.service == "organizations":
        # One denied call of a discovery means that the others are denied as well.
        yield from (item.document(partition=partition) for item in organization_statements())
        return
    if call.service == "sqs":
        queue = QueueAddress.parse(str(call.parameters["QueueUrl"]))
        arn, examined = queue.arn(partition, call.region), call.operation == "GetQueueAttributes"
        yield queue_statement(arn, examined=examined).document(partition=partition)
        return
    for action in actions:
        if action == _PASSING:
            role = call.parameters.get("customRoleArn")
            resource = "*" if role is None else escaped(str(role))
            yield {"Effect": "Allow", "Action": action, "Resource": resource}
            continue
        for statement in statements_of(action):
            # The first rules of an account have one linked role made, its first templates another.
            of_rules = call.operation == "PutReplicationConfiguration"
            if action != _LINKING or of_rules == (statement.service == _REPLICATION):
                yield statement.document(partition=partition)


def _object_action(call: Call) -> str:
    return _OBJECT_ACTIONS.get(call.operation, call.operation)


def _allow_objects(call: Call) -> str:
    needed = f"s3:{_object_action(call)}"
    if call.operation == "GetObject":
        # S3 answers AccessDenied for a missing object where the bucket may not be listed.
        needed += " and, so that a missing object can be told from a denied one, s3:ListBucket"
    return (
        f"allow the base identity {needed}, and see that neither an SCP nor the bucket's policy "
        "denies it"
    )
