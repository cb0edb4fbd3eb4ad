"""A file that is there and cannot be read is an error like one that is missing, not wrong use."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.command_line import Cli


@pytest.fixture
def _sealed(inventory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of every kind that a command takes, and nobody may read them: not even root, for whom
    permissions of files count nothing."""
    for name in ("prod.plan", "faults.toml", "old.json"):
        Path(name).write_text("")
    may, really = os.access, os.open
    named = {Path(item).name for item in (inventory, "prod.plan", "faults.toml", "old.json")}

    def access(path: str, mode: int, **how: Any) -> bool:
        return not (mode & os.R_OK and Path(os.fsdecode(path)).name in named) and may(
            path, mode, **how
        )

    def refuse(path: str, flags: int, *args: Any, **how: Any) -> int:
        if Path(os.fsdecode(path)).name in named and not flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return really(path, flags, *args, **how)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize(
    "args",
    [
        *(
            [*command, "demo.toml"]
            for command in (
                ["validate"],
                ["graph"],
                ["bootstrap"],
                ["sandbox"],
                ["plan"],
                ["drift"],
                ["verify"],
                ["import"],
                ["apply"],
                ["backfill"],
                ["watch", "--once"],
                ["rollback", "last"],
                ["runs"],
                ["report", "last"],
                ["freeze", "--why", "a test"],
                ["unfreeze"],
                ["unlock"],
            )
        ),
        ["show", "prod.plan"],
        ["apply", "--plan", "prod.plan"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("_sealed")
def test_it_is_an_error_that_says_why(cli: Cli, args: list[str]) -> None:
    """With the code of a missing file."""
    ended = cli(*args)
    assert (ended.code, ended.out) == (1, "")
    assert "Permission denied" in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ["plan", "missing.toml", "--out", "prod.plan"],
        ["plan", "missing.toml", "--report", "old.json"],
        ["plan", "missing.toml", "--sandbox", "--scenario", "faults.toml"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("_sealed")
def test_no_other_path_is_judged_by_its_readability(cli: Cli, args: list[str]) -> None:
    """Results are written to theirs, and who reads a scenario says itself what is wrong."""
    ended = cli(*args)
    assert ended.code == 1
    assert ended.err.startswith("missing.toml: ")
