"""A desired state with other links than routes ask for."""

from __future__ import annotations

from dataclasses import replace

from tests.support.desired import desired_of
from tests.support.links import make_link
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import NO_RULES, parse_document
from fleet_repl.planning.observed import Observation, Observed, Unreadable, silence_of
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

HUB, SHOP, CLUB = map(registry_of, "123")


def link(source: Registry, destination: Registry) -> Link:
    return make_link(source=source, destination=destination, prefixes=("aa/",), routes=("route",))


def test_links_are_found_by_either_end() -> None:
    """The new links only, and nothing else of the fleet changes."""
    desired = desired_of([link(HUB, SHOP), link(HUB, CLUB)], [HUB, SHOP, CLUB])
    back, onward = link(CLUB, SHOP), link(HUB, SHOP)
    other = desired.linked_by([back, onward])
    assert other.outgoing == {CLUB: (back,), HUB: (onward,)}
    assert other.incoming == {SHOP: (back, onward)}
    same = replace(other, outgoing=desired.outgoing, incoming=desired.incoming)
    assert same == desired


def test_why_nothing_is_known_of_a_registry() -> None:
    """Nobody asked it, or it did not answer; of an empty registry something is known."""
    denied = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
    empty = Observed(replication=parse_document(NO_RULES), policy=None)
    observation: Observation = {HUB: empty, SHOP: Unreadable(error=denied)}
    assert [silence_of(registry, observation) for registry in (HUB, SHOP, CLUB)] == [
        None,
        "222222222222/eu-west-1 could not be read (access-denied)",
        "333333333333/eu-west-1 was not read",
    ]
