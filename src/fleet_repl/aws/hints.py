"""Hints for the reader of a failed call: what to do about the failure, in plain words.

Pure: a hint follows from the call, the kind of failure and AWS's own message alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fleet_repl.aws.error_codes import REGIONAL, UNKNOWN_OPERATION
from fleet_repl.aws.request import Call
from fleet_repl.ecr.permissions import organization_statements, queue_statement, statements_of
from fleet_repl.ecr.statements import escaped
from fleet_repl.runs import remedies
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import partition_of
from fleet_repl.values.queues import QueueAddress

SIGNATURE: Final = (
    "the secret key is wrong, or something on the way alters requests: check the credentials and "
    "the proxy"
)
CERTIFICATES: Final = (
    "name the certificate authorities to trust in AWS_CA_BUNDLE, or unset it if it is wrong"
)
NOT_AWS: Final = (
    "something on the way may have answered in AWS's place: check the proxy and AWS_ENDPOINT_URL"
)
WAY: Final = "check the way to AWS: name resolution, proxy, AWS_ENDPOINT_URL"
PROXY: Final = "check HTTPS_PROXY and HTTP_PROXY, and name in NO_PROXY what needs no proxy"
NEWER: Final = "the installed AWS SDK does not know that: upgrade aiobotocore"
SETTINGS: Final = "check the AWS settings in the environment and the profile"
DEFECT: Final = "this is a defect of fleet-repl; please report it"

_LATER: Final = "run again when they are done, or raise [apply] deadline"

_HINTS: Final = {
    FaultKind.THROTTLED: f"others use up this quota of STS: {_LATER}",
    FaultKind.REGION_DISABLED: "set [aws] sts_region to a region that is enabled",
    FaultKind.TIMEOUT: "raise [apply] timeout if the network is slow",
    FaultKind.NETWORK: WAY,
    FaultKind.WRONG_ACCOUNT: "check the account in the inventory, its role, and AWS_ENDPOINT_URL",
    FaultKind.SERVICE: "the failure is on AWS's side: run again later",
    FaultKind.INTERNAL: DEFECT,
}
_OBJECT_ACTIONS: Final = {"ListObjectsV2": "ListBucket"}
"""IAM's action for an operation of S3, where the names differ."""
_PASSING: Final = "iam:PassRole"
_LINKING: Final = "iam:CreateServiceLinkedRole"
_REPLICATION: Final = "replication.ecr.amazonaws.com"
_START: Final = "StartReplicationBackfill"
_NARROWING: Final = (
    "the session's policy and tags are too long together: take session_tags out of [aws], or set "
    "session_policy = false there"
)
_NO_QUEUE: Final = (
    "correct --deliveries: it takes the URL of a queue that exists, such as the output QueueUrl of "
    "docs/deploy/lambda/deliveries.yaml"
)
_FOR_CODES: Final = {
    ("PackedPolicyTooLarge", "AssumeRole"): _NARROWING,
    ("PackedPolicyTooLargeException", "AssumeRole"): _NARROWING,
    ("ImageNotFoundException", None): "the image has gone since it was listed: run again",
    ("LimitExceededException", "CreateRepositoryCreationTemplate"): (
        "the registry has as many creation templates as its quota allows: delete some, or have it "
        "raised"
    ),
    ("LimitExceededException", _START): (
        "a registry has 10 backfills in progress at the most: wait until one has ended"
    ),
    ("ReplicationBackfillInProgressException", _START): (
        "one backfill at a time runs into a destination region: wait until that one has ended"
    ),
    ("ReplicationBackfillNotFoundException", None): (
        "ECR forgets a backfill 90 days after it has ended"
    ),
    ("AWSOrganizationsNotInUseException", None): (
        "the account of these credentials is in no organization: name a role in its management "
        "account in [organization] role"
    ),
    ("OrganizationalUnitNotFoundException", None): "correct [organization] ous",
    ("ParentNotFoundException", None): "correct [organization] ous",
    ("ChildNotFoundException", None): "correct [organization] ous",
    ("InvalidAccessKeyId", None): (
        "these credentials are unknown to S3 there: renew them, or see that they are of the "
        "bucket's partition"
    ),
    ("PermanentRedirect", None): (
        "the bucket is in another region: name that one in AWS_REGION or [aws] sts_region"
    ),
    ("AWS.SimpleQueueService.NonExistentQueue", None): _NO_QUEUE,
    ("QueueDoesNotExist", None): _NO_QUEUE,
    ("RepositoryNotFoundException", None): "the repository has gone since it was listed: run again",
    ("TemplateAlreadyExistsException", None): (
        "somebody has made a template of this prefix since it was read: plan again"
    ),
    ("TemplateNotFoundException", None): (
        "somebody has deleted the template since it was read: plan again"
    ),
}
"""By AWS's code, and by the operation where the same code has several meanings."""

