"""Small inventories, written as their operators would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fleet_repl.inventory import Inventory, parse
from fleet_repl.topology import Topology, connect

HEADER = 'version = 1\nname = "fleet"\naws = { role = "r", regions = ["us-east-1"] }\n'


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Inventory]:
    """Accounts and routes → inventory; their first line is the file's fourth."""
    file = tmp_path_factory.mktemp("topology") / "fleet.toml"

    def load(text: str) -> Inventory:
        file.write_text(HEADER + text, encoding="utf-8")
        return replace(parse(file, environ={}), path="fleet.toml")

    return load


@pytest.fixture(scope="session")
def connected(load: Callable[[str], Inventory]) -> Callable[[str], Topology]:
    """Accounts and routes → topology."""
    return lambda text: connect(load(text))
