"""Accounts whose profiles each ask for an MFA code: one question for each, one after the other."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from fleet_repl.aws import mfa

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

KEY: Final = "AKIABASEBASEBASEBASE"
PROMPT: Final = re.compile(r"Enter MFA code for arn:aws:iam::700000000007:mfa/(\w+): ")


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where somebody types who sits at the process's terminal."""
    master, slave = pty.openpty()
    monkeypatch.setattr(mfa, "TERMINAL", os.ttyname(slave))
    # Whoever runs the tests may sit at another one.
    monkeypatch.setattr(os, "isatty", lambda number: False)
    monkeypatch.setattr(mfa, "_SESSIONS", {})
    yield master
    os.close(master)
    os.close(slave)


async def typing(keyboard: int, shown: list[str]) -> None:
    """Type the next code after each prompt, and keep what the terminal shows."""
    answered = 0
    while True:
        await anyio.wait_readable(keyboard)
        shown.append(os.read(keyboard, 4096).decode())
        while len(PROMPT.findall("".join(shown))) > answered:
            answered += 1
            os.write(keyboard, f"{answered:06}\n".encode())


async def test_questions_come_one_after_the_other(
    edge: Edge, keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four accounts and two profiles at once are two questions, each answered before the next. A
    second connection asks nothing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    edge.config.write_text(
        f"[profile user]\naws_access_key_id = {KEY}\naws_secret_access_key = x\n"
        + "".join(
            f"[profile {name}]\nsource_profile = user\n"
            f"role_arn = arn:aws:iam::700000000007:role/{name}\n"
            f"mfa_serial = arn:aws:iam::700000000007:mfa/{name}\n"
            for name in ("one", "two")
        )
    )
    names = {1: "one", 2: "one", 3: "two", 4: "two"}
    inventory = edge.inventory(
        *(edge.account(number, profile=name) for number, name in names.items())
    )
    shown: list[str] = []
    async with anyio.create_task_group() as group:
        group.start_soon(typing, keyboard, shown)
        for _ in range(2):
            async with (
                edge.open(inventory, by_environment=True) as registries,
                anyio.create_task_group() as reads,
            ):
                for number in names:
                    reads.start_soon(registries.describe, edge.registry(number))
        group.cancel_scope.cancel()
    assert sorted(PROMPT.findall("".join(shown))) == ["one", "two"]
    # The first line has ended before the second question.
    assert PROMPT.sub("question", "".join(shown)).split() == ["question", "question"]
    codes = [call.parameters.get("TokenCode") for call in edge.aws.calls("AssumeRole")]
    assert sorted(filter(None, map(str, codes))) == ["000001", "000002", *["None"] * 8]
