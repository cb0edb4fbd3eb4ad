"""What a folder keeps is private, on the disk, and safe between processes."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from fleet_repl.state import FolderStore, files
from fleet_repl.values.errors import StateError

RACE = """
import sys, time
from pathlib import Path
from fleet_repl.state import files
from fleet_repl.state.trust import Place

path, rounds = Path(sys.argv[1]), int(sys.argv[3])
place = Place(root=path.parent, name=path.name)
while not (path.parent / "go").exists():
    time.sleep(0.001)
for number in range(rounds):
    while True:
        there = files.find(place, now=time.time)
        count = int(there.content.split()[0]) if there else 0
        content = f"{count + 1} {sys.argv[2]}".encode()
        if files.swap(place, content=content, expected=there and there.version):
            break
"""


def test_processes_that_race_lose_no_write(tmp_path: Path) -> None:
    """Each adds one to what it has seen, by a swap: no two ever add to the same."""
    path = tmp_path / "counter"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(path), str(number), "15"], env=environment
        )
        for number in range(3)
    ]
    (tmp_path / "go").touch()
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert path.read_bytes().split()[0] == b"45"


async def test_of_swaps_at_once_exactly_one_wins(tmp_path: Path) -> None:
    """However many try, whether something is there or not."""
    seen = None
    for round_number in range(3):
        won: list[tuple[bytes, str]] = []

        async def attempt(
            content: bytes, expected: str | None, won: list[tuple[bytes, str]]
        ) -> None:
            version = await FolderStore(tmp_path).swap("prod/lock.json", content, expected)
            if version is not None:
                won.append((content, version))

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(attempt, f"{round_number}/{number}".encode(), seen, won)
        ((content, seen),) = won
        assert await FolderStore(tmp_path).read("prod/lock.json") == content


async def test_everything_made_is_private(tmp_path: Path) -> None:
    """Folders, documents, guards, journals: for their user only, at every depth."""
    old = os.umask(0)
    try:
        store = FolderStore(tmp_path / "deep" / "state")
        await store.swap("prod/lock.json", b"{}", None)
        await store.append("prod/runs/a/journal.jsonl", b"{}\n")
        await store.replace("prod/runs/a/run.json", b"{}")
    finally:
        os.umask(old)
    made = [*(tmp_path / "deep").rglob("*"), tmp_path / "deep"]
    modes = {stat.S_IMODE(item.stat().st_mode) for item in made if item.is_dir()}
    assert modes == {0o700}
    files = [item for item in made if item.is_file()]
    assert {stat.S_IMODE(item.stat().st_mode) for item in files} == {0o600}
    assert {item.name for item in files} == {
        ".lock.json.guard",
        "journal.jsonl",
        "lock.json",
        "run.json",
    }


async def test_new_names_are_synced_with_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is on the disk helps nobody if the folder that names it is not."""
    synced: list[str] = []
    real = os.fsync

    def watch(handle: int) -> None:
        place = str(Path(f"/proc/self/fd/{handle}").readlink())
        synced.append(place.removeprefix(str(tmp_path)))
        real(handle)

    monkeypatch.setattr("os.fsync", watch)
    store = FolderStore(tmp_path)
    await store.append("prod/runs/j", b"1\n")
    assert synced == ["", "/prod", "/prod/runs/j", "/prod/runs"]
    synced.clear()
    await store.append("prod/runs/j", b"2\n")
    assert synced == ["/prod/runs/j"]
    synced.clear()
    await store.remove("prod/runs/j")
    assert synced == ["/prod/runs"]


FILL = """
import anyio, resource, signal, sys
from pathlib import Path
from fleet_repl.values.errors import StateError
from fleet_repl.state import FolderStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

async def main():
    store = FolderStore(Path(sys.argv[1]))
    for write in (
        lambda: store.append("prod/journal", b"0123456789abcdef\\n"),
        lambda: store.replace("prod/applied.json", b"0123456789abcdef"),
        lambda: store.swap("prod/lock.json", b"0123456789abcdef", None),
    ):
        try:
            await write()
        except StateError as error:
            print(error)

anyio.run(main)
"""


