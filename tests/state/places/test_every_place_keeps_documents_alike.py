"""One behaviour, wherever documents are kept: in a folder, and as objects of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.state.places.conftest import Place


async def test_documents_are_put_found_and_removed(place: Place) -> None:
    """What was never put is None; what was is there for everybody, until it is removed."""
    first, second = place.open(), place.open()
    assert await first.read("prod/lock.json") is None
    assert await first.find("prod/lock.json") is None
    await first.replace("prod/lock.json", b"one")
    await first.replace("prod/lock.json", b"two")
    assert await second.read("prod/lock.json") == b"two"
    stored = await second.find("prod/lock.json")
    assert stored is not None
    assert (stored.content, bool(stored.version)) == (b"two", True)
    assert -2 < stored.age < 30
    await second.remove("prod/lock.json")
    await second.remove("prod/lock.json")
    assert await first.read("prod/lock.json") is None


async def test_a_swap_needs_what_was_seen(place: Place) -> None:
    """A document is only replaced by who knows what is there, its absence included."""
    mine, theirs = place.open(), place.open()
    old = await mine.swap("prod/lock.json", b"one", None)
    assert old is not None
    assert await theirs.swap("prod/lock.json", b"mine", None) is None
    new = await theirs.swap("prod/lock.json", b"two", old)
    assert new not in (None, old)
    assert await mine.swap("prod/lock.json", b"stale", old) is None
    assert await mine.read("prod/lock.json") == b"two"
    stored = await mine.find("prod/lock.json")
    assert stored is not None
    assert stored.version == new
    await mine.remove("prod/lock.json")
    assert await theirs.swap("prod/lock.json", b"late", new) is None
    assert await theirs.read("prod/lock.json") is None


async def test_documents_grow_line_by_line(place: Place) -> None:
    """Also past what was left half-written, and for a writer that starts anew."""
    storage = place.open()
    name = "prod/runs/20261123T080000Z-000001/journal.jsonl"
    assert await storage.read_grown(name) is None
    await storage.append(name, b"one\n")
    await storage.append(name, b"two\nthr")
    other = place.open()
    await other.append(name, b"four\n")
    await other.append(name, b"five\n")
    assert await storage.read_grown(name) == b"one\ntwo\nthr\nfour\nfive\n"
    await other.remove(name)
    assert await storage.read_grown(name) is None
    await storage.append(name, b"again\n")
    assert await other.read_grown(name) == b"again\n"


async def test_names_are_those_of_documents(place: Place) -> None:
    """Sorted, of the folder that was asked for; what grows is one document, guards are none."""
    storage = place.open()
    assert await storage.names("prod/runs/") == ()
    await storage.replace("prod/applied.json", b"{}")
    await storage.swap("prod/lock.json", b"{}", None)
    await storage.replace("prod/runs/b/run.json", b"{}")
    await storage.append("prod/runs/a/journal.jsonl", b"{}\n")
    await storage.append("prod/runs/a/journal.jsonl", b"{}\n")
    await storage.replace("prod/runs/a/run.json", b"{}")
    await storage.replace("prod-eu/runs/c/run.json", b"{}")
    runs = ("prod/runs/a/journal.jsonl", "prod/runs/a/run.json", "prod/runs/b/run.json")
    assert await storage.names("prod/runs/") == runs
    assert await storage.names("") == (
        "prod-eu/runs/c/run.json",
        "prod/applied.json",
        "prod/lock.json",
        *runs,
    )


async def test_a_folder_is_removed_as_a_whole(place: Place) -> None:
    """With what has grown in it, and nothing beside it; what is not there is no error."""
    store = place.open()
    for name in ("r/prod/runs/1/run.json", "r/prod/runs/1/a/b.json", "r/prod/runs/10/run.json"):
        await store.replace(name, b"{}")
    for _ in range(2):
        await store.append("r/prod/runs/1/journal.jsonl", b"line\n")
    for _ in range(2):
        await place.open().remove_all("r/prod/runs/1/")
    assert await store.names("r/") == ("r/prod/runs/10/run.json",)
    assert await store.read_grown("r/prod/runs/1/journal.jsonl") is None
