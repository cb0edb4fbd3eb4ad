"""Errors as AWS answers them: a code, a message, an HTTP status.

Operations raise an `AwsError`; only `wire` turns it into bytes.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import NamedTuple


class Service(StrEnum):
    """The services of the sandbox, by their names in a credential scope."""

    ACCOUNT = "account"
    CLOUDFORMATION = "cloudformation"
    CLOUDTRAIL = "cloudtrail"
    EC2 = "ec2"
    ECR = "ecr"
    ECS = "ecs"
    IAM = "iam"
    LAMBDA = "lambda"
    ORGANIZATIONS = "organizations"
    SQS = "sqs"
    STS = "sts"

    @property
    def speaks_json(self) -> bool:
        """Returns whether the service speaks JSON; the others take forms and answer with XML."""
        return self not in (Service.CLOUDFORMATION, Service.EC2, Service.IAM, Service.STS)


class AwsError(Exception):
    """A call that AWS would answer with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(f"{code}: {message}")


class _ErrorText(NamedTuple):
    """An error's message, and its code and HTTP status in the JSON and the query protocol."""

    message: str
    json: tuple[str, int]
    query: tuple[str, int]


class Common(Enum):
    """Errors any call may get, whatever the service."""

    UNSIGNED = _ErrorText(
        "Request is missing Authentication Token",
        ("MissingAuthenticationTokenException", 400),
        ("MissingAuthenticationToken", 403),
    )
    INCOMPLETE = _ErrorText(
        "The request signature is incomplete.",
        ("IncompleteSignatureException", 400),
        ("IncompleteSignature", 400),
    )
    UNKNOWN_KEY = _ErrorText(
        "The security token included in the request is invalid.",
        ("UnrecognizedClientException", 400),
        ("InvalidClientTokenId", 403),
    )
    WRONG_SIGNATURE = _ErrorText(
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details.",
        ("InvalidSignatureException", 400),
        ("SignatureDoesNotMatch", 403),
    )
    DENIED = _ErrorText(
        "User is not authorized to perform this action",
        ("AccessDeniedException", 400),
        ("AccessDenied", 403),
    )
    EXPIRED = _ErrorText(
        "The security token included in the request is expired",
        ("ExpiredTokenException", 400),
        ("ExpiredToken", 403),
    )
    THROTTLED = _ErrorText("Rate exceeded", ("ThrottlingException", 400), ("Throttling", 400))
    FAILED = _ErrorText(
        "The service is unavailable. Please try again.",
        ("ServerException", 500),
        ("ServiceUnavailable", 503),
    )


def common(service: Service, error: Common, message: str | None = None) -> AwsError:
    """Returns an error as the service spells it, with its usual message unless another is given."""
    spelling = error.value
    code, status = spelling.json if service.speaks_json else spelling.query
    if error is Common.THROTTLED and service in (Service.ACCOUNT, Service.ORGANIZATIONS):
        code = "TooManyRequestsException"
    return AwsError(code, message or spelling.message, status)


def invalid_parameter(at: str, constraint: str) -> AwsError:
    """Returns ECR's error for a parameter that breaks a constraint of its model."""
    return AwsError(
        "InvalidParameterException",
        f"Invalid parameter at '{at}' failed to satisfy constraint: '{constraint}'",
    )


def absent(code: str, subject: str, account: str) -> AwsError:
    """Returns ECR's error for something that is not in the registry of an account."""
    return AwsError(code, f"{subject} does not exist in the registry with id '{account}'")


def denied(caller: str, action: str, resource: str, *, because: str) -> AwsError:
    """Returns ECR's error for a missing permission; `because` names the policy that lacks it."""
    return _access_denied(caller, action, resource, f"because {because} allows the {action} action")


def unauthorized(caller: str, action: str, resource: str) -> AwsError:
    """Returns the error of STS and IAM for a missing permission."""
    message = f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
    return AwsError("AccessDenied", message, 403)


def explicitly_denied(caller: str, action: str, resource: str) -> AwsError:
    """Returns ECR's error for a call that a statement of the registry policy denies."""
    reason = "with an explicit deny in a resource-based policy"
    return _access_denied(caller, action, resource, reason)


def _access_denied(caller: str, action: str, resource: str, reason: str) -> AwsError:
    return AwsError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {resource} {reason}",
    )
