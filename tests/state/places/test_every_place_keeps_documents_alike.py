"""One behaviour, wherever documents are kept: in a folder, and as objects of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.state.places.conftest import Place


async def test_documents_are_put_found_and_removed(place: Place) -> None:
    """What was never put is None; what was is there for everybody, until it is removed."""
    one, other = place.open(), place.open()
    assert await one.read("prod/lock.json") is None
    assert await one.find("prod/lock.json") is None
    await one.replace("prod/lock.json", b"one")
    await one.replace("prod/lock.json", b"two")
    assert await other.read("prod/lock.json") == b"two"
    found = await other.find("prod/lock.json")
    assert found is not None
    assert (found.content, bool(found.version)) == (b"two", True)
    assert -2 < found.age < 30
    await other.remove("prod/lock.json")
    await other.remove("prod/lock.json")
    assert await one.read("prod/lock.json") is None


async def test_a_swap_needs_what_was_seen(place: Place) -> None:
    """A document is only replaced by who knows what is there, its absence included."""
    one, other = place.open(), place.open()
    first = await one.swap("prod/lock.json", b"one", None)
    assert first is not None
    assert await other.swap("prod/lock.json", b"mine", None) is None
    second = await other.swap("prod/lock.json", b"two", first)
    assert second not in (None, first)
    assert await one.swap("prod/lock.json", b"stale", first) is None
    assert await one.read("prod/lock.json") == b"two"
    found = await one.find("prod/lock.json")
    assert found is not None
    assert found.version == second
    await one.remove("prod/lock.json")
    assert await other.swap("prod/lock.json", b"late", second) is None
    assert await other.read("prod/lock.json") is None


async def test_documents_grow_line_by_line(place: Place) -> None:
    """Also past what was left half-written, and for a writer that starts anew."""
    one = place.open()
    name = "prod/runs/20261123T080000Z-000001/journal.jsonl"
    assert await one.read_grown(name) is None
    await one.append(name, b"one\n")
    await one.append(name, b"two\nthr")
    other = place.open()
    await other.append(name, b"four\n")
    await other.append(name, b"five\n")
    assert await one.read_grown(name) == b"one\ntwo\nthr\nfour\nfive\n"
    await other.remove(name)
    assert await one.read_grown(name) is None
    await one.append(name, b"again\n")
    assert await other.read_grown(name) == b"again\n"


async def test_names_are_those_of_documents(place: Place) -> None:
    """Sorted, of the folder that was asked for; what grows is one document, guards are none."""
    one = place.open()
    assert await one.names("prod/runs/") == ()
    await one.replace("prod/applied.json", b"{}")
    await one.swap("prod/lock.json", b"{}", None)
    await one.replace("prod/runs/b/run.json", b"{}")
    await one.append("prod/runs/a/journal.jsonl", b"{}\n")
    await one.append("prod/runs/a/journal.jsonl", b"{}\n")
    await one.replace("prod/runs/a/run.json", b"{}")
    await one.replace("prod-eu/runs/c/run.json", b"{}")
    runs = ("prod/runs/a/journal.jsonl", "prod/runs/a/run.json", "prod/runs/b/run.json")
    assert await one.names("prod/runs/") == runs
    assert await one.names("") == (
        "prod-eu/runs/c/run.json",
        "prod/applied.json",
        "prod/lock.json",
        *runs,
    )
