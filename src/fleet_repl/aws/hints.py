"""Hints for the reader of a failed call: what to do about the failure, in plain words.

Pure: a hint follows from the call, the kind of failure and AWS's own message alone.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.aws.denial_hints import denied
from fleet_repl.aws.error_codes import REGIONAL, UNKNOWN_OPERATION
from fleet_repl.aws.request import Call
from fleet_repl.runs import remedies
from fleet_repl.values.errors import FaultKind

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


def session_too_long(call: Call) -> str:
    """The hint for a DurationSeconds above the maximum of the role."""
    return f"lower session_duration, or raise the maximum session duration of {call.role}"
