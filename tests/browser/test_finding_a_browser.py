"""A Chromium is found or installed, or it is said what is missing."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.browser import find
from tests.browser.find import VARIABLE, answer, find_chromium

Program = Callable[[str, str], Path]
STARTS = "echo Chromium 1"
INSTALLS = f"""
[ "$DEBIAN_FRONTEND" = noninteractive ] || exit 1
[ "$1" = update ] && exit 100
printf '#!/bin/sh\\n{STARTS}\\n' > "$(dirname "$0")/chromium"
chmod +x "$(dirname "$0")/chromium"
"""
"""Installs Chromium beside itself; what is known of packages cannot be brought up to date."""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a program on the PATH, which else has a shell and little more. Playwright has nothing,
    and can download none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "chmod", "printf"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(find, "_path_of_playwright", lambda: str(tmp_path / "none"))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(stat.S_IRWXU)
        return path

    put("python", "echo Downloading; echo Error: no such host; exit 1")
    return put


def test_one_on_the_path(program: Program) -> None:
    """One that only says what to install instead is passed over."""
    program("chromium", "echo install the snap; exit 1")
    assert find_chromium() is None
    chrome = program("google-chrome", STARTS)
    assert find_chromium() == answer() == str(chrome)


def test_one_that_is_named(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No other is taken in its place, and none is installed."""
    program("chromium", STARTS)
    mine = program("mine", STARTS)
    monkeypatch.setenv(VARIABLE, str(mine))
    assert answer() == str(mine)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "missing"))
    assert answer() == (
        f"there is no Chromium: {tmp_path / 'missing'}, which {VARIABLE} names, does not start"
    )


def test_root_installs_it(program: Program) -> None:
    """With the packages that are known, where those cannot be brought up to date."""
    apt = program("apt-get", INSTALLS)
    assert answer() == str(apt.parent / "chromium")


def test_another_user_installs_it_with_sudo(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If sudo asks for no password."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    apt = program("apt-get", INSTALLS)
    sudo = program("sudo", "echo sudo: a password is required; exit 1")
    assert answer() == (
        "there is no Chromium on the PATH; sudo --non-interactive apt-get install --yes "
        "--no-install-recommends chromium: sudo: a password is required; "
        f"{apt.parent}/python -m playwright install chromium: Error: no such host; "
        f"{VARIABLE} can name one"
    )
    sudo.write_text('#!/bin/sh\n[ "$1" = --non-interactive ] && shift && exec "$@"\n')
    assert answer() == str(apt.parent / "chromium")


@pytest.mark.parametrize(
    ("user", "scripts", "why"),
    [
        (0, {}, "there is no apt-get to install it with"),
        (1000, {"apt-get": INSTALLS}, "only root can install it with apt-get"),
        (
            0,
            {"apt-get": "echo Reading; echo E: Unable to locate package chromium; exit 100"},
            "chromium: E: Unable to locate package chromium",
        ),
        (0, {"apt-get": "exit 7"}, "chromium: exit code 7"),
        (0, {"apt-get": "exit 0"}, "chromium: what it installed does not start"),
    ],
)
def test_it_is_said_why_there_is_none(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    scripts: dict[str, str],
    why: str,
) -> None:
    """Plainly, and without a traceback."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for name, script in scripts.items():
        program(name, script)
    assert f"{why}; " in answer()
