"""Documents in a folder: private, replaced as a whole, and told apart from nothing."""

from __future__ import annotations

import stat
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.planning.ownership import Applied, Record
from fleet_repl.state import FolderStore, Remembered, merge_records, parse_record, record_document
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import AccountId, Region, Registry

registries = st.builds(
    Registry,
    st.from_regex(r"[0-9]{12}", fullmatch=True).map(AccountId),
    st.sampled_from(["eu-west-1", "us-gov-west-1"]).map(Region),
)
prefix_sets = st.lists(st.sampled_from(["", "a/", "a/b"]), min_size=1, unique=True).map(
    lambda some: tuple(sorted(some))
)
records = st.dictionaries(
    registries,
    st.builds(
        Applied,
        links=st.dictionaries(registries, prefix_sets, max_size=3),
        templates=st.lists(st.sampled_from(["ROOT", "a/"]), unique=True).map(tuple),
        given_up=st.booleans(),
        due=st.dictionaries(registries, st.datetimes(timezones=st.just(UTC)), max_size=2),
    ),
    max_size=4,
)


async def test_what_is_put_can_be_read(tmp_path: Path) -> None:
    """A document that was never put is None; one that was is there, whole, for its user only."""
    store = FolderStore(tmp_path / "some" / "where")
    assert await store.read("prod/applied.json") is None
    await store.replace("prod/applied.json", b"one")
    await store.replace("prod/applied.json", b"two")
    assert await store.read("prod/applied.json") == b"two"
    file = tmp_path / "some" / "where" / "prod" / "applied.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["applied.json"]


async def test_a_write_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the old document, and no half of a new one."""
    store = FolderStore(tmp_path)
    await store.replace("prod/applied.json", b"old")

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(StateError) as caught:
        await store.replace("prod/applied.json", b"new")
    place = tmp_path / "prod" / "applied.json"
    assert str(caught.value) == (
        f"the fleet's state cannot be written: {place}: No space left on device"
    )
    assert await store.read("prod/applied.json") == b"old"
    assert [path.name for path in (tmp_path / "prod").iterdir()] == ["applied.json"]


async def test_a_long_document_is_never_held_as_a_whole(tmp_path: Path) -> None:
    """Each piece is on its way to the disk before the next is made: of a fleet of 100,000
    registries, the documents of a run have hundreds of megabytes."""
    store = FolderStore(tmp_path)
    tracemalloc.start()
    try:
        await store.replace_in_pieces("prod/plan.json", (b"x" * 1_000_000 for _ in range(40)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "prod" / "plan.json").stat().st_size == 40_000_000
    assert peak < 4_000_000


async def test_pieces_that_break_off_change_nothing(tmp_path: Path) -> None:
    """Whatever goes wrong while they are made: the old document stays, and no half of a new one."""
    store = FolderStore(tmp_path)
    await store.replace("prod/plan.json", b"old")

    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise ValueError("no such prefix")

    with pytest.raises(ValueError, match="no such prefix"):
        await store.replace_in_pieces("prod/plan.json", pieces())
    assert await store.read("prod/plan.json") == b"old"
    assert [path.name for path in (tmp_path / "prod").iterdir()] == ["plan.json"]


@given(records)
def test_records_survive_being_written(record: Record) -> None:
    """What is read is what was put on record, and the same record is the same text."""
    remembered = Remembered(record=record, formerly=("old",))
    document = record_document("prod", remembered)
    assert parse_record(document, "prod", where="here") == remembered
    shuffled = dict(reversed(list(record.items())))
    assert record_document("prod", replace(remembered, record=shuffled)) == document


def test_of_two_records_both_hold() -> None:
    """Whatever was made under either name is ours."""
    first, second = map(registry_of, "12")
    new = Applied(links={first: ("a/", "b/")}, templates=("a/",))
    old = Applied(links={first: ("b/", "b/c/")}, templates=("b/",), given_up=True)
    assert merge_records([{first: new}, {first: old, second: old}]) == {
        first: Applied(links={first: ("a/", "b/", "b/c/")}, templates=("a/", "b/")),
        second: old,
    }


ODD_ENTRY = (
    b'{"schema": "fleet-repl/applied/1", "fleet": "prod", "registries": '
    b'{"111111111111/eu-west-1": {"lnks": {}}}}'
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "JSON"),
        (b"[]", "an object is needed, not a list"),
        (b'{"schema": "fleet-repl/applied/2", "fleet": "prod", "registries": {}}', "schema"),
        (b'{"schema": "fleet-repl/applied/1", "fleet": "dev", "registries": {}}', "'dev'"),
        (
            b'{"schema": "fleet-repl/applied/1", "fleet": "prod", "registries": {"x": {}}}',
            'registries: "x" is no registry',
        ),
        (
            ODD_ENTRY,
            "registries.111111111111/eu-west-1.lnks: this version does not know this member",
        ),
        (ODD_ENTRY.replace(b'{"lnks": {}}', b'{}, "111111111111/eu-west-1": {}'), "twice"),
    ],
)
def test_what_is_no_record_is_never_an_empty_one(content: bytes, reason: str) -> None:
    """Whatever is wrong with the file is told, with its place and what follows from moving it."""
    with pytest.raises(StateError) as caught:
        parse_record(content, "prod", where="state/prod/applied.json")
    first, second = str(caught.value).splitlines()
    assert first.startswith(
        "the record of what was applied cannot be used: state/prod/applied.json: "
    )
    assert reason in first
    assert second == (
        "    move it away to go on without one: links that no route asks for then count as "
        "somebody else's"
    )
