"""Loading an inventory and connecting to its fleet need the same desired state."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from fleet_repl.fleet.load import load_inventory
from fleet_repl.planning import desired_state as module
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.topology import connect
from fleet_repl.values.errors import InventoryError

FLEET = """version = 1
name = "prod"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[[accounts]]
id = "000000000001"
[[accounts]]
id = "000000000002"
[[routes]]
name = "base"
from = { accounts = ["000000000001"] }
to = { accounts = ["000000000002"] }
prefixes = ["base/", "team/"]
"""


def test_the_state_of_a_loaded_inventory_is_known(tmp_path: Path) -> None:
    """The one that loading has checked is returned; an equal inventory has one of its own."""
    file = tmp_path / "prod.toml"
    file.write_text(FLEET)
    with mock.patch.object(module, "connect", wraps=connect) as resolve:
        inventory = load_inventory(file, environ={})
        first, again = desired_state(inventory), desired_state(inventory)
        assert resolve.call_count == 1
        assert first is again
        other = desired_state(replace(inventory))
        assert resolve.call_count == 2
    assert other == first
    assert other is not first


def test_it_is_known_no_longer_than_its_inventory(tmp_path: Path) -> None:
    """An inventory that is gone takes no memory, and another one never gets its state."""
    file = tmp_path / "prod.toml"
    file.write_text(FLEET)
    gc.collect()
    before = len(module._COMPUTED)
    inventory = load_inventory(file, environ={})
    assert len(module._COMPUTED) == before + 1
    del inventory
    gc.collect()
    assert len(module._COMPUTED) <= before


def test_an_inventory_with_problems_is_checked_each_time(tmp_path: Path) -> None:
    """Problems are raised again, not forgotten."""
    file = tmp_path / "prod.toml"
    many = ", ".join(f'"team{number:03}/"' for number in range(101))
    file.write_text(FLEET.replace('"team/"', many) + "[limits]\nrules = 1\n")
    with mock.patch.object(module, "connect", wraps=connect) as resolve:
        for _ in range(2):
            with pytest.raises(InventoryError):
                load_inventory(file, environ={})
    assert resolve.call_count == 2
