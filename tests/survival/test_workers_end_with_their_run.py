"""Worker processes end when their run does, whether it is done, stopped or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from tests.support.inventories import fleet_text

SLOW: Final = "latency_ms = [200, 300]\n"
COMMAND: Final = (sys.executable, "-m", "fleet_repl", "plan", "fleet.toml", "--sandbox")
PATIENCE: Final = 30.0


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A plan over two workers that takes long enough to be stopped, once the workers read."""
    (folder / "fleet.toml").write_text(fleet_text("1>2 base/", accounts=200))
    (folder / "slow.toml").write_text(SLOW)
    command = [*COMMAND, "--scenario", "slow.toml", "--workers", "2", "-v"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until(lambda: sum(map(reads, workers_of(process.pid))) == 2)
            yield process
        finally:
            process.kill()


def workers_of(pid: int) -> list[int]:
    """The worker processes of a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [child for child in children if "spawn_main" in command_of(child)]


def reads(pid: int) -> bool:
    """Returns whether a worker has begun its first shard: it opens sockets for that."""
    try:
        return any("socket:" in str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def command_of(pid: int) -> str:
    """The command line of a process; empty for a process that is no more, or dead."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_until(condition: object) -> None:
    """Waits for what another process does."""
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_that_is_killed(tmp_path: Path) -> None:
    """Nobody tells its workers, and they end all the same."""
    with running(tmp_path) as process:
        workers = workers_of(process.pid)
        process.kill()
        wait_until(lambda: not any(map(command_of, workers)))


def test_a_worker_that_hangs(tmp_path: Path) -> None:
    """It does not keep Ctrl-C from ending the run, and ends with it."""
    with running(tmp_path) as process:
        workers = workers_of(process.pid)
        os.kill(workers[0], signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        wait_until(lambda: not any(map(command_of, workers)))


@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT)])
def test_ctrl_c(tmp_path: Path, signals: tuple[signal.Signals, ...]) -> None:
    """A terminal sends it to all processes. The run alone reacts, says so, and takes its workers
    along, without a traceback of anybody."""
    with running(tmp_path) as process:
        workers = workers_of(process.pid)
        for number in signals:
            for pid in (*workers, process.pid):
                # The run may have taken its workers along.
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.1)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert "Traceback" not in errors
        assert "interrupted before there was a plan" in errors or len(signals) == 2
        wait_until(lambda: not any(map(command_of, workers)))
