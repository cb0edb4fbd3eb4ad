"""AWS's error codes, sorted into kinds of faults."""

from __future__ import annotations

from typing import Final

from fleet_repl.aws.request import Service
from fleet_repl.values.errors import FaultKind

UNKNOWN_OPERATION: Final = "UnknownOperationException"
"""The endpoint does not know the call: AWS brings new calls to one region after the other."""
INVALID_PARAMETER: Final = "InvalidParameterException"
"""ECR refuses a parameter that fits the service model. AWS documents no wording for it."""
NO_POLICY: Final = "RegistryPolicyNotFoundException"
NO_TEMPLATE: Final = "TemplateNotFoundException"
NO_IMAGE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})

NO_OBJECT: Final = "NoSuchKey"
ABSENT: Final = frozenset({NO_POLICY, NO_TEMPLATE, NO_OBJECT, *NO_IMAGE})
"""The thing asked for does not exist: an answer, not a failure."""

PRECONDITION: Final = "PreconditionFailed"
"""The object differs from the version that a conditional put expects."""
RACE_CODES: Final = frozenset({"ConditionalRequestConflict", "OperationAborted"})
"""Another client was writing the same object at the same time: nothing was written, and a retry
will find the result of the other write."""

SESSION_CODES: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
"""The session has expired; a new one will be accepted."""
CLOCK_CODES: Final = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
"""The time in the signature is off."""
CLOCK_MESSAGES: Final = ("signature expired", "not yet current", "clock", "skew")
"""Parts of messages, in lower case, by which SIGNATURE_CODES mean the same. Used for hints."""

SIGNATURE_CODES: Final = frozenset(
    {
        "IncompleteSignature",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
    }
)
"""The signature does not fit the request as AWS received it."""

_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
UNKNOWN_KEY: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException"})
"""The endpoint does not know the credentials. ECR answers so for good credentials too, in a region
that the account has not enabled."""
REGIONAL: Final = frozenset({"ecr", "ecs", "lambda"})
"""Services that answer so in a region that the account has not enabled."""
DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "NotAuthorized",
        "UnauthorizedOperation",
    }
)
_REGION: Final = frozenset({"OptInRequired", "RegionDisabled", "RegionDisabledException"})
_SERVICE: Final = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
FRESH_REFUSALS: Final = DENIED | UNKNOWN_KEY
"""Answers that AWS gives, for some seconds, to roles and sessions that have not spread yet."""
_TIMEOUT: Final = frozenset({"RequestTimeout", "RequestTimeoutException"})

_KINDS: Final = {
    **dict.fromkeys(_THROTTLED, FaultKind.THROTTLED),
    **dict.fromkeys(DENIED | UNKNOWN_KEY | SIGNATURE_CODES, FaultKind.ACCESS_DENIED),
    **dict.fromkeys(_REGION, FaultKind.REGION_DISABLED),
    **dict.fromkeys(_SERVICE, FaultKind.SERVICE),
    **dict.fromkeys(_TIMEOUT, FaultKind.TIMEOUT),
    **dict.fromkeys(SESSION_CODES | CLOCK_CODES, FaultKind.EXPIRED),
    **dict.fromkeys(RACE_CODES, FaultKind.CONFLICT),
}


def kind_of(code: str, status: int, message: str, service: Service) -> FaultKind:
    """The kind of an error answer, by its code; for an unknown code by the HTTP status."""
    if service in REGIONAL and code in UNKNOWN_KEY:
        return FaultKind.REGION_DISABLED
    # ECR throttles under more codes than are known. A mistake here costs no more than a retry.
    if "throttl" in code.lower() or "rate exceeded" in message.lower():
        return FaultKind.THROTTLED
    return _KINDS.get(code) or _kind_of_status(status)


def _kind_of_status(status: int) -> FaultKind:
    match status:
        case 429 | 509:
            return FaultKind.THROTTLED
        case 408:
            return FaultKind.TIMEOUT
        case 401 | 403:
            return FaultKind.ACCESS_DENIED
        case _ if status >= 500:
            return FaultKind.SERVICE
        case _:
            return FaultKind.INVALID
