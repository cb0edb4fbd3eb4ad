"""Whatever is named as a file is read only if it is one, and no larger than such a file can be."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fleet_repl
from fleet_repl.fleet import kept_plan
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.fleet.load import load_inventory
from fleet_repl.inventory import policies, toml_file
from fleet_repl.sandbox import load_scenario, scenario_file
from fleet_repl.values.errors import FleetError

FLEET = """\
version = 1
name = "prod"
[aws]
role = "repl"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[[templates]]
prefix = "base/"
select = { accounts = "111111111111" }
lifecycle_policy_file = "NAME"
"""


def _policy(path: Path) -> object:
    """The inventory beside the file, whose template takes its policy from there."""
    fleet = path.with_name("fleet.toml")
    fleet.write_text(FLEET.replace("NAME", path.name))
    return load_inventory(fleet, routes_required=False)


READERS: dict[str, tuple[Callable[[Path], object], int]] = {
    "inventory": (load_inventory, toml_file.LARGEST),
    "plan": (load_plan, kept_plan.LARGEST_PLAN),
    "scenario": (load_scenario, scenario_file.LARGEST),
    "policy": (_policy, policies.LARGEST),
}


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """What waits for a pipe is woken, and the test fails."""

    def wake(*_: object) -> None:
        raise AssertionError("it was waited for")

    before = signal.signal(signal.SIGALRM, wake)
    signal.setitimer(signal.ITIMER_REAL, 20)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _told(name: str, path: Path) -> str:
    read, _ = READERS[name]
    with pytest.raises(FleetError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_not_waited_for(name: str, tmp_path: Path) -> None:
    """Nobody will ever write to it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "it is not a regular file" in _told(name, path)


@pytest.mark.parametrize("name", READERS)
def test_a_device_is_not_read_to_its_end(name: str, tmp_path: Path) -> None:
    """`/dev/zero` has none."""
    path = tmp_path / "zeros"
    path.symlink_to("/dev/zero")
    assert "it is not a regular file" in _told(name, path)


@pytest.mark.parametrize("name", READERS)
def test_a_file_is_not_read_that_is_too_large(name: str, tmp_path: Path) -> None:
    """Whatever it is, it is none of these, and would fill the memory."""
    path, (_, most) = tmp_path / "large", READERS[name]
    path.touch()
    os.truncate(path, most + 1)
    assert "it is larger than " in _told(name, path)
    os.truncate(path, 1024)
    assert "larger" not in _told(name, path)


OPENED = re.compile(r"\bread_text\(|\bread_bytes\(|(?<![_a-z])open\(|\bfdopen\(")
ELSEWHERE = {
    # The one reader, and what it is of a state's files, opened step by step.
    "inventory/regular_files.py",
    "state/open_files.py",
    # Written, not read.
    "reports/files.py",
    # The terminal and the null device, the kernel's own files, and files of the package.
    "aws/mfa.py",
    "cli/streams.py",
    "state/process.py",
    "reports/documents/schemas.py",
    "reports/html/page.py",
    # A file that is made, and was not there.
    "cli/init.py",
    # Files of the SDK, where they are files at all.
    "fleet/worlds.py",
    "sandbox/shapes.py",
}


def test_no_other_module_opens_files() -> None:
    """A file that is named from outside is read by the one reader that knows its bounds."""
    package = Path(fleet_repl.__file__).parent
    opening = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if OPENED.search(path.read_text(encoding="utf-8"))
    }
    assert opening <= ELSEWHERE
