"""Every TOML example is an inventory or a scenario file that can be used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.support.pages import Block, Page

from fleet_repl import InventoryError, load_inventory
from fleet_repl.sandbox import load_scenario, world_of

ENVIRONMENT = {
    "FLEET_EXTERNAL_ID": "example",
    "FULFILMENT_EXTERNAL_ID": "example",
    "ACQUIRED_EXTERNAL_ID": "example",
}
DEFAULTS = {"role": '"fleet-replication"', "regions": '["eu-west-1", "us-east-1"]'}
ACCOUNTS = """
[[accounts]]
id = "111111111111"
name = "build"
labels = { tier = "hub" }

[[accounts]]
id = "222222222222"
name = "shop"
labels = { env = "prod" }

[[accounts]]
id = "333333333333"
name = "shop-prod"
labels = { env = "stage" }
"""
POLICY = '{"rules": [{"rulePriority": 1}], "Statement": [{"Effect": "Allow"}]}'
WITHOUT_ROUTES = "file: accounts.toml"
"""What is only good for importing."""
BROKEN_ON_PURPOSE = ("slip.toml", "slips.toml")


def completed(text: str) -> str:
    """A part of an inventory with as much around it as makes it whole."""
    known = tomllib.loads(text)
    top = "" if "version" in known else 'version = 1\nname = "docs"\n'
    if "routes" not in known:
        top += "routes = []\n"
    missing = [
        f"{key} = {value}" for key, value in DEFAULTS.items() if key not in known.get("aws", {})
    ]
    if "aws" in known:
        text = text.replace("[aws]\n", "\n".join(["[aws]", *missing, ""]), 1)
    else:
        text += "\n".join(["[aws]", *missing, ""])
    return top + text + ("" if "accounts" in known else ACCOUNTS)


def test_the_example_can_be_used(toml_block: Block, root: Path, tmp_path: Path) -> None:
    """Whole inventories as they are, parts completed, scenarios with the demo's accounts."""
    path = tmp_path / "example.toml"
    if toml_block.note == "scenario":
        path.write_text(toml_block.text)
        demo = load_inventory(root / "inventories/demo.toml", environ={})
        assert world_of(demo, scenario=load_scenario(path)).scenario.seed == 7
        return
    for file in re.findall(r'_policy_file = "(.+)"', toml_block.text):
        (tmp_path / file).write_text(POLICY)
    whole = "version" in tomllib.loads(toml_block.text)
    path.write_text(toml_block.text if whole else completed(toml_block.text))
    if toml_block.note.removeprefix("file: ") in BROKEN_ON_PURPOSE:
        with pytest.raises(InventoryError):
            load_inventory(path, environ=ENVIRONMENT)
    else:
        routes_required = toml_block.note != WITHOUT_ROUTES
        inventory = load_inventory(path, environ=ENVIRONMENT, routes_required=routes_required)
        assert inventory.accounts


@pytest.mark.parametrize(
    ("scenario", "where"),
    [
        ("storm", "docs/sandbox.md"),
        ("legacy", "docs/getting-started.md"),
        ("deliveries", "docs/verify.md"),
        ("handmade", "docs/import.md"),
        ("broken", "docs/doctor.md"),
        ("coverage", "docs/coverage.md"),
        ("joining", "docs/inventory.md"),
        ("repositories", "docs/inventory.md"),
    ],
)
def test_a_scenario_that_comes_along_is_played_on_a_page(
    scenario: str, where: str, root: Path, pages: dict[str, Page]
) -> None:
    """Each file in docs/scenarios can be read, and a page's own run shows what it does."""
    path = f"docs/scenarios/{scenario}.toml"
    loaded = load_scenario(root / path)
    assert loaded.registries or loaded.accounts or loaded.organization
    played = [block for block in pages[where].blocks if block.language != "text"]
    assert any(path in item.text or path in item.note for item in played)


def test_every_scenario_that_comes_along_is_known_here(root: Path) -> None:
    """A new file has to be played somewhere, too."""
    names = {path.stem for path in (root / "docs/scenarios").iterdir()}
    known = {
        "storm",
        "legacy",
        "deliveries",
        "handmade",
        "broken",
        "joining",
        "coverage",
        "terraform",
        "repositories",
        # Played by the test of the page about watches, as a watch does not end.
        "reported",
    }
    assert names == known


def test_every_key_of_the_page_stands_in_an_example(pages: dict[str, Page]) -> None:
    """Tables name keys; examples show how each of them is written."""
    page = pages["docs/inventory.md"]
    shown = "\n".join(block.text for block in page.blocks if block.language == "toml")
    keys = set(re.findall(r"^\| `(\w+)` \|", page.prose, re.MULTILINE)) - {"aws"}
    keys -= {"accounts", "external", "routes", "templates", "ownership", "apply", "limits"}
    keys -= {"organization", "waves", "safety", "warnings"}
    assert {key for key in keys if not re.search(rf"\b{key} = ", shown)} == set()
