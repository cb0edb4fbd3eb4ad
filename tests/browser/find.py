"""Finds a Chromium, or installs one where this user may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE: Final = "FLEET_REPL_CHROMIUM"
_SECONDS: Final = 900


def find_chromium() -> str | None:
    """Returns the path of a Chromium that starts: the one that the environment names, else one on
    the PATH, else that of Playwright. None where there is none."""
    if named := os.environ.get(VARIABLE):
        return named if _starts(named) else None
    for path in map(shutil.which, NAMES):
        if path is not None and _starts(path):
            return path
    path = _path_of_playwright()
    return path if path is not None and _starts(path) else None


def _starts(path: str) -> bool:
    """Returns whether a browser can be started. The one in Ubuntu's packages only names a snap."""
    ended = _ended(path, "--version")
    return ended is not None and ended.returncode == 0


def _path_of_playwright() -> str | None:
    """Returns where Playwright keeps its Chromium; None without Playwright."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may be missing
    except ModuleNotFoundError:
        return None
    with sync_playwright() as playwright:
        return str(playwright.chromium.executable_path)


def _install_by_apt() -> str:
    """Has apt-get install the Chromium of Debian, where this user may; returns what came of it."""
    if shutil.which("apt-get") is None:
        return "there is no apt-get to install it with"
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if as_root and shutil.which("sudo") is None:
        return "only root can install it with apt-get"
    # What is known of packages may be good enough where it cannot be brought up to date.
    _ended(*as_root, "apt-get", "update")
    return _outcome(*as_root, "apt-get", "install", "--yes", "--no-install-recommends", "chromium")


def _install_by_playwright() -> str:
    """Has Playwright download its Chromium; returns what came of it."""
    return _outcome(sys.executable, "-m", "playwright", "install", "chromium")


def _outcome(*command: str) -> str:
    ended, words = _ended(*command), " ".join(command)
    if ended is None:
        return f"{words}: it did not end"
    if ended.returncode == 0:
        return f"{words}: what it installed does not start"
    lines = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "Error"))]
    return f"{words}: {next(iter(errors or lines[-1:]), f'exit code {ended.returncode}')}"


def _ended(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Runs a command that asks nothing and may fail; None where it does not start or end."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def answer() -> str:
    """Returns the path of a Chromium, which is installed if need be, or why there is none."""
    if path := find_chromium():
        return path
    if named := os.environ.get(VARIABLE):
        return f"there is no Chromium: {named}, which {VARIABLE} names, does not start"
    reasons = []
    ways: tuple[Callable[[], str], ...] = (_install_by_apt, _install_by_playwright)
    for install in ways:
        reasons.append(install())
        if path := find_chromium():
            return path
    return f"there is no Chromium on the PATH; {'; '.join(reasons)}; {VARIABLE} can name one"
