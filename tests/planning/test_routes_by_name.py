"""Routes with `exclude` or `only` in the desired state: pure, from names alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from tests.support.by_name import HUB, PRIVATE, SPOKE, THIRD, fleet, from_third

from fleet_repl import Inventory, Registry, load_inventory
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.repository_routes import (
    Kept,
    KeptRoute,
    asked_digest,
    kept_after,
    linked_by_name,
    repositories_there,
    repository_warnings,
    resolve_routes,
)
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.topology import Link
from fleet_repl.values.prefixes import LinkScope, selects

NAMES = ("base/go", "base/java", "base/private/x", "tools/a", "tools/private/x")
LEAVE = PRIVATE + '\nnew_repositories = "leave"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where inventories are written."""
    return tmp_path_factory.mktemp("named")


def loaded(folder: Path, *routes: str, more: str = "") -> Inventory:
    path = folder / "fleet.toml"
    path.write_text(fleet(*routes) + more)
    return load_inventory(path, environ={})


def resolved(
    inventory: Inventory, names: Sequence[str], kept: Kept | None = None, source: Registry = HUB
) -> tuple[RoutePrefixes, ...]:
    desired, _ = desired_state(inventory)
    there = repositories_there(kept or {}, inventory)
    return resolve_routes(inventory, desired, {source: names}, there)


def links(inventory: Inventory, routes: Sequence[RoutePrefixes]) -> tuple[Link, ...]:
    desired, _ = desired_state(inventory)
    return linked_by_name(inventory, desired, routes).outgoing.get(HUB, ())


def test_before_names_are_known_a_link_has_all_that_may_be(folder: Path) -> None:
    """The bounds of the route; and the source is one whose repositories have to be read."""
    inventory = loaded(folder, PRIVATE, more=from_third())
    desired, topology = desired_state(inventory)
    assert [link.prefixes for link in topology.links] == [("base/",), ("",)]
    assert desired.by_name == {HUB, THIRD}
    assert links(inventory, ()) == desired.outgoing[HUB]


def test_links_of_several_routes_are_merged(folder: Path) -> None:
    """The prefixes of a plain route stay as they are, with or without those of the other."""
    inventory = loaded(folder, PRIVATE, 'prefixes = ["base/j", "tools/"]')
    (link,) = links(inventory, resolved(inventory, NAMES))
    assert link.scope == LinkScope(("base/go", "base/j", "tools/"))
    assert link.routes == ("r1", "r2")
    (link,) = links(inventory, resolved(inventory, ["base/private/x"]))
    assert link.scope == LinkScope(("base/j", "tools/"))
    assert link.routes == ("r2",)
    only = loaded(folder, PRIVATE)
    assert links(only, resolved(only, ["base/private/x"])) == ()


def test_prefixes_with_other_deletions_are_barred_like_repositories(folder: Path) -> None:
    """Rules must not overlap where one replicates deletions and the other does not."""
    inventory = loaded(
        folder,
        'only = ["base/java"]',
        'prefixes = ["base/javascript/"]\nreplicate_deletes = true',
    )
    (item,) = resolved(inventory, ["base/java"])
    assert [pair.unwanted for pair in item.collateral] == [("base/javascript/",)]
    (item,) = resolved(inventory, ["base/java/17"])
    assert (item.prefixes, item.collateral) == (("base/java/",), ())


def test_deletions_to_another_destination_bar_nothing(folder: Path) -> None:
    """Only on one link would a prefix of the other route overlap: what leads elsewhere does not
    keep a repository from being carried."""
    elsewhere = (
        '[[routes]]\nname = "far"\nfrom = { accounts = "hub" }\n'
        'to = { accounts = "333333333333" }\n'
        'prefixes = ["base/javascript/"]\nreplicate_deletes = true\n'
    )
    inventory = loaded(folder, 'only = ["base/java"]', more=elsewhere)
    (item,) = resolved(inventory, ["base/java"])
    assert (item.prefixes, item.collateral) == (("base/java",), ())


@given(st.permutations(NAMES), st.permutations(NAMES))
def test_the_order_of_names_does_not_matter(
    folder: Path, names: Sequence[str], others: Sequence[str]
) -> None:
    """The same repositories are the same desired state, in whatever order ECR lists them."""
    inventory = loaded(folder, 'exclude = ["base/private/", "tools/private"]')
    assert resolved(inventory, names) == resolved(inventory, others)


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_leaving_carries_what_was_there_and_nothing_excluded(
    folder: Path, first: set[str], later: set[str]
) -> None:
    """Whatever comes and goes: once a route was applied, the repositories of that time count."""
    inventory = loaded(folder, LEAVE)
    before = resolved(inventory, sorted(first))
    kept = kept_after({}, inventory, before, {HUB})
    (after,) = resolved(inventory, sorted(later), kept)
    wanted = {name for name in later if inventory.routes[0].wants(name)}
    carried = {name for name in later if selects(after.prefixes, name)}
    there = wanted & first if kept else wanted
    assert there <= carried <= wanted
    assert set(after.left) == wanted - carried
    if kept and not later - first:
        assert after.prefixes == before[0].prefixes


def test_what_is_gone_is_no_collateral(folder: Path) -> None:
    """A deleted repository keeps its prefix until that would carry an excluded one."""
    inventory = loaded(folder, LEAVE)
    kept = kept_after({}, inventory, resolved(inventory, ["base/go", "base/priv"]), {HUB})
    (item,) = resolved(inventory, ["base/go"], kept)
    assert item.prefixes == ("base/go", "base/priv")
    (item,) = resolved(inventory, ["base/go", "base/private/x"], kept)
    assert (item.prefixes, item.collateral) == (("base/go",), ())


def test_what_is_kept_of_routes_that_leave_new_repositories(folder: Path) -> None:
    """Only of sources to which it was applied, and not of routes that do so no more."""
    inventory = loaded(folder, LEAVE)
    route = KeptRoute(asked_digest(inventory.routes[0]), ("base/go",))
    items = resolved(inventory, ["base/go"])
    assert kept_after({}, inventory, items, {SPOKE}) == {}
    kept = kept_after({}, inventory, items, {HUB})
    assert kept == {HUB: {"r1": route}}
    assert kept_after(kept, inventory, (), ()) == kept
    assert kept_after(kept, loaded(folder, PRIVATE), (), ()) == {}
    other = loaded(folder, LEAVE.replace("private", "secret"))
    (item,) = resolved(other, ["base/go", "base/rust"], kept)
    assert item.prefixes == ("base/go", "base/rust")


def test_warnings_name_sources_and_repositories(folder: Path) -> None:
    """Each route is warned of once, however many sources it has."""
    inventory = loaded(folder, LEAVE, more=from_third())
    desired, _ = desired_state(inventory)
    names = {HUB: ("base/go", "base/rust", "base/zig"), THIRD: ()}
    kept = {HUB: {"r1": KeptRoute(asked_digest(inventory.routes[0]), ("base/go",))}}
    items = resolve_routes(inventory, desired, names, repositories_there(kept, inventory))
    assert [warning.message for warning in repository_warnings(inventory, items, names)] == [
        (
            "route r1 leaves 2 repositories out that it asks for, such as base/rust in "
            "111111111111/eu-west-1: created after it was first applied. "
            'new_repositories = "include" takes them in'
        ),
        (
            "route third makes no rule in 333333333333/eu-west-1, which has no repository that it "
            "asks for"
        ),
    ]
