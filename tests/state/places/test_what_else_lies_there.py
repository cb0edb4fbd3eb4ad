"""Files and folders in a state location that are none of fleet-repl's stop nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet_repl.state import FolderStore, fleets
from fleet_repl.values.errors import StateError


async def test_a_volume_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lost+found` belongs to root, and a state location may be the root of a volume."""
    for name in ("prod/runs/20261123T081500Z-ab12cd/run.json", "lost+found/#12", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    scandir: Callable[..., Any] = os.scandir

    def guarded(path: Any) -> Any:
        if "lost+found" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", guarded)
    assert await fleets(FolderStore(tmp_path)) == ("prod",)


async def test_a_document_larger_than_any_run_writes_is_not_read(tmp_path: Path) -> None:
    """It would fill the memory. The message says how much a run of any size needs."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(16 * 1024**3)
    with pytest.raises(StateError, match="it is larger than 4 GiB"):
        await FolderStore(tmp_path).read("huge")
