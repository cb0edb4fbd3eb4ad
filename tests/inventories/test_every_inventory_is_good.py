"""Every inventory that is shipped parses, connects, fits the schema, and links what it says."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from fleet_repl.inventory import Inventory, json_schema, parse
from fleet_repl.topology import connect

FOLDER = Path(__file__).parents[2] / "inventories"
ENVIRON = {"FLEET_EXTERNAL_ID": "ours-1234", "ACQUIRED_EXTERNAL_ID": "theirs-5678"}

LINKS = {
    "demo.toml": 28,
    "prod.toml": 33,
    "patterns/additive.toml": 2,
    "patterns/all-but.toml": 2,
    "patterns/backfill-new-links.toml": 2,
    "patterns/by-name.toml": 2,
    "patterns/by-prefix.toml": 2,
    "patterns/creation-templates.toml": 2,
    "patterns/cross-region.toml": 2,
    "patterns/delete-replication.toml": 1,
    "patterns/external-partner.toml": 2,
    "patterns/fan-in.toml": 3,
    "patterns/fan-out.toml": 3,
    "patterns/govcloud.toml": 2,
    "patterns/hub-and-spoke.toml": 3,
    "patterns/mesh.toml": 12,
    "patterns/nothing.toml": 0,
    "patterns/one-account.toml": 2,
    "patterns/promotion.toml": 2,
    "patterns/regional-hubs.toml": 4,
    "patterns/retired-account.toml": 1,
}


@pytest.fixture
def shipped() -> Callable[[str], Inventory]:
    """file name → inventory."""
    return lambda name: parse(FOLDER / name, environ=ENVIRON)


def test_none_is_forgotten() -> None:
    """The table above names every file there is."""
    assert {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.toml")} == set(LINKS)


@pytest.mark.parametrize("name", LINKS)
def test_it_links_what_it_says(name: str, shipped: Callable[[str], Inventory]) -> None:
    """Without a problem, a notice, or a near miss that a reader would stumble over."""
    topology = connect(shipped(name))
    assert topology.problems == ()
    assert topology.notices == ()
    assert [route.near_misses for route in topology.routes if route.near_misses] == []
    assert len(topology.links) == LINKS[name]


@pytest.mark.parametrize("name", LINKS)
def test_editors_take_it(name: str) -> None:
    """As it stands in the file, with `${}` not filled in."""
    document = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json_schema()).validate(document)


@pytest.mark.parametrize("name", LINKS)
def test_it_begins_with_what_it_is_for(name: str) -> None:
    """A reader sees a comment before the first key."""
    assert (FOLDER / name).read_text(encoding="utf-8").startswith("# ")


def test_the_demo_is_a_dozen_accounts(shipped: Callable[[str], Inventory]) -> None:
    """Hub to spokes, between regions of one account, and a mesh; nothing from outside."""
    demo = shipped("demo.toml")
    counts = {route.name: (route.sources, route.destinations) for route in connect(demo).routes}
    assert len(demo.accounts) == 12
    assert counts == {
        "golden": (1, 17),
        "disaster-recovery": (3, 3),
        "shop-release": (1, 2),
        "tools": (3, 3),
    }
    assert parse(FOLDER / "demo.toml", environ={}) == demo


def test_the_model_for_a_company(shipped: Callable[[str], Inventory]) -> None:
    """A role path behind a hub role, external ids from the environment, and a partner."""
    prod = shipped("prod.toml")
    by_name = {account.name: account for account in prod.accounts}
    partner = {external.id for external in prod.externals}
    received = [link for link in connect(prod).links if link.destination.account in partner]
    text = (FOLDER / "prod.toml").read_text(encoding="utf-8")
    assert str(by_name["build"].role).endswith("role/platform/fleet-replication")
    assert by_name["build"].external_id != by_name["fulfilment-prod"].external_id
    assert by_name["fulfilment-prod"].session_seconds == 1800
    assert [(link.source.account, link.prefixes) for link in received] == [
        (by_name["build"].id, ("partner/nordwind/",))
    ]
    assert all(f"#   {variable} " in text for variable in ENVIRON)
