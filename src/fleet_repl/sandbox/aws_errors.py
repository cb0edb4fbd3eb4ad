"""Errors as AWS answers them: a code, a message, an HTTP status.

Operations raise an `AwsError`; only `wire` turns it into bytes. The errors that every AWS
service has are spelled differently by the JSON and the query protocol; both are in the table.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final


class Service(StrEnum):
    """What the sandbox speaks, by the name in a credential scope."""

    ECR = "ecr"
    STS = "sts"


class AwsError(Exception):
    """A call that AWS would answer with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(f"{code}: {message}")


class Common(Enum):
    """Errors any call may get, whatever the service."""

    UNSIGNED = "Request is missing Authentication Token"
    INCOMPLETE = "The request signature is incomplete."
    UNKNOWN_KEY = "The security token included in the request is invalid."
    WRONG_SIGNATURE = (
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details."
    )
    DENIED = "User is not authorized to perform this action"
    EXPIRED = "The security token included in the request is expired"
    THROTTLED = "Rate exceeded"
    FAILED = "The service is unavailable. Please try again."


_SPELLING: Final[dict[Service, dict[Common, tuple[str, int]]]] = {
    Service.ECR: {
        Common.UNSIGNED: ("MissingAuthenticationTokenException", 400),
        Common.INCOMPLETE: ("IncompleteSignatureException", 400),
        Common.UNKNOWN_KEY: ("UnrecognizedClientException", 400),
        Common.WRONG_SIGNATURE: ("InvalidSignatureException", 400),
        Common.DENIED: ("AccessDeniedException", 400),
        Common.EXPIRED: ("ExpiredTokenException", 400),
        Common.THROTTLED: ("ThrottlingException", 400),
        Common.FAILED: ("ServerException", 500),
    },
    Service.STS: {
        Common.UNSIGNED: ("MissingAuthenticationToken", 403),
        Common.INCOMPLETE: ("IncompleteSignature", 400),
        Common.UNKNOWN_KEY: ("InvalidClientTokenId", 403),
        Common.WRONG_SIGNATURE: ("SignatureDoesNotMatch", 403),
        Common.DENIED: ("AccessDenied", 403),
        Common.EXPIRED: ("ExpiredToken", 403),
        Common.THROTTLED: ("Throttling", 400),
        Common.FAILED: ("ServiceUnavailable", 503),
    },
}


def common(service: Service, error: Common, detail: str | None = None) -> AwsError:
    """`error` as `service` spells it, with `detail` in place of its usual message."""
    code, status = _SPELLING[service][error]
    return AwsError(code, detail or error.value, status)


def invalid_parameter(at: str, constraint: str) -> AwsError:
    """ECR's word for a parameter that does not fit its model."""
    return AwsError(
        "InvalidParameterException",
        f"Invalid parameter at '{at}' failed to satisfy constraint: '{constraint}'",
    )


def unknown_operation() -> AwsError:
    """What an endpoint says to an operation that it does not have: a code and no message."""
    return AwsError("UnknownOperationException", "")


def denied(caller: str, action: str, resource: str, *, because: str) -> AwsError:
    """ECR's word for an identity that may not do this (`because` ends the sentence)."""
    return AwsError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {resource} "
        f"because {because} allows the {action} action",
    )


def explicitly_denied(caller: str, action: str, resource: str) -> AwsError:
    """ECR's word for what a statement of the registry policy forbids."""
    return AwsError(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {resource} "
        "with an explicit deny in a resource-based policy",
    )
