"""Credentials from the SDK's sources: with a time limit, and retries where a retry can help.

Sources are files, helper programs and services on the network. A helper that hangs is killed with
all processes that it has started, a token is never read from a pipe, and nobody is asked for an
MFA code where there is no terminal.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import anyio
from aiobotocore.credentials import (
    AioAssumeRoleProvider,
    AioAssumeRoleWithWebIdentityProvider,
    AioInstanceMetadataProvider,
    AioProcessProvider,
)
from aiobotocore.session import AioSession
from anyio.abc import ByteReceiveStream, Process
from botocore import exceptions as sdk
from botocore.utils import FileWebIdentityTokenLoader

from fleet_repl.aws.error_codes import kind_of
from fleet_repl.aws.mfa import at_a_terminal, attend_mfa
from fleet_repl.engine.retry import Pace
from fleet_repl.values.errors import CallError, Fault, FaultKind

T = TypeVar("T")

UNATTENDED_SECONDS: Final = 60.0
"""The seconds that a source may take without a terminal."""
ATTENDED_SECONDS: Final = 300.0
"""The seconds that a source may take at a terminal, where somebody may have to type a code."""
_ATTEMPTS: Final = 4
_LONGEST: Final = 1_000_000
"""Bytes of a helper's output that are kept."""
_CAN_PASS: Final = frozenset({FaultKind.THROTTLED, FaultKind.SERVICE, FaultKind.TIMEOUT})


class SourceTimeoutError(Exception):
    """The source of the credentials gave no answer in time."""


class _TokenFile(FileWebIdentityTokenLoader):  # type: ignore[misc]  # the SDK has no types
    """The file that holds the token of a web identity, read anew for each session."""

    def __call__(self) -> str:
        path = self._web_identity_token_path
        if not Path(path).is_file():
            # At a pipe the SDK would block for ever, where nothing can interrupt it.
            message = f"the web identity token file {path} is no regular file"
            raise sdk.InvalidConfigError(error_msg=message)
        token: str = super().__call__()
        return token


async def renewed(ask: Callable[[], Awaitable[T]], pace: Pace) -> T:
    """Ask a source, with a time limit and retries; returns its answer. Raises the last exception of
    `ask`, or SourceTimeoutError."""
    errors: list[Exception] = []

    async def once() -> T:
        try:
            return await _bounded(ask)
        except Exception as error:
            if not _can_pass(error):
                raise
            errors.append(error)
        fault = Fault(kind=FaultKind.SERVICE, operation="credentials", message="none were given")
        raise CallError(fault, transient=True)

    with suppress(CallError):
        return await replace(pace, attempts=min(pace.attempts, _ATTEMPTS)).retry(once)
    raise errors[-1]


async def _bounded(ask: Callable[[], Awaitable[T]]) -> T:
    seconds = ATTENDED_SECONDS if at_a_terminal() else UNATTENDED_SECONDS
    with anyio.move_on_after(seconds):
        return await ask()
    raise SourceTimeoutError(f"their source gave no answer within {seconds:.4g} s")


def _can_pass(error: Exception) -> bool:
    """Returns whether the source may answer a moment later. A helper that has failed is not asked
    again: it may count wrong passwords."""
    match error:
        case sdk.CredentialRetrievalError():
            return bool(error.kwargs.get("provider") != AioProcessProvider.METHOD)
        case sdk.MetadataRetrievalError() | sdk.HTTPClientError() | sdk.ConnectionError():
            return True
        case sdk.ClientError():
            code = str(error.response.get("Error", {}).get("Code"))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            kind: FaultKind = kind_of(code, status, str(error), "sts")
            return kind in _CAN_PASS
        case _:
            return False


def attend(session: AioSession) -> None:
    """Change the session's credential chain so that it cannot hang a program that runs by itself.

    Helpers can be killed, codes are asked for at a terminal only, tokens are read from regular
    files only, and a metadata service that is busy is asked again.
    """
    for provider in session.get_component("credential_provider").providers:
        match provider:
            case AioProcessProvider():
                provider._popen = run_helper
            case AioAssumeRoleWithWebIdentityProvider():
                provider._token_loader_cls = _TokenFile
            case AioAssumeRoleProvider():
                attend_mfa(session, provider)
                _attend_profiles(provider._profile_provider_builder)
            case AioInstanceMetadataProvider():
                fetcher = provider._role_fetcher
                fetcher._session.send = _outspoken(fetcher._session.send)


def _attend_profiles(builder: object) -> None:
    """Attends the sources of the profile that a role is assumed from: a helper or a token."""
    for factory, attribute, value in (
        ("_create_process_provider", "_popen", run_helper),
        ("_create_web_identity_provider", "_token_loader_cls", _TokenFile),
    ):
        setattr(builder, factory, _with(getattr(builder, factory), attribute, value))


def _with(make: Callable[..., object], attribute: str, value: object) -> Callable[..., object]:
    """A function that makes the same providers, each with an attribute set to `value`."""

    def make_provider(*args: object, **kwargs: object) -> object:
        provider = make(*args, **kwargs)
        setattr(provider, attribute, value)
        return provider

    return make_provider


def _outspoken(send: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """Raise for a metadata service that is busy: the SDK would take it to be absent."""

    async def sent(request: object) -> object:
        response = await send(request)
        status: object = getattr(response, "status_code", None)
        if isinstance(status, int) and (status == 429 or status >= 500):
            raise sdk.MetadataRetrievalError(error_msg=f"the metadata service answered {status}")
        return response

    return sent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A helper that has ended, with the attributes that the SDK reads of a process."""

    stdout: bytes
    stderr: bytes
    returncode: int | None

    async def communicate(self) -> tuple[bytes, bytes]:
        return self.stdout, self.stderr


async def run_helper(*command: str, **_streams: int) -> _Ended:
    """Run a credential_process to its end; a cancellation kills it.

    At a terminal the helper shares the terminal: it may ask there, and Ctrl-C reaches it. Elsewhere
    it gets a session of its own, so that the processes that it has started are killed with it.
    """
    attended = at_a_terminal()
    # Shielded: a cancellation while the helper starts would leave it running.
    with anyio.CancelScope(shield=True):
        process = await anyio.open_process(
            command,
            stdin=None if attended else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=not attended,
        )
    output: dict[str, bytes] = {}

    async def read(name: str, stream: ByteReceiveStream | None) -> None:
        output[name] = b"" if stream is None else await _read(stream)

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read, "stdout", process.stdout)
            group.start_soon(read, "stderr", process.stderr)
        code = await process.wait()
    finally:
        if process.returncode is None:
            _kill(process, group=not attended)
        with anyio.CancelScope(shield=True):
            await process.aclose()
    return _Ended(stdout=output["stdout"], stderr=output["stderr"], returncode=code)


async def _read(stream: ByteReceiveStream) -> bytes:
    """Read a stream to its end; bytes beyond the limit are dropped."""
    text = b""
    async for chunk in stream:
        text = (text + chunk)[:_LONGEST]
    return text


def _kill(process: Process, *, group: bool) -> None:
    with suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
