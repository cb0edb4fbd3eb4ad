"""Which route a delivery is of, and what its objective is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from tests.runs.test_replication_events import event
from tests.support.inventories import accounts_text
from tests.support.registries import registry_of

from fleet_repl import load_inventory
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.runs.replication_events import replication_event
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery, delivery_of

TEXT: Final = (
    accounts_text("hub", "shop", "pay")
    + """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["shop", "pay"] }
prefixes = ["base/"]
exclude = ["base/private/"]
deliver_within = "15m"

[[routes]]
name = "quick"
from = { accounts = "hub" }
to = { accounts = "shop" }
prefixes = ["base/go"]
deliver_within = "1m"

[[routes]]
name = "tools"
from = { accounts = "hub" }
to = { accounts = "pay" }
prefixes = ["tools/"]
"""
)


def timed(tmp_path: Path, account: str, repository: str, **detail: Any) -> TimedDelivery | None:
    """The delivery that an event to a registry in eu-west-1 reports."""
    path = tmp_path / "fleet.toml"
    path.write_text(TEXT)
    inventory = load_inventory(path)
    document = event(**{"repository-name": repository, **detail})
    reported = replication_event({**document, "account": account, "region": "eu-west-1"})
    assert reported is not None
    return delivery_of(reported, inventory, desired_state(inventory)[0])


@pytest.mark.parametrize(
    ("account", "repository", "routes", "within"),
    [
        ("2" * 12, "base/go", ("golden", "quick"), 60),
        ("2" * 12, "base/java", ("golden",), 900),
        ("3" * 12, "base/go", ("golden",), 900),
        ("3" * 12, "tools/lint", ("tools",), None),
    ],
)
def test_the_routes_that_ask_for_it(
    tmp_path: Path, account: str, repository: str, routes: tuple[str, ...], within: float | None
) -> None:
    """All of them; the strictest objective counts."""
    delivery = timed(tmp_path, account, repository)
    assert delivery is not None
    assert (delivery.routes, delivery.within) == (routes, within)
    assert (delivery.source, delivery.destination.account) == (registry_of("1"), account)
    assert delivery.result is DeliveryResult.ARRIVED


@pytest.mark.parametrize(
    ("account", "repository"),
    [
        ("2" * 12, "tools/lint"),
        ("2" * 12, "base/private/keys"),
        ("9" * 12, "base/go"),
        ("1" * 12, "base/go"),
    ],
)
def test_what_no_route_asks_for(tmp_path: Path, account: str, repository: str) -> None:
    """Another repository, an excluded repository, and another registry."""
    assert timed(tmp_path, account, repository) is None
