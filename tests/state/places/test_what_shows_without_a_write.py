"""A state location is looked at before a run: what shows of it without a write."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.state.places.conftest import MemoryObjects
from tests.support.clock import NOON, VirtualClock

from fleet_repl.runs.doctor import StateExamination
from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state import BucketStore, FolderStore
from fleet_repl.state.examine import LEAST_FREE, examine_state
from fleet_repl.state.lock_document import lock_content
from fleet_repl.state.lock_rules import LockDocument

ELSEWHERE = Holder(
    run_id="20261123T110000Z-ab12cd",
    purpose=Purpose.APPLY,
    user="ann",
    host="elsewhere",
    pid=7,
    process="p",
)


class Usage(NamedTuple):
    free: int


async def of_folder(folder: Path) -> StateExamination:
    return await examine_state(FolderStore(folder), folder, ("prod", "old"))


def below(folder: Path) -> Iterator[str]:
    """Everything that lies in a folder."""
    return (str(path) for path in folder.rglob("*"))


async def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    """The folder that it would be made in says whether it can be; none is made."""
    examination = await of_folder(tmp_path / "a" / "b")
    assert (examination.readable, examination.writable) == ("ok", "ok")
    assert examination.conditional_writes == "unknown"
    assert examination.problems == ()
    assert list(below(tmp_path)) == []


async def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    """Neither can be done, and each is told."""
    (tmp_path / "a").write_text("")
    examination = await of_folder(tmp_path / "a" / "b")
    assert examination.writable == "failed"
    message = examination.problems[-1].message
    assert message == f"the fleet's state cannot be written: {tmp_path / 'a'} is no folder"


async def test_a_folder_that_this_user_may_not_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system says; the superuser may write anywhere."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    examination = await of_folder(tmp_path)
    (problem,) = examination.problems
    assert problem.message == (
        f"the fleet's state cannot be written: {tmp_path} may not be written to by this user"
    )
    assert problem.remedy == "name another place with --state or in [state], or mend this one"


async def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has something to write down."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=LEAST_FREE - 1))
    examination = await of_folder(tmp_path)
    assert examination.problems[0].message == (
        f"the fleet's state cannot be written: only 16,777,215 bytes are free at {tmp_path}"
    )


async def test_a_lock_under_a_former_name(tmp_path: Path) -> None:
    """It binds, so it is read as well; one that cannot be read is a problem."""
    (tmp_path / "old").mkdir(mode=0o700)
    (tmp_path / "old" / "lock.json").write_text("{}")
    examination = await of_folder(tmp_path)
    assert (examination.readable, examination.conditional_writes) == ("failed", "unknown")
    assert examination.problems[0].message.startswith("the fleet's lock cannot be used: ")
    assert examination.problems[0].remedy.startswith("see that no other run of this fleet")


@pytest.mark.parametrize(("later", "binds"), [(10, True), (120, False)])
async def test_a_lock_that_has_run_out_is_none(tmp_path: Path, later: int, binds: bool) -> None:
    """Its holder gave no sign of life for longer than its lease."""
    document = LockDocument(fleet="prod", holder=ELSEWHERE, taken_at=NOON, renewed_at=NOON)
    store = FolderStore(tmp_path, now=lambda: time.time() + later)
    await store.replace("prod/lock.json", lock_content(document))
    examination = await examine_state(store, tmp_path, ("prod",))
    assert (examination.lock is not None) is binds
    assert examination.conditional_writes == "ok"


async def test_of_a_bucket_a_write_is_unknown() -> None:
    """Nobody can tell without one, and none is made."""
    objects = MemoryObjects(VirtualClock())
    examination = await examine_state(BucketStore(objects), None, ("prod",))
    assert (examination.location, examination.readable) == ("s3://memory/fleets", "ok")
    assert (examination.writable, examination.conditional_writes) == ("unknown", "unknown")
    assert (objects.objects, objects.puts) == ({}, 0)
