"""What somebody else could have put into a state folder is refused before it is read."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_repl.state import FolderStore
from fleet_repl.values.errors import StateError

STRANGER = 4242
REMEDY = "where several users share it on purpose, write shared = true under [state] of the"
NAME = "prod/runs/20261123T081500Z-ab12cd/run.json"
PLACES = ["", "prod", "prod/runs", "prod/runs/20261123T081500Z-ab12cd", NAME]


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """A state with one document."""
    folder = tmp_path / "a state"
    await FolderStore(folder).replace(NAME, b"{}")
    return folder


async def _calls(folder: Path) -> list[str]:
    """Every way to read and to write; each is refused with the text that is returned."""
    store = FolderStore(folder)
    other = NAME.replace("run.json", "other.json")
    calls: list[Callable[[], object]] = [
        lambda: store.read(NAME),
        lambda: store.find(NAME),
        lambda: store.read_grown(NAME),
        lambda: store.append(NAME, b"{}\n"),
        lambda: store.swap(NAME, b"{}", None),
        lambda: store.swap(other, b"{}", None),
    ]
    messages = []
    for call in calls:
        try:
            await call()  # type: ignore[misc]
        except StateError as error:
            messages.append(str(error))
    return messages


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("mode", "who"), [(0o020, "its group"), (0o002, "everybody")])
async def test_what_others_may_write_is_refused(
    state: Path, place: str, mode: int, who: str
) -> None:
    """Wherever on the way it is; the message has the command that mends it."""
    path = state / place
    path.chmod(stat.S_IMODE(path.stat().st_mode) | mode)
    (message,) = {call for call in await _calls(state) if "may write" in call}
    assert message == (
        f"the fleet's state cannot be used: {path}: {who} may write to it\n"
        f"    if nobody has: chmod -R go-w {shlex.quote(str(state))}; {REMEDY} inventory"
    )
    assert (state / NAME).read_bytes() == b"{}"


@pytest.mark.parametrize("place", PLACES)
async def test_what_belongs_to_others_is_refused(
    state: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever owns a file can change it, whatever its mode is now."""
    path = state / place
    if os.geteuid() == 0:
        os.chown(path, STRANGER, -1)
    else:
        monkeypatch.setattr("os.geteuid", lambda: STRANGER)
        path = state
    messages = [call for call in await _calls(state) if "belongs to" in call]
    assert messages
    first, second = messages[0].splitlines()
    assert first.startswith(f"the fleet's state cannot be used: {path}: it belongs to user ")
    assert second.startswith("    name a state of your own with --state or in [state]; ")
    assert REMEDY in second


@pytest.mark.parametrize("place", PLACES[1:])
async def test_links_within_a_state_are_not_followed(state: Path, place: str) -> None:
    """Not even to a place of one's own, as nobody knows who made the link."""
    path, elsewhere = state / place, state.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    messages = await _calls(state)
    assert len(messages) >= 5
    (only,) = set(messages)
    assert only == (
        f"the fleet's state cannot be used: {path}: it is a symbolic link, and none within a "
        "state is followed\n"
        "    put what it stands for in its place, or name that with --state or in [state]"
    )


@pytest.mark.parametrize("place", ["", ".worlds", ".worlds/sim_80"])
async def test_the_way_to_a_part_of_a_state_is_looked_at(tmp_path: Path, place: str) -> None:
    """What is remembered of another endpoint lies deeper, and each step down to it counts; the
    remedy is about the state as it was named."""
    root = tmp_path / "state"
    store = FolderStore(root, within=".worlds/sim_80")
    await store.replace(NAME, b"{}")
    assert (str(store), await store.names("")) == (str(root / ".worlds/sim_80"), (NAME,))
    path = root / place
    path.chmod(0o770)
    with pytest.raises(StateError) as caught:
        await store.read(NAME)
    assert f"{path}: its group may write to it\n" in str(caught.value)
    assert f"chmod -R go-w {shlex.quote(str(root))};" in str(caught.value)
    path.chmod(0o700)
    if place:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StateError, match=f"{path}: it is a symbolic link"):
            await store.read(NAME)


async def test_the_state_itself_may_be_named_by_a_link(state: Path) -> None:
    """Whoever names it means what it stands for, and that is what is looked at."""
    link = state.parent / "link"
    link.symlink_to(state)
    assert await FolderStore(link).read(NAME) == b"{}"
    os.chmod(state, 0o770)  # noqa: PTH101 - a test may block
    with pytest.raises(StateError, match="its group may write"):
        await FolderStore(link).read(NAME)


@pytest.mark.parametrize("name", [".lock.json.guard", "lock.json", "journal.jsonl"])
async def test_a_dangling_link_makes_no_file(tmp_path: Path, name: str) -> None:
    """Beside the lock, in its place, or where lines are added."""
    target = tmp_path / "target"
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / name).symlink_to(target)
    store = FolderStore(tmp_path / "state")
    grows = name == "journal.jsonl"
    with pytest.raises(StateError, match="symbolic link"):
        await (store.append(name, b"{}\n") if grows else store.swap("lock.json", b"{}", None))
    assert not target.exists()


@pytest.mark.parametrize("name", ["lock.json", ".lock.json.guard"])
async def test_a_pipe_is_no_document(tmp_path: Path, name: str) -> None:
    """It would be waited for until somebody writes to it."""
    os.mkfifo(tmp_path / name, mode=0o600)
    with pytest.raises(StateError, match="not a regular file"):
        await FolderStore(tmp_path).swap("lock.json", b"{}", None)
    if name == "lock.json":
        with pytest.raises(StateError, match="not a regular file"):
            await FolderStore(tmp_path).read(name)
        with pytest.raises(StateError, match="not a regular file"):
            await FolderStore(tmp_path).append(name, b"{}\n")


async def test_people_can_share_a_state_on_purpose(state: Path) -> None:
    """Then owners and modes say nothing, and what is made can be written by the group."""
    for place in PLACES:
        (state / place).chmod(0o777)
    old = os.umask(0o077)
    try:
        store = FolderStore(state, shared=True)
        assert await store.read(NAME) == b"{}"
        await store.replace("dev/applied.json", b"{}")
        await store.append("dev/journal.jsonl", b"{}\n")
        await store.swap("dev/lock.json", b"{}", None)
    finally:
        os.umask(old)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state / "dev").iterdir()}
    assert made == dict.fromkeys(
        ("applied.json", "journal.jsonl", "lock.json", ".lock.json.guard"), 0o660
    )
    assert stat.S_IMODE((state / "dev").stat().st_mode) & 0o777 == 0o770


async def test_reading_a_shared_state_changes_nobodys_modes(state: Path) -> None:
    """Only what is made or written gets them; whoever keeps a file from the group may."""
    (state / NAME).chmod(0o640)
    store = FolderStore(state, shared=True)
    assert await store.read(NAME) == b"{}"
    assert stat.S_IMODE((state / NAME).stat().st_mode) == 0o640
