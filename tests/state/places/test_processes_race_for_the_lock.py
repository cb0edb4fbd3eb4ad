"""Real processes and the lock in a folder: one holds it, and a killed one holds it no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOLDER = """
import sys
from pathlib import Path

import anyio

from fleet_repl.values.errors import RefusedError
from fleet_repl.values.clock import SYSTEM
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state import FolderStore, Lock, gone, this_process

async def main():
    me = this_process()
    holder = Holder(
        run_id=sys.argv[2], purpose=Purpose.APPLY, user=me.user, host=me.host, pid=me.pid,
        process=me.process,
    )
    lock = Lock(FolderStore(Path(sys.argv[1])), "prod", holder, SYSTEM, gone=gone)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        async with lock.held() as lease:
            print("held", lease.replaced.run_id if lease.replaced else None, flush=True)
            sys.stdin.readline()
    except RefusedError as error:
        print("refused", str(error).splitlines()[0], flush=True)

anyio.run(main)
"""


class Run:
    """A process that takes the lock when it is told to, and holds it until it is told again."""

    def __init__(self, state: Path, name: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(state), name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.heard() == "ready"

    def heard(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


def test_one_holds_it_and_a_killed_one_is_replaced_at_once(tmp_path: Path) -> None:
    """The others are told which; the next one takes over from the dead without waiting."""
    runs = [Run(tmp_path, name) for name in ("one", "two", "three")]
    last = Run(tmp_path, "last")
    try:
        for run in runs:
            run.go()
        said = [run.heard() for run in runs]
        (winner,) = [index for index, text in enumerate(said) if text == "held None"]
        name = ("one", "two", "three")[winner]
        pid = runs[winner].process.pid
        refused = [text for text in said if text.startswith("refused fleet prod is busy: apply")]
        assert len(refused) == 2
        assert all(f"apply {name} of " in text for text in refused)
        assert all(f"(process {pid}) holds its lock since " in text for text in refused)
        runs[winner].end()
        last.go()
        assert last.heard() == f"held {name}"
        last.go()
        assert last.process.wait(timeout=30) == 0
    finally:
        for run in (*runs, last):
            run.end()
    assert b'"holder":null' in (tmp_path / "prod" / "lock.json").read_bytes()
