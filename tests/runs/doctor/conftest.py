"""Accounts as values, and faults as calls to AWS leave them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.inventories import fleet_text

from fleet_repl import Inventory, load_inventory
from fleet_repl.runs.doctor import BaseIdentity
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId

BASE = BaseIdentity(
    arn="arn:aws:iam::999999999999:user/ops",
    account=AccountId("999999999999"),
    seconds_left=None,
    clock_ahead=0.0,
)


def fault(
    kind: FaultKind = FaultKind.ACCESS_DENIED,
    operation: str = "DescribeRegistry",
    *,
    code: str | None = None,
    refused: bool = False,
) -> Fault:
    return Fault(kind=kind, operation=operation, message="no", code=code, role_refused=refused)


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Four accounts in two regions."""
    path: Path = tmp_path_factory.mktemp("doctor") / "fleet.toml"
    text = fleet_text("1>2 base/").replace('["eu-west-1"]', '["eu-west-1", "us-east-1"]')
    path.write_text(text)
    return load_inventory(path, environ={})
