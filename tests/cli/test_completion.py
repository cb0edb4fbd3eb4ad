"""The shell completes names out of the inventory, and run ids, without a call of AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from fleet_repl import load_inventory
from fleet_repl.cli.app import run
from fleet_repl.sandbox import serve, world_of

INVENTORY = """\
version = 1
name = "demo"
[aws]
role = "fleet"
external_id = "${NOT_SET}"
regions = ["eu-west-1", "us-east-1"]
[[accounts]]
id = "111111111111"
name = "hub"
labels = { tier = "hub" }
[[accounts]]
id = "222222222222"
name = "shop-dev"
labels = { tier = "leaf", env = "dev" }
[[waves]]
name = "canary"
select = { accounts = ["hub"] }
[[routes]]
name = "golden"
from = { accounts = ["hub"] }
to = { accounts = ["shop-dev"], regions = ["eu-west-1"] }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an inventory, and with one that is broken."""
    (tmp_path / "demo.toml").write_text(INVENTORY)
    (tmp_path / "broken.toml").write_text("version = ")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(line: str) -> list[str]:
    """What Bash is offered for the last word of a command line."""
    environment = {
        **os.environ,
        "_FLEET_REPL_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from fleet_repl.__main__ import main; main()"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fleet-repl plan demo.toml --account ", ["hub", "shop-dev", "1" * 12, "2" * 12]),
        ("fleet-repl plan demo.toml --account s", ["shop-dev"]),
        ("fleet-repl verify demo.toml --label tier=", ["tier=hub", "tier=leaf"]),
        ("fleet-repl drift demo.toml --region eu", ["eu-west-1"]),
        ("fleet-repl explain demo.toml base/go --from hu", ["hub/eu-west-1", "hub/us-east-1"]),
        ("fleet-repl explain demo.toml base/go --to shop-dev/u", ["shop-dev/us-east-1"]),
        (
            "fleet-repl wait demo.toml base/go:1 --to 2222",
            [f"{'2' * 12}/eu-west-1", f"{'2' * 12}/us-east-1"],
        ),
        ("fleet-repl backfill demo.toml --route ", ["golden"]),
        ("fleet-repl apply demo.toml --wave ", ["canary", "rest"]),
        ("fleet-repl plan --account ", []),
        ("fleet-repl plan broken.toml --account ", []),
        ("fleet-repl plan missing.toml --account ", []),
        ("fleet-repl rollback ", ["last"]),
        ("fleet-repl unf", ["unfreeze"]),
    ],
)
def test_what_is_offered(line: str, offered: list[str]) -> None:
    """Names of the inventory that the line names so far; nothing, and no error, without one."""
    assert completed(line) == offered


@pytest.mark.usefixtures("folder")
def test_runs_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids of remembered runs, after `last`."""
    Path("demo.toml").write_text(INVENTORY.replace('external_id = "${NOT_SET}"\n', ""))
    world = world_of(load_inventory("demo.toml"))
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(world)) as server,
    ):
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        assert run(["apply", "demo.toml", "--yes", "--quiet"]) == 0
    last, run_id = completed("fleet-repl report ")
    assert last == "last"
    assert completed(f"fleet-repl report {run_id[:8]}") == [run_id]
    assert completed("fleet-repl rollback last demo.toml --x") == []
    Path(".fleet-repl").rename("elsewhere")
    assert completed("fleet-repl report ") == ["last"]
    assert completed("fleet-repl report --state elsewhere ") == ["last", run_id]
    assert completed("fleet-repl report --state s3://bucket/fleets ") == []


def test_help_loads_nothing_to_complete() -> None:
    """A command with its help does not import what only a shell asks for."""
    code = (
        "import sys; from fleet_repl.cli.app import run; run(['plan', '--help']); "
        "sys.exit('fleet_repl.cli.completion' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
