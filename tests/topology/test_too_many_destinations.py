"""ECR takes 25 unique destinations; more is told before anything is counted out."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

from fleet_repl.inventory import Account, Inventory, Match, Route, Selector
from fleet_repl.topology import Topology, connect
from fleet_repl.values.names import AccountId, Region

REMEDY = (
    "\n    narrow `to`; or push to several source registries, each with its share of the "
    "destinations; or replicate to one hub in each region and let the others pull through it"
)


def _accounts(count: int) -> str:
    return "".join(
        f'[[accounts]]\nid = "{number:012d}"\nlabels = {{ half = "{number % 2}" }}\n'
        for number in range(count)
    )


def test_twenty_five_are_fine(connected: Callable[[str], Topology]) -> None:
    """A mesh of 26 registries gives each of them 25."""
    topology = connected(_accounts(26) + "[[routes]]\nname = 'mesh'\nfrom = {}\nto = {}\n")
    assert topology.problems == ()
    assert len(topology.links) == 26 * 25


def test_twenty_six_are_one_problem(connected: Callable[[str], Topology]) -> None:
    """The same routes over the limit are told once, with an example."""
    topology = connected(_accounts(27) + "[[routes]]\nname = 'mesh'\nfrom = {}\nto = {}\n")
    assert [str(problem) for problem in topology.problems] == [
        "fleet.toml:88: routes[0].to: 000000000000/us-east-1 (000000000000) would replicate to "
        "26 registries, and ECR takes 25 unique destinations, because of route mesh; so would "
        "26 other registries" + REMEDY
    ]
    assert topology.links == ()


def test_only_together_too_many(connected: Callable[[str], Topology]) -> None:
    """Routes that are fine by themselves are both named; what they share counts once."""
    routes = """
[[routes]]
name = "even"
from.accounts = "000000000000"
to.labels.half = "0"
[[routes]]
name = "odd"
from.accounts = ["000000000000", "000000000001"]
to.labels.half = "1"
"""
    topology = connected(_accounts(27) + routes)
    assert [str(problem) for problem in topology.problems] == [
        "fleet.toml:89: routes[0].to: 000000000000/us-east-1 (000000000000) would replicate to "
        "26 registries, and ECR takes 25 unique destinations, because of routes even, odd" + REMEDY
    ]
    assert {link.source.account for link in topology.links} == {"000000000001"}
    assert connected(_accounts(26) + routes).problems == ()


def test_the_limit_is_the_inventorys(connected: Callable[[str], Topology]) -> None:
    """When AWS raises the limit, the file can."""
    text = _accounts(27) + "[[routes]]\nname = 'mesh'\nfrom = {}\nto = {}\n"
    assert connected(text + "[limits]\ndestinations = 26\n").problems == ()
    message = connected(text + "[limits]\ndestinations = 3\n").problems[0].message
    assert "ECR takes 3 unique destinations" in message


def test_a_careless_mesh_of_a_large_fleet_fits_in_memory() -> None:
    """100 million pairs are never made: what is kept grows with the registries only."""
    everything = Selector(match=Match())
    inventory = Inventory(
        path="fleet.toml",
        digest="",
        name="fleet",
        accounts=tuple(
            Account(
                id=AccountId(f"{number:012d}"),
                name=str(number),
                regions=(Region("us-east-1"),),
                role=None,
            )
            for number in range(10_000)
        ),
        routes=tuple(
            Route(name=name, source=everything, destination=everything) for name in ("a", "b")
        ),
    )
    tracemalloc.start()
    try:
        topology = connect(inventory)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert topology.links == ()
    assert topology.routes[0].links == 10_000 * 9_999
    assert "would replicate to 9,999 registries" in topology.problems[0].message
    assert peak < 30_000_000
