"""Who holds a lock, and whether that process is surely gone."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleet_repl.runs.history import Holder
from fleet_repl.state import Process, gone, this_process
from fleet_repl.state.process import UNSURE, _identity, is_gone, start_of

ME = Process(user="ops", host="runner", pid=1, process="boot/1/10")


@pytest.mark.parametrize(
    ("theirs", "there", "expected"),
    [
        ({}, None, True),
        ({}, "70", False),
        ({}, "71", True),
        ({}, "", False),
        ({"host": "elsewhere"}, None, False),
        ({"process": "reboot/1/70"}, None, False),
        ({"process": "boot/2/70"}, None, False),
        ({"process": ""}, None, False),
        ({"process": "nonsense"}, None, False),
    ],
)
def test_only_what_is_certain_counts(
    holder: Callable[..., Holder], theirs: dict[str, str], there: str | None, expected: bool
) -> None:
    """Same host, boot and namespace, and no such process or one that started later."""
    other = holder(pid=70, **{"host": "runner", "process": "boot/1/70", **theirs})
    assert is_gone(other, ME, {70: there}.__getitem__) is expected


@pytest.mark.parametrize("both", [True, False])
def test_one_that_hides_itself_is_never_surely_gone(
    holder: Callable[..., Holder], *, both: bool
) -> None:
    """Containers may share a host name, and then a number says nothing."""
    other = holder(pid=70, host="runner", process=UNSURE)
    me = replace(ME, process=UNSURE) if both else ME
    assert not is_gone(other, me, {70: None}.__getitem__)


def test_what_is_hidden_is_not_what_is_not_there(tmp_path: Path) -> None:
    """A system without /proc has no containers; one that shows nothing in it may be in one."""
    assert (_identity(1, tmp_path / "proc"), _identity(1, tmp_path)) == ("", UNSURE)


@pytest.mark.parametrize(("there", "expected"), [(None, True), ("", False), ("70", False)])
def test_where_the_system_says_little(
    holder: Callable[..., Holder], there: str | None, expected: bool
) -> None:
    """Without boot and start, only that there is no such process on this host."""
    other = holder(pid=70, host="runner", process="")
    assert is_gone(other, replace(ME, process=""), {70: there}.__getitem__) is expected


def test_a_process_that_was_killed_is_gone() -> None:
    """Alive while it runs; gone once killed, before its parent has looked and after."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        assert start_of(child.pid)
    finally:
        child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_of(child.pid) is None
    child.wait()
    assert start_of(child.pid) is None


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    """The program's name stands before the fields that are read, brackets and spaces in it."""
    fields = ["S", *(str(number) for number in range(4, 22)), "4242", "0"]
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (a) b (c)) " + " ".join(fields))
    assert start_of(7, tmp_path) == "4242"


def test_what_is_hidden_is_not_taken_for_gone(tmp_path: Path) -> None:
    """Where /proc does not show a process, a signal tells whether it is there."""
    assert start_of(os.getpid(), tmp_path) == ""
    assert start_of(1, tmp_path) == ""
    assert start_of(2**22 + 1, tmp_path) is None
    assert start_of(2**80, tmp_path) is None


def test_this_process_lives(holder: Callable[..., Holder]) -> None:
    """It is itself, and no other one."""
    me = this_process()
    assert me == this_process()
    assert (me.user, me.host, me.pid) == (getpass.getuser(), socket.gethostname(), os.getpid())
    own = holder(host=me.host, pid=me.pid, process=me.process)
    assert not gone(own)
    machine = me.process.rpartition("/")[0]
    assert gone(replace(own, process=f"{machine}/1"))


def test_names_are_fit_to_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the user: no escape code gets into a lock that others read."""
    monkeypatch.setenv("LOGNAME", "ops\x1b[2J\n" + "x" * 500)
    user = this_process().user
    assert user.isprintable()
    assert user.startswith("ops[2Jx")
    assert len(user) == 200


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers run them."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert this_process().user == f"uid-{os.getuid()}"