async def test_a_disk_that_fills_up_is_reported(tmp_path: Path) -> None:
    """A line may be left half-written; the next one is readable. Other documents stay whole."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: ASYNC221 - nothing runs beside it
        [sys.executable, "-c", FILL, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    folder = tmp_path / "prod"
    assert done.stdout.splitlines() == [
        f"the fleet's state cannot be written: {folder / name}: File too large"
        for name in ("journal", "applied.json", "lock.json")
    ]
    assert sorted(path.name for path in folder.iterdir()) == [".lock.json.guard", "journal"]
    store = FolderStore(tmp_path)
    await store.append("prod/journal", b"next\n")
    assert await store.read_grown("prod/journal") == b"0123456789\nnext\n"


async def test_a_swap_waits_for_a_stopped_process_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it says that there is one, rather than wait for ever; the processor rests meanwhile."""
    pauses = list[float]()

    def rest(seconds: float) -> None:
        assert seconds > 0
        assert sum(pauses) < 10, "it waits for ever"
        pauses.append(seconds)

    clock = SimpleNamespace(monotonic=lambda: sum(pauses), sleep=rest, time=time.time)
    monkeypatch.setattr(files, "time", clock)
    guard = tmp_path / ".lock.json.guard"
    with guard.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StateError) as caught:
            await FolderStore(tmp_path).swap("lock.json", b"{}", None)
    assert str(caught.value) == (
        f"the fleet's state cannot be written: {tmp_path / 'lock.json'}: Connection timed out\n"
        "    see whether a process of fleet-repl is stopped there, and end it"
    )
    assert 5 <= sum(pauses) < 5.1
    assert await FolderStore(tmp_path).swap("lock.json", b"{}", None) is not None


@pytest.mark.parametrize("call", ["read", "find", "read_grown", "names", "remove"])
async def test_what_is_in_the_way_is_named(tmp_path: Path, call: str) -> None:
    """A file where a folder should be: every call says which."""
    (tmp_path / "prod").write_text("no folder")
    with pytest.raises(StateError) as caught:
        await getattr(FolderStore(tmp_path), call)("prod/lock.json")
    what = "written" if call == "remove" else "read"
    assert str(caught.value) == (
        f"the fleet's state cannot be {what}: {tmp_path / 'prod/lock.json'}: Not a directory"
    )


async def test_a_pipe_in_the_place_of_a_folder_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Opening one waits for whoever writes to it, which may be for ever."""
    pipe, opened = tmp_path / "prod", list[int]()
    os.mkfifo(pipe)
    rescue = threading.Timer(10, lambda: opened.append(os.open(pipe, os.O_RDWR)))
    rescue.start()
    try:
        with pytest.raises(StateError, match="Not a directory"):
            await FolderStore(tmp_path).read("prod/lock.json")
    finally:
        rescue.cancel()
    assert opened == []


async def test_a_folder_of_somebody_else_is_reported_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own words name the reason; the rest is the remedy."""

    def denied(*_: Any, **__: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", denied)
    with pytest.raises(StateError) as caught:
        await FolderStore(tmp_path).append("journal", b"1\n")
    assert str(caught.value) == (
        f"the fleet's state cannot be written: {tmp_path / 'journal'}: Permission denied\n"
        "    see that the folder belongs to the user who runs fleet-repl"
    )


@pytest.mark.parametrize("name", ["../outside", "prod/../../outside", "/etc/outside"])
async def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Names can come from a command line."""
    store = FolderStore(tmp_path / "state")
    (tmp_path / "outside").write_text("kept")
    for call in (store.read(name), store.names(name), store.remove(name), store.append(name, b"")):
        with pytest.raises(StateError, match="is no document's name"):
            await call
    assert (tmp_path / "outside").read_text() == "kept"


async def test_no_open_waits_or_takes_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device may have been put in the place of any document: opening a line without a carrier
    would wait for ever, and a terminal would take the process along when it is closed."""
    seen: dict[str, int] = {}
    real = os.open

    def watched(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if not flags & os.O_DIRECTORY:
            seen[str(path)] = flags
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr("os.open", watched)
    store = FolderStore(tmp_path)
    await store.swap("lock.json", b"{}", None)
    await store.append("journal.jsonl", b"{}\n")
    await store.read("lock.json")
    careful = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    assert {path for path, flags in seen.items() if flags & careful != careful} == set()
    assert {"lock.json", "journal.jsonl", ".lock.json.guard"} <= seen.keys()
