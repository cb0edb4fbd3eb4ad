"""Exceptions of the SDK translated into `CallError`s, with a message and a hint for the reader.

Pure. Every exception is translated, also an unforeseen exception. A cancellation never comes this
way.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from fleet_repl.aws import hints
from fleet_repl.aws.denial_hints import allow_what_was_denied, denied
from fleet_repl.aws.error_codes import (
    CLOCK_CODES,
    CLOCK_MESSAGES,
    RACE_CODES,
    SESSION_CODES,
    SIGNATURE_CODES,
    UNKNOWN_KEY,
    kind_of,
)
from fleet_repl.aws.redact import clean, clean_source
from fleet_repl.aws.request import Call, OversizedAnswerError, UnparsedAnswerError
from fleet_repl.runs import remedies
from fleet_repl.values.errors import CallError, Fault, FaultKind

_UNCERTAIN: Final = frozenset({FaultKind.SERVICE, FaultKind.TIMEOUT})
_OBJECT: Final = re.compile(r" ssl:<[^>]*>")
_PASSING: Final = frozenset({FaultKind.THROTTLED, *_UNCERTAIN})


def translate(error: Exception, call: Call, hidden: Sequence[str] = ()) -> CallError:
    """The failure of `call` as a CallError. `hidden`: secrets that its message must not show."""
    match error:
        case sdk.ClientError():
            return _refused(error, call, hidden)
        case UnparsedAnswerError() | ResponseParserError():
            return garbage(call, "the answer cannot be parsed")
        case OversizedAnswerError() | sdk.IncompleteReadError() | sdk.FlexibleChecksumError():
            large = isinstance(error, OversizedAnswerError)
            return garbage(call, str(error) if large else "the answer is not whole")
        case sdk.HTTPClientError() | sdk.ConnectionError() | aiohttp.ClientPayloadError():
            return _unconnected(error, call, hidden)
        case sdk.BotoCoreError():
            return _unsent(error, call, hidden)
        case _:
            message = f"unforeseen {type(error).__name__}"
            return CallError(_fault(FaultKind.INTERNAL, call, message))


def unissued(error: Exception, call: Call) -> CallError:
    """The CallError for a call that the base identity's source issues no credentials for."""
    message = f"the base identity's credentials cannot be had: {said_by_source(error)}"
    return CallError(_fault(FaultKind.EXPIRED, call, message, hint=remedies.RENEW_BASE))


def said_by_source(error: Exception, hidden: Sequence[str] = ()) -> str:
    """The message of a source of credentials, or of the SDK about it, without secrets."""
    if isinstance(error, ResponseParserError):
        # The text of this error is the whole body, which may hold anything.
        return "an answer cannot be parsed"
    return clean_source(str(error), os.environ, hidden) or type(error).__name__


def garbage(call: Call, reason: str, request_id: str | None = None) -> CallError:
    """The CallError for an answer that is not AWS's. A write may have happened all the same."""
    fault = _fault(FaultKind.SERVICE, call, reason, request_id=request_id, hint=hints.NOT_AWS)
    return CallError(fault, transient=True, uncertain=call.writes)


def wrong_account(call: Call, actual: str, request_id: str | None = None) -> CallError:
    """The CallError for credentials, or an answer, of another account than the call's."""
    # Of an AssumeRole that is for all accounts, the role says which account it is.
    expected = call.account or (call.role.account if call.role is not None else None)
    message = f"account {expected} was meant, and it is account {clean(actual)}"
    return CallError(_fault(FaultKind.WRONG_ACCOUNT, call, message, request_id=request_id))


def no_longer_transient(error: CallError) -> CallError:
    """Returns the failure as one that is no longer transient: the retries have been made."""
    return CallError(error.fault)


def code_of(error: Exception) -> str | None:
    """AWS's error code; None for an exception that is no answer of AWS."""
    if not isinstance(error, sdk.ClientError):
        return None
    return _text(error.response.get("Error"), "Code")


def request_id_of(error: Exception, hidden: Sequence[str] = ()) -> str | None:
    """AWS's request id without secrets; None for an exception that is no answer of AWS."""
    if not isinstance(error, sdk.ClientError):
        return None
    request_id = _text(error.response.get("ResponseMetadata"), "RequestId")
    return clean(request_id, hidden) if request_id else None


def _refused(error: sdk.ClientError, call: Call, hidden: Sequence[str]) -> CallError:
    """The CallError for an error that AWS answered with."""
    code = code_of(error) or ""
    metadata: object = error.response.get("ResponseMetadata")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None
    message = _text(error.response.get("Error"), "Message") or ""
    kind = kind_of(code, status if isinstance(status, int) else 0, message, call.service)
    # AWS's errors have a code. Without one it may be a proxy's page, or a body that was cut off:
    # neither says for sure whether a write has happened.
    codeless = code in ("", "Unknown") or code.isdecimal()
    if codeless and isinstance(status, int) and status < 400:
        reason = f"the answer leads elsewhere (HTTP {status})"
        return garbage(call, reason, request_id_of(error, hidden))
    fault = _fault(
        kind,
        call,
        message,
        code=f"{status}" if codeless else code,
        request_id=request_id_of(error, hidden),
        hint=_hint_for(code, kind, message, call),
        hidden=hidden,
    )
    return CallError(
        fault,
        transient=kind in _PASSING or code in SESSION_CODES | RACE_CODES or codeless,
        uncertain=kind in _UNCERTAIN or (codeless and call.writes),
    )


