"""Chromium as the tests start it, and the run whose page they open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without a sandbox, because root has none in a container; it opens our own files only."""


@contextmanager
def launched(path: str) -> Iterator[Any]:
    """Starts the Chromium at `path` with a new profile. Playwright has to be installed."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may be missing

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


def keep_storm(path: Path) -> None:
    """Writes the page of a real run of the demo fleet, of which much fails."""
    command = [sys.executable, "-m", "fleet_repl", "apply", "inventories/demo.toml", "--sandbox"]
    command += ["--scenario", "docs/scenarios/storm.toml", "--yes", "--quiet", "--report"]
    ended = subprocess.run([*command, str(path)], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 4, ended.stderr.decode()
