"""Deciding: observed registries → an inventory that asks for exactly what is there.

Whatever it cannot ask for stays, because those accounts become additive. The result is held
against the plan that it would give, and only what leaves that plan empty is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from fleet_repl.desired import desired_state
from fleet_repl.errors import InventoryError
from fleet_repl.grants import Grant, actions_for, grants_for, reduced
from fleet_repl.importing.choosing import Passage, passages
from fleet_repl.importing.expressing import Expressible, expressible
from fleet_repl.importing.leftovers import LeftOut, in_order, one_line
from fleet_repl.importing.naming import route_names
from fleet_repl.importing.places import Frame, Places
from fleet_repl.importing.wording import Wording
from fleet_repl.inventory import Inventory, Route, Selector
from fleet_repl.names import Registry
from fleet_repl.observed import Observation, Observed, Unreadable
from fleet_repl.plan import RegistryPlan
from fleet_repl.planning import plan_registries

Grants: TypeAlias = Literal["managed", "off"]

_AT_ODDS: Final = (
    "routes for its links would be at odds with those of its rules that stay, so none is made"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An inventory to be, as values."""

    inventory: Inventory
    """With routes, external accounts and ownership as they were found."""
    passages: tuple[Passage, ...]
    """The routes as they are written, in the order of the routes."""
    links: int
    left_out: tuple[LeftOut, ...]
    unmanaged: str | None = None
    """Why grants are not managed, if they could be."""


def decide(inventory: Inventory, observation: Observation, wording: Wording) -> Decision:
    """Everything that the new inventory says. `inventory` gives the accounts; its own routes,
    external accounts and ownership of rules do not count. Templates are not looked at."""
    found = expressible(inventory, observation)
    decision = _decision(inventory, found, wording)
    while wrong := _disagreeing(decision, found, observation):
        found = found.without(wrong)
        decision = _decision(inventory, found, wording)
    return _with_grants(decision, found, observation)


def _decision(inventory: Inventory, found: Expressible, wording: Wording) -> Decision:
    additive = {one.registry.account for one in found.left_out}
    ownership = replace(inventory.ownership, rules="exclusive", grants="off")
    bare = replace(
        inventory,
        accounts=tuple(
            replace(one, rules="additive" if one.id in additive else "exclusive")
            for one in inventory.accounts
        ),
        externals=found.externals(inventory),
        routes=(),
        templates=(),
        ownership=ownership,
    )
    some = passages(found.links, Places(bare))
    names = route_names(some, wording)
    routes = tuple(_route(name, one) for name, one in zip(names, some, strict=True))
    ownership = replace(ownership, grants=inventory.ownership.grants)
    return Decision(
        inventory=replace(bare, routes=routes, ownership=ownership),
        passages=some,
        links=sum(map(len, found.links.values())),
        left_out=in_order(found.left_out),
    )


def _route(name: str, passage: Passage) -> Route:
    path = passage.path
    return Route(
        name=name,
        source=Selector(match=path.source.match),
        destination=Selector(
            match=path.destination.match,
            same_account=path.frame is Frame.ACCOUNT,
            same_region=path.frame is Frame.REGION,
        ),
        prefixes=passage.prefixes,
        replicate_deletes=passage.deletes,
    )


def _disagreeing(
    decision: Decision, found: Expressible, observation: Observation
) -> Mapping[Registry, LeftOut]:
    """The sources whose rules a plan would change, or could not be reconciled with."""
    plans = _plan(_granting(decision.inventory, "off"), observation)
    return {
        one.registry: LeftOut(
            registry=one.registry,
            name=one.name,
            because=_AT_ODDS,
        )
        for one in plans
        if one.registry in found.links and (one.changes or one.error)
    }


def _with_grants(decision: Decision, found: Expressible, observation: Observation) -> Decision:
    """Grants are managed if that, too, changes nothing."""
    inventory = decision.inventory
    if inventory.ownership.grants == "off":
        return decision
    create = inventory.ownership.create_repositories
    reasons = []
    for one in (create, not create):
        ownership = replace(inventory.ownership, create_repositories=one)
        tried = replace(inventory, ownership=ownership)
        because = _ungranted(tried, found, observation) or _unsettled(tried, observation)
        if because is None:
            return replace(decision, inventory=tried)
        reasons.append(because)
    return replace(decision, inventory=_granting(inventory, "off"), unmanaged=reasons[0])


def _ungranted(inventory: Inventory, found: Expressible, observation: Observation) -> str | None:
    """Which policies lack grants of ours. That is soon told, and most often all there is to it."""
    actions = actions_for(create_repositories=inventory.ownership.create_repositories)
    lacking = {
        end
        for source, ends in found.links.items()
        for end, cargo in ends.items()
        if source.account != end.account
        and isinstance(seen := observation.get(end), Observed)
        and not _has(seen, grants_for(source.account, (*cargo.plain, *cargo.deleting), actions))
    }
    if not lacking:
        return None
    places = "1 registry" if len(lacking) == 1 else f"{len(lacking):,} registries"
    return f"a plan would add grants in {places}, such as {min(lacking)}"


def _has(seen: Observed, grants: frozenset[Grant]) -> bool:
    ours = seen.policy.grants if seen.policy is not None else frozenset()
    return reduced(ours | grants) == ours


def _unsettled(inventory: Inventory, observation: Observation) -> str | None:
    """What a plan with managed grants would do, or None for nothing."""
    try:
        plans = _plan(inventory, observation)
    except InventoryError as error:
        return one_line(error.problems[0].message)
    changed = [one.registry for one in plans if one.changes]
    if changed:
        places = "1 registry" if len(changed) == 1 else f"{len(changed):,} registries"
        return f"a plan would withdraw or rewrite grants in {places}, such as {changed[0]}"
    silent = {one for one, seen in observation.items() if isinstance(seen, Unreadable)}
    for one in plans:
        for held in one.held:
            if held.destination not in silent:
                return f"a plan would hold a link out of {one.registry}: {one_line(held.because)}"
    return None


def _granting(inventory: Inventory, grants: Grants) -> Inventory:
    return replace(inventory, ownership=replace(inventory.ownership, grants=grants))


def _plan(inventory: Inventory, observation: Observation) -> tuple[RegistryPlan, ...]:
    desired, _ = desired_state(inventory)
    return plan_registries(desired, observation, desired.registries).registries
