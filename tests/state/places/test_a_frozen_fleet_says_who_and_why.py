"""The freeze of a fleet as a document: written, read, lifted, and never misread as none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleet_repl.runs.history import Freeze
from fleet_repl.state import FolderStore, frozen_refusal, lift_freeze, read_freeze, write_freeze
from fleet_repl.values.errors import StateError

FREEZE = Freeze(
    who="Zoë@laptop", why="incident 42: keep off", since=datetime(2026, 11, 23, 8, tzinfo=UTC)
)


async def test_it_is_frozen_until_lifted(tmp_path: Path) -> None:
    """One fleet at a time; lifting tells what was lifted."""
    store = FolderStore(tmp_path)
    assert await read_freeze(store, "prod") is None
    await write_freeze(store, "prod", FREEZE)
    later = replace(FREEZE, why="still on")
    await write_freeze(store, "prod", later)
    assert await read_freeze(store, "prod") == later
    assert await read_freeze(store, "dev") is None
    assert await lift_freeze(store, "prod") == later
    assert await lift_freeze(store, "prod") is None
    assert await read_freeze(store, "prod") is None


def test_the_refusal_says_how_to_go_on() -> None:
    """Since when, by whom, why, and the command."""
    assert frozen_refusal(FREEZE) == (
        "the fleet is frozen since 2026-11-23T08:00:00Z by Zoë@laptop: incident 42: keep off\n"
        "    lift it with: fleet-repl unfreeze INVENTORY"
    )


@pytest.mark.parametrize(
    ("freeze", "reason"),
    [
        (replace(FREEZE, why=""), "why: 1 to 500 characters are needed, not 0"),
        (replace(FREEZE, why="x" * 501), "why: 1 to 500 characters are needed, not 501"),
        (replace(FREEZE, who="a\nb"), "who: control characters are not allowed"),
        (replace(FREEZE, why="\x1b[2J"), "why: control characters are not allowed"),
    ],
)
async def test_who_and_why_are_plain_text(tmp_path: Path, freeze: Freeze, reason: str) -> None:
    """What cannot be shown is not kept."""
    store = FolderStore(tmp_path)
    with pytest.raises(StateError) as caught:
        await write_freeze(store, "prod", freeze)
    assert str(caught.value) == f"the fleet cannot be frozen: {reason}"
    assert await read_freeze(store, "prod") is None


REST = b',"who":"a","since":"2026-11-23T08:00:00Z"}'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            b'{"schema":"fleet-repl/freeze/1","fleet":"prod","why":"b","why":"c"' + REST,
            'it is no JSON: an object names the key "why" twice',
        ),
        (
            b'{"schema":"fleet-repl/freeze/1","fleet":"dev","why":"b"' + REST,
            "it is of fleet 'dev'",
        ),
        (
            b'{"schema":"fleet-repl/freeze/1","fleet":"prod","why":"b\\u001b"' + REST,
            "why: control characters are not allowed",
        ),
    ],
)
async def test_what_cannot_be_read_freezes_too(tmp_path: Path, content: bytes, reason: str) -> None:
    """It is told, and not taken for no freeze; nor is it lifted unread."""
    store = FolderStore(tmp_path)
    await store.replace("prod/freeze.json", content)
    for call in (read_freeze, lift_freeze):
        with pytest.raises(StateError) as caught:
            await call(store, "prod")
        assert str(caught.value) == (
            f"the fleet's freeze cannot be read: {tmp_path}/prod/freeze.json: {reason}\n"
            "    nothing is written while it is there; remove it to lift the freeze"
        )
    assert await store.read("prod/freeze.json") == content
