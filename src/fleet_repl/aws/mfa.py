"""MFA codes of profiles whose role asks for one: typed at the terminal, once for a whole process.

The SDK's own prompt blocks the event loop: Ctrl-C would do nothing, and the lock would be lost
while somebody looks for a phone. So the SDK gets the prompt in place of the code, and the code is
asked for just before the call.
"""

from __future__ import annotations

import os
import re
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

import anyio
from aiobotocore.credentials import AioAssumeRoleProvider
from aiobotocore.session import AioSession
from anyio.lowlevel import RunVar

TERMINAL: Final = "/dev/tty"
"""The terminal of this process, if it has one."""
_CODE: Final = re.compile(rb"\s*([0-9]{6})\s*")
_SESSIONS: Final[dict[str, object]] = {}
"""The SDK's cache of sessions. A run opens several connections, and no code can be used twice."""
_ASKING: Final[RunVar[anyio.Lock]] = RunVar("asking")
"""Held while somebody types: profiles of several accounts may ask at once."""


class NoTerminalError(Exception):
    """A code is asked for, and there is no terminal to ask at."""


def at_a_terminal() -> bool:
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def attend_mfa(session: AioSession, provider: AioAssumeRoleProvider) -> None:
    """Have the provider of a session's credential chain ask for codes at the terminal only, and
    share what it gets with the other sessions of this process."""
    if not at_a_terminal():
        provider._prompter = _nobody_to_ask
        return
    provider._prompter = str
    profiles = session.full_config.get("profiles", {})
    if any("mfa_serial" in profile for profile in profiles.values()):
        provider.cache = _SESSIONS
    session.register("provide-client-params.sts.AssumeRole", _with_code)


async def _with_code(params: Mapping[str, object], **_: object) -> Mapping[str, object] | None:
    """The parameters of an AssumeRole with the code; None where it needs none."""
    prompt = params.get("TokenCode")
    if not isinstance(prompt, str):
        return None
    lock = _ASKING.get(None)
    if lock is None:
        _ASKING.set(lock := anyio.Lock())
    async with lock:
        return {**params, "TokenCode": await _typed(prompt)}


async def _typed(prompt: str) -> str:
    """The code that somebody types, without an echo. Raises NoTerminalError."""
    with _silent_terminal() as terminal:
        while True:
            os.write(terminal, prompt.encode())
            await anyio.wait_readable(terminal)
            line = os.read(terminal, 1024)
            if (code := _CODE.fullmatch(line)) is not None:
                return code[1].decode()
            if not line:
                raise NoTerminalError("no MFA code was typed")
            os.write(terminal, b"\nsix digits, please\n")


@contextmanager
def _silent_terminal() -> Iterator[int]:
    """Open the terminal and switch its echo off while this lasts."""
    # By its own name where it is known: kqueue cannot wait for /dev/tty.
    own = next((os.ttyname(number) for number in range(3) if os.isatty(number)), TERMINAL)
    terminal = os.open(own, os.O_RDWR | os.O_NOCTTY)
    try:
        before = termios.tcgetattr(terminal)
        silent = [*before]
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        try:
            yield terminal
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
            os.write(terminal, b"\n")
    finally:
        os.close(terminal)


def _nobody_to_ask(prompt: str) -> NoReturn:  # noqa: ARG001 - nobody will read it
    raise NoTerminalError("the profile asks for an MFA code, and there is no terminal to ask at")
