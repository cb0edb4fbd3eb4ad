"""Commands whose environment names a collector: a trace of each run, and no other output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.inventories import fleet_text
from tests.support.traces import collector

SPANS = ["plan", "registry", "registry", "run", "write", "write"]


def command(folder: Path, endpoint: str, *args: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, against the sandbox."""
    (folder / "fleet.toml").write_text(fleet_text("1>2 base/"))
    name, *options = args
    return subprocess.run(
        [sys.executable, "-m", "fleet_repl", name, "fleet.toml", "--sandbox", *options],
        cwd=folder,
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "args", [("apply", "--yes", "--quiet"), ("watch", "--once", "--fix", "--quiet")]
)
def test_a_run_is_delivered(args: tuple[str, ...], tmp_path: Path) -> None:
    """Of an apply, and of a round of a watch; stderr has no word of it."""
    with collector() as receiver:
        done = command(tmp_path, receiver.url, *args)
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.names() == SPANS


def test_a_broken_collector_is_a_warning_and_no_failure(tmp_path: Path) -> None:
    """It is written once, as any other warning, and the result is that of any other run."""
    with collector(503) as receiver:
        done = command(tmp_path, receiver.url, "apply", "--yes")
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1:] == [
        "warning: 6 spans of the run's trace could not be delivered"
    ]
    assert done.stderr.count("warning") == 1
    assert "Applied: 2 registries" in done.stdout
