"""Ask a source of credentials: bounded in time, tried again where that can help.

Sources are files, helpers, services on the network. A helper that hangs is ended with all that
it has started, and nobody is asked for a code where there is no terminal.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, NoReturn, TypeVar

import anyio
from aiobotocore.credentials import (
    AioAssumeRoleProvider,
    AioInstanceMetadataProvider,
    AioProcessProvider,
)
from aiobotocore.session import AioSession
from anyio.abc import ByteReceiveStream, Process
from botocore import exceptions as sdk

from fleet_repl.aws.error_codes import kind_of
from fleet_repl.engine.retry import Pace
from fleet_repl.values.errors import CallError, Fault, FaultKind

T = TypeVar("T")

UNATTENDED_SECONDS: Final = 60.0
"""How long a source may take."""
ATTENDED_SECONDS: Final = 300.0
"""The same where somebody may have to find a code and type it."""
_ATTEMPTS: Final = 4
_LONGEST: Final = 1_000_000
"""Bytes of a helper's output that are read."""
_CAN_PASS: Final = frozenset({FaultKind.THROTTLED, FaultKind.SERVICE, FaultKind.TIMEOUT})


class SourceTimeoutError(Exception):
    """The source of the credentials gave no answer in time."""


class NoTerminalError(Exception):
    """Somebody would have to be asked for a code, and nobody is there."""


async def renewed(ask: Callable[[], Awaitable[T]], pace: Pace) -> T:
    """What `ask` gives. Raises what it raises at last, or SourceTimeoutError."""
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
    seconds = ATTENDED_SECONDS if _at_a_terminal() else UNATTENDED_SECONDS
    with anyio.move_on_after(seconds):
        return await ask()
    raise SourceTimeoutError(f"their source gave no answer within {seconds:.4g} s")


def _can_pass(error: Exception) -> bool:
    """Whether the same source may answer a moment later. A helper that says no is not pressed:
    it may count wrong passwords."""
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
    """Have the session's credential chain run helpers, ask for codes and hear refusals in a way
    that fits a program which runs by itself."""
    for provider in session.get_component("credential_provider").providers:
        match provider:
            case AioProcessProvider():
                provider._popen = run_helper
            case AioAssumeRoleProvider():
                if not _at_a_terminal():
                    provider._prompter = _nobody_to_ask
                _attend_profiles(provider._profile_provider_builder)
            case AioInstanceMetadataProvider():
                fetcher = provider._role_fetcher
                fetcher._session.send = _outspoken(fetcher._session.send)


def _attend_profiles(builder: object) -> None:
    """The profile that a role is assumed from may have a helper too."""
    make = builder._create_process_provider  # type: ignore[attr-defined]

    def made(profile_name: str) -> object:
        provider = make(profile_name)
        provider._popen = run_helper
        return provider

    builder._create_process_provider = made  # type: ignore[attr-defined]


def _outspoken(send: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """The SDK takes a metadata service that is busy for one that is not there."""

    async def sent(request: object) -> object:
        response = await send(request)
        status: object = getattr(response, "status_code", None)
        if isinstance(status, int) and (status == 429 or status >= 500):
            raise sdk.MetadataRetrievalError(error_msg=f"the metadata service answered {status}")
        return response

    return sent


def _nobody_to_ask(prompt: str) -> NoReturn:  # noqa: ARG001 - nobody will read it
    raise NoTerminalError("the profile asks for an MFA code, and there is no terminal to ask at")


def _at_a_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A helper that has ended, in the shape in which the SDK knows processes."""

    stdout: bytes
    stderr: bytes
    returncode: int | None

    async def communicate(self) -> tuple[bytes, bytes]:
        return self.stdout, self.stderr


async def run_helper(*command: str, **_streams: int) -> _Ended:
    """Run a credential_process to its end; whoever gives up on it ends it.

    At a terminal it shares that with us: it may ask there, and Ctrl-C reaches it. Elsewhere it has
    a session of its own, so that all that it has started can be ended with it.
    """
    attended = _at_a_terminal()
    # Given up half-way, starting it would leave it running.
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
    """The stream to its end; what is too long is not kept."""
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
