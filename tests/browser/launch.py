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
    """Writes the page of a real run of the demo fleet, of which much fails for good.

    Without the faults of the scenario that pass if one tries again, whose waits take seconds.
    """
    whole = (ROOT / "docs" / "scenarios" / "storm.toml").read_text(encoding="utf-8")
    scenario = path.with_suffix(".toml")
    scenario.write_text(whole.partition("# What does not pass.")[2], encoding="utf-8")
    command = [sys.executable, "-m", "fleet_repl", "apply", "inventories/demo.toml", "--sandbox"]
    command += ["--scenario", str(scenario), "--yes", "--quiet", "--report"]
    ended = subprocess.run([*command, str(path)], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 4, ended.stderr.decode()
