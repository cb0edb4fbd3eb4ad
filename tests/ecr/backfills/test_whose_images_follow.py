"""Which destinations are to receive older images: by route, by what is in place, by new links."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.changes import change_of, ended_change
from tests.support.inventories import accounts_text
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl import Inventory, load_inventory
from fleet_repl.ecr.policy import PolicyDocument
from fleet_repl.ecr.rules import parse_document, rules_of
from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.runs.backfills import Backlog, asked_for, backlog_of, foreseen, of_new_links
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes

HUB, SHOP, SEARCH = map(registry_of, "123")
FLEET = (
    accounts_text("hub", "shop", "search")
    + """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["shop", "search"] }
prefixes = ["base/"]
backfill = "new-links"
[[routes]]
name = "apps"
from = { accounts = "hub" }
to = { accounts = "shop" }
prefixes = ["apps/"]
"""
)


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    path = tmp_path / "fleet.toml"
    path.write_text(FLEET)
    return load_inventory(path, environ={})


def document(destination: Registry, *prefixes: str) -> JsonObject:
    rule: dict[str, Json] = {
        "destinations": [{"region": destination.region, "registryId": destination.account}]
    }
    if prefixes:
        rule["repositoryFilters"] = [
            {"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in prefixes
        ]
    return {"rules": [rule]}


def planned(*ends: LinkEnd) -> Plan:
    change = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before=None,
        after=None,
        links_added=ends,
    )
    nothing = PolicyDocument(document=None)
    grant = replace(change, resource=Resource.REGISTRY_POLICY, before=nothing, after=nothing)
    return plan_of(
        RegistryPlan(registry=HUB, name="hub", state=State.CHANGED, changes=(change,)),
        RegistryPlan(registry=SHOP, name="shop", state=State.CHANGED, changes=(grant,)),
    )


def end(destination: Registry, prefixes: Prefixes, *routes: str) -> LinkEnd:
    return LinkEnd(registry=destination, prefixes=prefixes, routes=routes)


def wrote(outcome: Outcome, destination: Registry, *prefixes: str) -> RegistryOutcome:
    change = ended_change(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        outcome=outcome,
        before=None,
        after=document(destination, *prefixes),
    )
    return RegistryOutcome(registry=HUB, name="hub", outcome=outcome, changes=(change,))


def test_every_route_counts_by_its_own_prefixes(inventory: Inventory) -> None:
    """All of them together, or one alone; sources without any link are left out."""
    desired, _ = desired_state(inventory)
    golden, apps = inventory.routes
    assert asked_for(desired, inventory.routes, [SHOP, HUB]) == {
        HUB: {SHOP: ("apps/", "base/"), SEARCH: ("base/",)}
    }
    assert asked_for(desired, [golden], [HUB]) == {HUB: {SHOP: ("base/",), SEARCH: ("base/",)}}
    assert asked_for(desired, [apps], [HUB]) == {HUB: {SHOP: ("apps/",)}}


def test_a_link_is_in_place_with_all_of_its_prefixes() -> None:
    """A wider rule holds it; a part of it does not do."""
    links = {SHOP: ("apps/", "base/"), SEARCH: ("base/",)}
    assert backlog_of(links, {SHOP: EVERY_REPOSITORY, SEARCH: ("base/",)}) == Backlog(
        in_place=(SHOP, SEARCH)
    )
    assert backlog_of(links, {SHOP: ("base/",)}) == Backlog(
        missing={SHOP: ("apps/",), SEARCH: ("base/",)}
    )


def test_new_links_of_routes_that_want_it(inventory: Inventory) -> None:
    """By the prefixes that are new: another route's new prefix is none of its business."""
    plan = planned(end(SHOP, ("apps/",), "golden", "apps"), end(SEARCH, ("base/",), "golden"))
    wrong = wrote(Outcome.APPLIED, SHOP, "apps/", "base/")
    assert of_new_links(plan, [wrong], inventory.routes) == {}
    right = wrote(Outcome.APPLIED, SEARCH, "base/")
    assert of_new_links(plan, [right], inventory.routes) == {HUB: (SEARCH,)}
    everything = wrote(Outcome.APPLIED, SEARCH)
    assert of_new_links(plan, [everything], inventory.routes) == {HUB: (SEARCH,)}


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNCHANGED, Outcome.CANCELLED])
def test_only_links_that_this_run_has_made(inventory: Inventory, outcome: Outcome) -> None:
    """Written and read back."""
    plan = planned(end(SEARCH, ("base/",), "golden"))
    assert of_new_links(plan, [wrote(outcome, SEARCH, "base/")], inventory.routes) == {}


def wrote_twice(first: Outcome, second: Outcome) -> RegistryOutcome:
    """The rules of the hub, first with the link to SEARCH, then with that to SHOP as well."""
    (written,) = wrote(first, SEARCH, "base/").changes
    (two,) = wrote(second, SHOP, "base/").changes
    assert written.after.document is not None
    assert two.after.document is not None
    both: JsonObject = {"rules": [*rules_of(written.after.document), *rules_of(two.after.document)]}
    later = replace(two, before=written.after, after=parse_document(both))
    return RegistryOutcome(registry=HUB, name="hub", outcome=second, changes=(written, later))


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        (Outcome.APPLIED, Outcome.APPLIED, (SHOP, SEARCH)),
        (Outcome.APPLIED, Outcome.SKIPPED, (SEARCH,)),
        (Outcome.APPLIED, Outcome.FAILED, (SEARCH,)),
        (Outcome.FAILED, Outcome.SKIPPED, ()),
        (Outcome.UNCHANGED, Outcome.APPLIED, (SHOP,)),
    ],
)
def test_rules_that_are_written_in_several_waves(
    inventory: Inventory, first: Outcome, second: Outcome, ends: tuple[Registry, ...]
) -> None:
    """What a run has made, up to the last write that it made; what was there when it came is
    none of it."""
    plan = planned(end(SHOP, ("base/",), "golden"), end(SEARCH, ("base/",), "golden"))
    needed = of_new_links(plan, [wrote_twice(first, second)], inventory.routes)
    assert needed == ({HUB: ends} if ends else {})


def test_a_link_that_was_held_after_all(inventory: Inventory) -> None:
    """The plan wanted it; what was written has it not."""
    plan = planned(end(SEARCH, ("base/",), "golden"))
    other = wrote(Outcome.APPLIED, SHOP, "base/")
    assert of_new_links(plan, [other], inventory.routes) == {}


def test_no_route_wants_it(inventory: Inventory) -> None:
    """Off is off, in the plan and after it."""
    routes = [replace(route, backfill="off") for route in inventory.routes]
    plan = planned(end(SEARCH, ("base/",), "golden"))
    assert of_new_links(plan, [wrote(Outcome.APPLIED, SEARCH, "base/")], routes) == {}
    assert list(foreseen(plan.registries, routes)) == []


def test_the_plan_says_it_beforehand(inventory: Inventory) -> None:
    """How many links of which routes; grants are not counted."""
    plan = planned(end(SEARCH, ("base/",), "golden"), end(SHOP, ("apps/",), "apps"))
    (warning,) = foreseen(plan.registries, inventory.routes)
    assert warning.message == (
        "after the apply, ECR is asked to copy what was pushed before along 1 link of route golden"
    )