_FOR_OBJECTS: Final = {
    FaultKind.THROTTLED: "S3 asks for fewer requests to this bucket: run again later",
    FaultKind.REGION_DISABLED: "enable the bucket's region, or use a bucket of another one",
}

_LISTING: Final = (
    "only the management account and delegated administrators may list an organization: name a "
    "role there in [organization] role"
)
_QUOTAS: Final = {
    "account": "Account",
    "cloudformation": "CloudFormation",
    "cloudtrail": "CloudTrail",
    "ec2": "EC2",
    "ecr": "the account",
    "ecs": "ECS",
    "lambda": "Lambda",
    "organizations": "Organizations",
    "sqs": "SQS",
}

_NOT_ALLOWED: Final = re.compile(r"not authorized to perform: ([a-z0-9-]{2,40}:[A-Za-z]{2,80})")
_AUDIT: Final = {"sts:TagSession": "session_tags", "sts:SetSourceIdentity": "source_identity"}
"""Actions that an AssumeRole takes by a setting of [aws]."""


def hint_for(kind: FaultKind, call: Call) -> str | None:
    """The hint for a kind of failure; None where there is none."""
    match kind:
        case FaultKind.ACCESS_DENIED:
            return denied(call)
        case FaultKind.REGION_DISABLED if call.service in REGIONAL:
            return remedies.enable_region(str(call.account), call.region)
        case FaultKind.WRONG_ACCOUNT if call.role is None:
            return (
                f"use credentials of account {call.account} or a profile of it, or give the "
                "account a role"
            )
        case FaultKind.THROTTLED if call.service in _QUOTAS:
            return f"others use up this quota of {_QUOTAS[call.service]}: {_LATER}"
        case FaultKind.THROTTLED | FaultKind.REGION_DISABLED if call.service == "s3":
            return _FOR_OBJECTS[kind]
        case _:
            return _HINTS.get(kind)


def hint_for_code(code: str, call: Call) -> str | None:
    """The hint for one of AWS's codes; None for a code that needs no hint of its own."""
    if code == UNKNOWN_OPERATION:
        instead = (
            "images there can be pushed again instead; " if "Backfill" in call.operation else ""
        )
        return (
            f"the {call.service.upper()} API of {call.region} does not offer this call yet: "
            f"{instead}run this again once AWS has brought the call to {call.region}"
        )
    if code == "NoSuchBucket":
        return (
            "make the bucket, or name another place with --state or in [state]:\n"
            f"aws s3 mb s3://{call.parameters['Bucket']}"
        )
    return _FOR_CODES.get((code, call.operation)) or _FOR_CODES.get((code, None))


def unknown_host(region: str) -> str:
    """The hint for an endpoint whose name is not known; that of a misspelt region is none."""
    return f"{WAY}; and see that there is a region {region}"


def unknown_key(sts: str = "STS there") -> str:
    """The hint for an STS that does not know the caller's credentials; no role is at fault."""
    return (
        f"{sts} does not know the caller's credentials: renew them, and see that they are of the "
        "inventory's partition; where they are good, set [aws] sts_region to a region that the "
        "caller's account has enabled, which an opt-in region is not by itself"
    )


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


def session_too_long(call: Call) -> str:
    """The hint for a DurationSeconds above the maximum of the role."""
    return f"lower session_duration, or raise the maximum session duration of {call.role}"
