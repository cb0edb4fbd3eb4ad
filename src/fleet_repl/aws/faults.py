"""What went wrong in a call, told once for everybody: an SDK exception becomes a `CallError`.

Pure. Every exception of the SDK has an answer here, one that nobody foresaw too; a cancellation
is no exception and never comes this way.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from fleet_repl.aws import hints
from fleet_repl.aws.calls import Call, UnparsedAnswerError
from fleet_repl.aws.codes import CLOCK_CODES, SESSION_CODES, kind_of
from fleet_repl.aws.wording import clean
from fleet_repl.errors import CallError, Fault, FaultKind

_BASE_CREDENTIALS: Final = (
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.TokenRetrievalError,
    sdk.SSOError,
    sdk.LoginError,
    sdk.RefreshWithMFAUnsupportedError,
    sdk.MetadataRetrievalError,
)
_UNCERTAIN: Final = frozenset({FaultKind.SERVICE, FaultKind.TIMEOUT})
_PASSING: Final = frozenset({FaultKind.THROTTLED, *_UNCERTAIN})


def translate(error: Exception, call: Call, hidden: Sequence[str] = ()) -> CallError:
    """The failure of `call` as a CallError. `hidden`: texts that must not be shown."""
    hidden = (*hidden, *(secret.reveal() for secret in call.hidden))
    match error:
        case sdk.ClientError():
            return _refused(error, call, hidden)
        case UnparsedAnswerError() | ResponseParserError():
            return garbage(call, "the answer cannot be parsed")
        case sdk.HTTPClientError() | sdk.ConnectionError():
            return _unconnected(error, call, hidden)
        case _ if isinstance(error, _BASE_CREDENTIALS):
            message = clean(f"the base identity's credentials cannot be had: {error}", hidden)
            return _failed(FaultKind.EXPIRED, call, message, hint=hints.RENEW_BASE)
        case sdk.BotoCoreError():
            message = clean(str(error), hidden)
            return _failed(FaultKind.INVALID, call, message, hint=hints.SETTINGS)
        case _:
            return _failed(FaultKind.INTERNAL, call, f"unforeseen {type(error).__name__}")


def garbage(call: Call, what: str) -> CallError:
    """For a 200 whose body is not the answer. A write may have happened all the same."""
    return _failed(
        FaultKind.SERVICE,
        call,
        what,
        hint=hints.NOT_AWS,
        transient=True,
        uncertain=call.writes,
    )


def wrong_account(call: Call, actual: str) -> CallError:
    """For credentials or an answer of another account than the one that was meant."""
    message = f"account {call.account} was meant, and it is account {clean(actual)}"
    return _failed(FaultKind.WRONG_ACCOUNT, call, message)


def settled(error: CallError) -> CallError:
    """The same failure for whoever must not try again: the retries have been made."""
    return CallError(error.fault)


def code_of(error: Exception) -> str | None:
    """AWS's error code, where AWS answered."""
    if not isinstance(error, sdk.ClientError):
        return None
    return _text(error.response.get("Error"), "Code")


def request_id_of(error: Exception) -> str | None:
    """AWS's request id, where AWS answered."""
    if not isinstance(error, sdk.ClientError):
        return None
    return _text(error.response.get("ResponseMetadata"), "RequestId")


def _refused(error: sdk.ClientError, call: Call, hidden: Sequence[str]) -> CallError:
    """AWS answered with an error."""
    code = code_of(error) or "Unknown"
    metadata: object = error.response.get("ResponseMetadata")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None
    said = _text(error.response.get("Error"), "Message") or ""
    kind = kind_of(code, status if isinstance(status, int) else 0, said, call.service)
    expired = code in SESSION_CODES
    return _failed(
        kind,
        call,
        clean(said, hidden) or "AWS says no more than that",
        code=clean(code, hidden),
        request_id=request_id_of(error),
        hint=_hint_for_code(code, said, call),
        transient=kind in _PASSING or expired,
        uncertain=kind in _UNCERTAIN,
    )


def _hint_for_code(code: str, said: str, call: Call) -> str | None:
    if code in CLOCK_CODES:
        return hints.CLOCK
    if call.operation == "AssumeRole" and "DurationSeconds" in said:
        return hints.session_too_long(call)
    return None


def _unconnected(error: Exception, call: Call, hidden: Sequence[str]) -> CallError:
    """No whole answer came. Certain only where no request can have been sent."""
    cause = _cause(error)
    if isinstance(error, sdk.ConnectTimeoutError):
        return _failed(FaultKind.TIMEOUT, call, "no connection within the timeout", transient=True)
    if isinstance(error, sdk.ReadTimeoutError):
        message = "no answer within the timeout"
        return _failed(FaultKind.TIMEOUT, call, message, transient=True, uncertain=True)
    if isinstance(cause, (sdk.BotoCoreError, aiohttp.InvalidURL)):
        return _failed(FaultKind.INVALID, call, clean(str(cause), hidden), hint=hints.SETTINGS)
    if _is_configuration(cause):
        message = clean(f"no trusted connection: {cause}", hidden)
        return _failed(FaultKind.NETWORK, call, message, hint=hints.CERTIFICATES)
    if isinstance(error, (sdk.ProxyConnectionError, sdk.SSLError)) or isinstance(
        # The SDK tells a refused connection and one that broke half-way by this alone.
        cause,
        aiohttp.ClientConnectorError,
    ):
        message = clean(f"no connection: {cause or error}", hidden)
        return _failed(FaultKind.NETWORK, call, message, transient=True)
    message = "the connection was closed before the whole answer came"
    return _failed(FaultKind.NETWORK, call, message, transient=True, uncertain=True)


def _is_configuration(cause: object) -> bool:
    """Whether certificates are at fault, which no retry will change."""
    if isinstance(cause, aiohttp.ClientConnectorError):
        return isinstance(cause, aiohttp.ClientConnectorCertificateError)
    if isinstance(cause, aiohttp.ClientError):
        return False
    # Reading AWS_CA_BUNDLE happens within the first request and fails as one.
    return isinstance(cause, (ssl.SSLError, FileNotFoundError, PermissionError))


def _cause(error: Exception) -> object:
    kwargs: object = getattr(error, "kwargs", None)
    return kwargs.get("error") if isinstance(kwargs, Mapping) else None


def _text(value: object, key: str) -> str | None:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else None


def _failed(
    kind: FaultKind,
    call: Call,
    message: str,
    *,
    code: str | None = None,
    request_id: str | None = None,
    hint: str | None = None,
    transient: bool = False,
    uncertain: bool = False,
) -> CallError:
    fault = Fault(
        kind=kind,
        operation=call.operation,
        message=message,
        code=code,
        request_id=request_id,
        hint=hint or hints.hint_for(kind, call),
    )
    return CallError(fault, transient=transient, uncertain=uncertain)
