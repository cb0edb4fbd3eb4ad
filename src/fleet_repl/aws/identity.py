"""The base identity: resolved once and checked once, before any account is tried.

Every failure of its source, or of the SDK's settings, becomes one `IdentityError` with a remedy.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession
from botocore import exceptions as sdk
from botocore.credentials import ReadOnlyCredentials
from botocore.parsers import ResponseParserError

from fleet_repl.aws import hints
from fleet_repl.aws.answers import Identity, identity
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.clients import open_clients
from fleet_repl.aws.configuration import (
    Endpoint,
    client_config,
    make_session,
    quieten_sdk,
    sts_region,
)
from fleet_repl.aws.credentials import Base, SdkCredentials
from fleet_repl.aws.error_codes import UNKNOWN_KEY
from fleet_repl.aws.faults import code_of, request_id_of, said_by_source
from fleet_repl.aws.mfa import NoTerminalError
from fleet_repl.aws.quotas import Quotas
from fleet_repl.aws.renewal import SourceTimeoutError, attend, renewed
from fleet_repl.aws.request import Call, Service
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import CallError, IdentityError
from fleet_repl.values.names import Partition, Region
from fleet_repl.values.text import below

T = TypeVar("T")

_FIND: Final = (
    "set AWS_PROFILE or [aws] profile, run `aws sso login`, or put credentials in the environment"
)
_SOURCE: Final = "see that the source of the credentials works by itself"
_HANGS: Final = (
    "run the profile's credential_process or login by hand: it may wait for a code or a password, "
    "which takes a terminal"
)
_NO_MFA: Final = (
    "run it from a terminal, or use a profile whose session has passed MFA before, such as one of "
    "`aws sso login`"
)
_SIGN_ON: Final = "sign on again, and run again:\naws sso login --profile PROFILE"
_CHAINED: Final = (
    "set duration_seconds of the profile to 3600: a role that a role assumes lasts an hour at the "
    "most"
)
_WRONG_CODE: Final = "run it again with the code that your device shows next: each works once"
_REMEDIES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (
        sdk.ProfileNotFound,
        "see `aws configure list-profiles`, and set AWS_PROFILE or [aws] profile",
    ),
    (sdk.NoCredentialsError, _FIND),
    (sdk.PartialCredentialsError, "set what is missing, or use a profile"),
    (sdk.SSOError, _SIGN_ON),
    (sdk.TokenRetrievalError, _SIGN_ON),
    (sdk.LoginError, "log in again, and run again:\naws login --profile PROFILE"),
    (sdk.ConfigParseError, "mend that file"),
    (sdk.ConfigNotFound, "see AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"),
    (sdk.CredentialRetrievalError, _SOURCE),
    (sdk.MetadataRetrievalError, _SOURCE),
    (SourceTimeoutError, _HANGS),
    (NoTerminalError, _NO_MFA),
    (RuntimeError, _SOURCE),
    (sdk.ClientError, "see that the profile's role can be assumed: `aws sts get-caller-identity`"),
    (sdk.HTTPClientError, hints.WAY),
    (sdk.ConnectionError, hints.WAY),
    (ResponseParserError, hints.NOT_AWS),
    (FileNotFoundError, "see the profile's credential_process"),
)


async def resolve(
    session: AioSession, endpoint: Endpoint | None
) -> tuple[SdkCredentials, ReadOnlyCredentials]:
    """The base credentials: those of the endpoint, else those that the SDK's own chain finds.

    Raises what the SDK raises. The SDK takes no lock while it resolves credentials, so no other
    task may use the session meanwhile.
    """
    if endpoint is not None:
        secret = endpoint.secret_access_key.reveal()
        credentials: SdkCredentials = AioCredentials(endpoint.access_key_id, secret)
        return credentials, await credentials.get_frozen_credentials()
    chain = session.get_component("credential_provider")
    resolved: SdkCredentials | None = await chain.load_credentials()
    if resolved is None:
        raise sdk.NoCredentialsError
    # Some kinds ask their source only now; others have asked it, and would ask it again.
    frozen: ReadOnlyCredentials | None = getattr(resolved, "_frozen_credentials", None)
    return resolved, frozen or await resolved.get_frozen_credentials()


async def open_session(aws: Aws, endpoint: Endpoint | None, pace: Pace) -> tuple[AioSession, Base]:
    """An SDK session and its base identity. Raises IdentityError."""

    async def opened() -> tuple[AioSession, Base]:
        session = make_session(aws, endpoint)
        attend(session)
        credentials, first = await renewed(lambda: resolve(session, endpoint), pace)
        return session, Base(credentials, first, pace)

    profile = aws.profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    return await usable(opened(), profile or "default")


async def check(caller: Caller, base: Base, region: Region, partition: Partition) -> Identity:
    """Ask AWS who the base identity is, by GetCallerIdentity.

    Raises IdentityError where AWS does not accept it, or where it is of another partition.
    """
    call = Call(service="sts", operation="GetCallerIdentity", region=region)
    try:
        answer = await caller.persist(call, lambda: caller.once(call, base, identity))
    except CallError as error:
        fault = error.fault
    else:
        if answer.partition != partition:
            raise _error(
                f"the base identity {answer.arn} is of partition {answer.partition}, and the "
                f"inventory of {partition}",
                "use credentials of that partition, or set [aws] partition",
            )
        return answer
    reason = "there is no usable base identity"
    if fault.passing:
        reason = "STS could not be asked who the base identity is"
    raise _error(f"{reason}: {fault}", fault.hint or hints.SETTINGS)


@asynccontextmanager
async def open_service(
    aws: Aws,
    service: Service,
    region: Region | None = None,
    *,
    pace: Pace,
    endpoint: Endpoint | None,
    on_event: EventSink,
    concurrency: int,
) -> AsyncIterator[tuple[Caller, Base, Region]]:
    """Opens one service for the base identity alone: its caller, and the region (None: STS's).
    Nothing is called yet. Raises IdentityError."""
    quieten_sdk()
    session, base = await open_session(aws, endpoint, pace)
    region = region or sts_region(session, aws, endpoint)
    config = client_config(session, endpoint, concurrency=concurrency, timeout=pace.timeout)
    async with open_clients(session, config, endpoint) as clients:
        await usable(clients.prepare(service, region))
        yield Caller(clients, pace, Quotas(pace.clock), on_event), base, region


async def usable(step: Awaitable[T], profile: str = "default") -> T:
    """Awaits `step`, which may need `profile`; turns the SDK's errors into IdentityError."""
    try:
        return await step
    except Exception as error:  # noqa: BLE001 - a profile can fail in any way, and is the user's
        failure = _unusable(error, profile)
    # Raised outside the handler: the SDK's exception may hold secrets and must not be its context.
    raise failure


def _unusable(error: Exception, profile: str) -> IdentityError:
    reason = said_by_source(error)
    if (code := code_of(error)) is not None:
        reason = f"{reason} ({code}, request {request_id_of(error)})"
        if code in UNKNOWN_KEY:
            return _error(f"there is no usable base identity: {reason}", hints.unknown_key())
        if "MultiFactorAuthentication failed" in reason:
            return _error(f"there is no usable base identity: {reason}", _WRONG_CODE)
        if "role chaining" in reason:
            return _error(f"there is no usable base identity: {reason}", _CHAINED)
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            named = remedy.replace(" PROFILE", f" {shlex.quote(profile)}")
            return _error(f"there is no usable base identity: {reason}", named)
    return _error(f"the AWS settings cannot be used: {reason}", hints.SETTINGS)


def _error(reason: str, remedy: str) -> IdentityError:
    return IdentityError(f"{reason}{below(remedy)}")
