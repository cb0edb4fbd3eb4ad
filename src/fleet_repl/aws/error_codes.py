"""AWS's error codes sorted by what they mean for a fleet."""

from __future__ import annotations

from typing import Final

from fleet_repl.aws.request import Service
from fleet_repl.values.errors import FaultKind

UNKNOWN_OPERATION: Final = "UnknownOperationException"
"""The endpoint does not know the call: AWS brings new ones to one region after the other."""
INVALID_PARAMETER: Final = "InvalidParameterException"
"""A parameter that fits its model and that ECR does not take. Which words go with it is no part
of any contract."""
NO_POLICY: Final = "RegistryPolicyNotFoundException"
NO_TEMPLATE: Final = "TemplateNotFoundException"
NO_IMAGE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})

NO_OBJECT: Final = "NoSuchKey"
ABSENT: Final = frozenset({NO_POLICY, NO_TEMPLATE, NO_OBJECT, *NO_IMAGE})
"""What was asked for is not there: an answer like any other."""

PRECONDITION: Final = "PreconditionFailed"
"""What a conditional put expects is not what is there."""
RACE_CODES: Final = frozenset({"ConditionalRequestConflict", "OperationAborted"})
"""Somebody else was writing the same object at the same time: nothing was done, and the same
request will find out how that has ended."""

SESSION_CODES: Final = frozenset({"ExpiredToken", "ExpiredTokenException"})
"""The session at work has ended; a new one will do."""
CLOCK_CODES: Final = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
"""The signature's time is off."""
CLOCK_MESSAGES: Final = ("signature expired", "not yet current", "clock", "skew")
"""The same, told under the codes of a signature that does not match, in lower case. For hints."""

SIGNATURE_CODES: Final = frozenset(
    {
        "IncompleteSignature",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
    }
)
"""The signature is not that of the request as it arrived."""

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
"""Credentials that this endpoint knows nothing of. ECR says so of good ones too, in a region that
the account has not enabled."""
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
"""What AWS answers, for some seconds, to roles and sessions that have not spread yet."""
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
    """What an error answer means. An unknown code is judged by the HTTP status."""
    if service == "ecr" and code in UNKNOWN_KEY:
        return FaultKind.REGION_DISABLED
    # ECR throttles under more codes than are known. Taking too much for a throttle only means
    # that it is tried again.
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
