"""Hints for the reader of a failed call: what to do about the failure, in plain words.

Pure: a hint follows from the call, the kind of failure and AWS's own message alone.
"""

from __future__ import annotations

import re
from typing import Final

from fleet_repl.aws.error_codes import UNKNOWN_OPERATION
from fleet_repl.aws.request import Call
from fleet_repl.values.errors import FaultKind

RENEW_BASE: Final = (
    "renew the base identity's credentials, for instance with `aws sso login`, and run again"
)
CLOCK: Final = "set this machine's clock: AWS refuses requests that look minutes old"
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
_START: Final = "StartReplicationBackfill"
_NARROWING: Final = (
    "the session's policy and tags are too long together: take session_tags out of [aws], or set "
    "session_policy = false there"
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
    ("NoSuchBucket", None): ("make the bucket, or name another place with --state or in [state]"),
    ("PermanentRedirect", None): (
        "the bucket is in another region: name that one in AWS_REGION or [aws] sts_region"
    ),
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
    "ec2": "EC2",
    "ecr": "the account",
    "organizations": "Organizations",
}

_NOT_ALLOWED: Final = re.compile(r"not authorized to perform: ([a-z0-9-]{2,40}:[A-Za-z]{2,80})")


def hint_for(kind: FaultKind, call: Call) -> str | None:
    """The hint for a kind of failure; None where there is none."""
    match kind:
        case FaultKind.ACCESS_DENIED if call.service == "s3":
            return _allow_objects(call)
        case FaultKind.ACCESS_DENIED:
            return _allow(call)
        case FaultKind.REGION_DISABLED if call.service == "ecr":
            return (
                f"enable {call.region} for account {call.account}, or take it out of the inventory"
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
    return _FOR_CODES.get((code, call.operation)) or _FOR_CODES.get((code, None))


def unknown_key(sts: str = "STS there") -> str:
    """The hint for an STS that does not know the caller's credentials; no role is at fault."""
    return (
        f"{sts} does not know the caller's credentials: set [aws] sts_region to a region that the "
        "caller's account has enabled, which an opt-in region is not by itself; or renew them, and "
        "see that they are of the inventory's partition"
    )


def allow_what_was_denied(message: str, call: Call) -> str | None:
    """The hint for a denial whose message names another action than the call's own; else None."""
    match = _NOT_ALLOWED.search(message)
    if match is None or match[1] == f"{call.service}:{call.operation}":
        return None
    passing = _passing(call) if match[1] == _PASSING else None
    return _allow_them(call, passing or match[1])


def _allow(call: Call) -> str:
    if call.operation == "AssumeRole":
        other = "another" if call.hidden else "an"
        return (
            f"AWS answers the same where {call.role} does not exist, where its trust policy does "
            f"not name who assumes it or wants {other} external id, where who assumes it may not "
            "sts:AssumeRole it, and where an SCP, an RCP or a session policy denies that: check "
            "them in this order"
        )
    needed = f"{call.service}:{call.operation}"
    if call.operation == "PutReplicationConfiguration":
        needed += " and, for replication.ecr.amazonaws.com, iam:CreateServiceLinkedRole"
    if call.service == "organizations":
        return f"{_allow_them(call, needed)}; {_LISTING}"
    if (passing := _passing(call)) is not None:
        needed += f" and {passing}"
    return _allow_them(call, needed)


def _allow_objects(call: Call) -> str:
    needed = f"s3:{_OBJECT_ACTIONS.get(call.operation, call.operation)}"
    if call.operation == "GetObject":
        # S3 answers AccessDenied for a missing object where the bucket may not be listed.
        needed += " and, so that a missing object can be told from a denied one, s3:ListBucket"
    return (
        f"allow the base identity {needed}, and see that neither an SCP nor the bucket's policy "
        "denies it"
    )


def _passing(call: Call) -> str | None:
    """The permission to hand a role over, for a call that does; else None."""
    role = call.parameters.get("customRoleArn")
    return f"{_PASSING} on {role}" if role is not None else None


def _allow_them(call: Call, needed: str) -> str:
    who = str(call.role) if call.role is not None else "the base identity"
    return f"allow {who} {needed}, and see that no SCP denies it"


def session_too_long(call: Call) -> str:
    """The hint for a DurationSeconds above the maximum of the role."""
    return f"lower session_duration, or raise the maximum session duration of {call.role}"
