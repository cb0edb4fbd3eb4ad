"""Commands that call no AWS work where the external ids are not known, as in a pull request."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from tests.support.command_line import Cli

import fleet_repl

MISSING = "the environment variable SPOKE_SECRET is not set"
WARNING = (
    f"warning: demo.toml:16: accounts[1].external_id: {MISSING}; where AWS is called that is an "
    "error\n"
)


@pytest.fixture(autouse=True)
def _secretive(inventory: str) -> None:
    """The spoke wants an external id that nobody has set."""
    file = Path(inventory)
    text = file.read_text().replace(
        'name = "spoke"\n', 'name = "spoke"\nexternal_id = "x-${SPOKE_SECRET}"\n'
    )
    file.write_text(text)


def test_validating_warns(cli: Cli) -> None:
    """In the result, as of everything else."""
    ended = cli("validate", "demo.toml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Fleet demo is valid\n")
    assert ended.out.endswith(
        "Warnings\n"
        f"  unset-variable: accounts[1].external_id: {MISSING}; where AWS is called that is an "
        "error\n"
    )
    document = json.loads(cli("validate", "demo.toml", "--format", "json").out)
    assert [item["kind"] for item in document["warnings"]] == ["unset-variable"]


def test_drawing_warns(cli: Cli) -> None:
    """On stderr, because a graph is for another program."""
    ended = cli("graph", "demo.toml")
    assert (ended.code, ended.err) == (0, WARNING)
    assert ended.out.startswith("flowchart")


@pytest.mark.parametrize(
    "args",
    [
        ["plan"],
        ["apply"],
        ["drift"],
        ["verify"],
        ["import"],
        ["backfill"],
    ],
    ids=" ".join,
)
def test_a_simulated_aws_is_none(cli: Cli, args: list[str]) -> None:
    """And the real one is not called without them."""
    assert WARNING in cli(*args, "demo.toml", "--sandbox").err
    ended = cli(*args, "demo.toml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"demo.toml:16: accounts[1].external_id: {MISSING}\n"
        "    set SPOKE_SECRET before the command runs\n"
        "fleet-repl: 1 problem; nothing was called\n"
    )


@pytest.mark.parametrize(
    "args",
    [["runs"], ["report", "last"], ["freeze", "--why", "a test"], ["unfreeze"], ["unlock"]],
    ids=" ".join,
)
def test_what_is_remembered_needs_none(cli: Cli, args: list[str]) -> None:
    """Whoever has to stop a fleet has other things to do than to look for secrets."""
    ended = cli(*args, "demo.toml")
    assert (ended.code, ended.err) == (0, "")


def test_any_other_variable_is_missed_everywhere(cli: Cli) -> None:
    """Without a region nothing can be said of the fleet."""
    file = Path("demo.toml")
    file.write_text(file.read_text().replace("eu-west-1", "${REGION}"))
    ended = cli("validate", "demo.toml")
    assert ended.code == 1
    assert "REGION is not set" in ended.err
    assert "SPOKE_SECRET" not in ended.err


@pytest.mark.parametrize("text", ["${AWS_SECRET_ACCESS_KEY}", "${}", "${SPOKE_SECRET} ${"])
def test_a_reference_that_is_wrong_stays_an_error(cli: Cli, text: str) -> None:
    """Setting a variable would not mend it."""
    file = Path("demo.toml")
    file.write_text(file.read_text().replace("x-${SPOKE_SECRET}", text))
    assert cli("validate", "demo.toml").code == 1


async def test_the_library_calls_no_aws_without_them(tmp_path: Path) -> None:
    """Whatever was loaded without them; a history in a folder needs none."""
    inventory = fleet_repl.load_inventory("demo.toml", environ={}, secrets_required=False)
    assert [warning.message for warning in inventory.unset] == [MISSING]
    with pytest.raises(fleet_repl.InventoryError, match=MISSING):
        async with fleet_repl.connect(inventory):
            pass
    with pytest.raises(fleet_repl.InventoryError, match=MISSING):
        async with fleet_repl.open_history(inventory, state="s3://bucket/prefix"):
            pass
    async with fleet_repl.open_history(inventory, state=tmp_path):
        pass


def test_they_are_used_where_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out then."""
    monkeypatch.setenv("SPOKE_SECRET", "open-sesame")
    content = io.BytesIO(Path("demo.toml").read_bytes())
    inventory = fleet_repl.load_inventory(
        "-", environ=os.environ, secrets_required=False, stdin=content
    )
    (_, spoke) = inventory.accounts
    assert spoke.external_id is not None
    assert spoke.external_id.reveal() == "x-open-sesame"
    assert inventory.unset == ()