def _hint_for(code: str, kind: FaultKind, message: str, call: Call) -> str | None:
    """The hint that fits AWS's code and message; None where the one for the kind says enough."""
    words = message.lower()
    if code in SIGNATURE_CODES | CLOCK_CODES:
        late = code in CLOCK_CODES or any(phrase in words for phrase in CLOCK_MESSAGES)
        return remedies.CLOCK if late else hints.SIGNATURE
    if code in UNKNOWN_KEY and call.service == "sts":
        return hints.unknown_key(f"STS in {call.region}")
    if kind is FaultKind.ACCESS_DENIED:
        return hints.hint_for_code(code, call) or denied(call, message)
    if call.operation == "AssumeRole" and "durationseconds" in words:
        return hints.session_too_long(call)
    if kind is FaultKind.INVALID:
        return allow_what_was_denied(message, call) or hints.hint_for_code(code, call)
    return None


def _unconnected(error: Exception, call: Call, hidden: Sequence[str]) -> CallError:
    """The CallError for a call that got no whole answer: uncertain unless no request was sent."""
    kwargs: object = getattr(error, "kwargs", None)
    cause: object = kwargs.get("error") if isinstance(kwargs, Mapping) else None
    if isinstance(error, sdk.ConnectTimeoutError):
        fault = _fault(FaultKind.TIMEOUT, call, "no connection within the timeout")
        return CallError(fault, transient=True)
    if isinstance(error, sdk.ReadTimeoutError):
        fault = _fault(FaultKind.TIMEOUT, call, "no answer within the timeout")
        return CallError(fault, transient=True, uncertain=True)
    if isinstance(cause, (sdk.BotoCoreError, aiohttp.InvalidURL)):
        return _unsent(cause, call, hidden)
    if _is_configuration(cause):
        message, hint = f"no trusted connection: {cause}", hints.CERTIFICATES
        return CallError(_fault(FaultKind.NETWORK, call, message, hint=hint, hidden=hidden))
    # The SDK raises the same exception for a connection that was refused and for one that broke
    # half-way; only its cause tells them apart.
    by_proxy = isinstance(error, sdk.ProxyConnectionError) or isinstance(
        cause, aiohttp.ClientProxyConnectionError
    )
    if by_proxy or isinstance(cause, aiohttp.ClientConnectorError):
        # An object of Python's means nothing to a reader.
        what = f"no connection{' to the proxy' * by_proxy}: {_OBJECT.sub('', str(cause))}"
        nameless = isinstance(cause, aiohttp.ClientConnectorDNSError)
        remedy = hints.PROXY if by_proxy else hints.unknown_host(call.region) if nameless else None
        fault = _fault(FaultKind.NETWORK, call, what, hint=remedy, hidden=hidden)
        return CallError(fault, transient=True)
    fault = _fault(FaultKind.NETWORK, call, "the connection broke before the whole answer came")
    return CallError(fault, transient=True, uncertain=True)


def _unsent(error: Exception, call: Call, hidden: Sequence[str]) -> CallError:
    """The CallError for a call that the SDK itself refuses to make; a retry would not help."""
    newer = isinstance(error, sdk.ParamValidationError)
    hint = hints.NEWER if newer else hints.SETTINGS
    return CallError(_fault(FaultKind.INVALID, call, str(error), hint=hint, hidden=hidden))


def _is_configuration(cause: object) -> bool:
    """Returns whether certificates are the cause, so that a retry would not help."""
    if isinstance(cause, aiohttp.ClientConnectorError):
        return isinstance(cause, aiohttp.ClientConnectorCertificateError)
    if isinstance(cause, aiohttp.ClientError):
        return False
    # Reading AWS_CA_BUNDLE happens within the first request and fails as one.
    return isinstance(cause, (ssl.SSLError, FileNotFoundError, PermissionError))


def _text(value: object, key: str) -> str | None:
    text = value.get(key) if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else None


def _fault(
    kind: FaultKind,
    call: Call,
    message: str,
    *,
    code: str | None = None,
    request_id: str | None = None,
    hint: str | None = None,
    hidden: Sequence[str] = (),
) -> Fault:
    """The only place where texts of AWS become part of a fault: without `hidden`, and without the
    secrets of the call itself."""
    hidden = (*hidden, *(secret.reveal() for secret in call.hidden))
    return Fault(
        kind=kind,
        operation=call.operation,
        message=clean(message, hidden) or "AWS says no more than that",
        code=clean(code, hidden) if code is not None else None,
        request_id=clean(request_id, hidden) if request_id is not None else None,
        hint=hint or hints.hint_for(kind, call),
    )
