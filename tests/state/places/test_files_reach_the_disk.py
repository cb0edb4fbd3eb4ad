"""What a call has written is on the disk when it returns: the file first, then its name."""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_repl.state import FolderStore
from fleet_repl.values.errors import StateError

MADE = ["fsync /", "fsync /prod"]
"""The folder `prod` and the one below it, each named by the one above it."""


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the system, in its order; names of new files are left out."""
    calls: list[str] = []
    real = {name: getattr(os, name) for name in ("fsync", "write", "replace", "unlink")}

    def place(handle: int) -> str:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        shown = f"/{path.relative_to(tmp_path)}" if path != tmp_path else "/"
        return "new" if path.name.startswith(".") else shown

    def on_handle(name: str) -> Callable[..., Any]:
        def call(handle: int, *rest: Any) -> Any:
            calls.append(f"{name} {place(handle)}")
            return real[name](handle, *rest)

        return call

    def on_name(name: str) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **how: Any) -> Any:
            calls.append(name)
            return real[name](path, *rest, **how)

        return call

    for name in ("fsync", "write"):
        monkeypatch.setattr(f"os.{name}", on_handle(name))
    for name in ("replace", "unlink"):
        monkeypatch.setattr(f"os.{name}", on_name(name))
    return calls


async def test_a_new_document(tmp_path: Path, done: list[str]) -> None:
    """Its folders, its content, and then its name."""
    await FolderStore(tmp_path).replace("prod/runs/plan.json", b"1")
    assert done == [*MADE, "write new", "fsync new", "replace", "fsync /prod/runs"]


@pytest.mark.parametrize("call", ["replace", "swap"])
async def test_one_in_the_place_of_another(tmp_path: Path, done: list[str], call: str) -> None:
    """The content is on the disk before the name stands for it, and the name is before it is
    told: power may fail between any two of these."""
    store = FolderStore(tmp_path)
    version = await store.swap("prod/applied.json", b"1", None)
    done.clear()
    if call == "swap":
        assert await store.swap("prod/applied.json", b"2", version) is not None
    else:
        await store.replace("prod/applied.json", b"2")
    assert done == ["write new", "fsync new", "replace", "fsync /prod"]


async def test_lines_that_are_added(tmp_path: Path, done: list[str]) -> None:
    """Each is on the disk; the name when it is new."""
    store = FolderStore(tmp_path)
    await store.append("prod/runs/j", b"1\n")
    journal = ["write /prod/runs/j", "fsync /prod/runs/j"]
    assert done == [*MADE, *journal, "fsync /prod/runs"]
    done.clear()
    await store.append("prod/runs/j", b"2\n")
    assert done == journal


async def test_one_that_is_taken_away(tmp_path: Path, done: list[str]) -> None:
    """It does not come back with the power."""
    store = FolderStore(tmp_path)
    await store.replace("prod/freeze.json", b"1")
    done.clear()
    await store.remove("prod/freeze.json")
    assert done == ["unlink", "fsync /prod"]


@pytest.mark.parametrize(("number", "fails"), [(errno.EIO, True), (errno.EINVAL, False)])
async def test_a_folder_that_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
) -> None:
    """That is a failure, unless the file system keeps names by itself and says so."""
    store = FolderStore(tmp_path)
    await store.replace("prod/applied.json", b"1")
    real = os.fsync

    def fsync(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().is_dir():
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr("os.fsync", fsync)
    writes: tuple[Callable[[], Awaitable[None]], ...] = (
        lambda: store.replace("prod/applied.json", b"2"),
        lambda: store.append("prod/journal", b"1\n"),
        lambda: store.remove("prod/applied.json"),
    )
    for write in writes:
        if fails:
            with pytest.raises(StateError, match="Input/output error"):
                await write()
        else:
            await write()
