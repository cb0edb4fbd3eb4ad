"""Observed registries → an inventory that asks for exactly what is there.

Whatever it cannot ask for stays, because those accounts become additive. The result is held
against the plan that it would give, and only what leaves that plan empty is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.ecr.policy import actions_for, grants_for, reduced
from fleet_repl.inventory import Inventory
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.importing.bitsets import Registries
from fleet_repl.planning.importing.file_texts import FileTexts
from fleet_repl.planning.importing.left_out import LeftOut, one_line
from fleet_repl.planning.importing.links import Expressible, expressible
from fleet_repl.planning.importing.routes import routes_for
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.planning.planner import plan_registries
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted

_AT_ODDS: Final = (
    "routes for its links would be at odds with those of its rules that stay, so none is made"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An inventory to be, as values."""

    inventory: Inventory
    """The inventory with the routes, external accounts and ownership that were decided."""
    links: int
    left_out: tuple[LeftOut, ...]
    unmanaged: str | None = None
    """The reason why grants are not managed although they could be."""


def decide(
    inventory: Inventory,
    observation: Observation,
    file_texts: FileTexts,
    joining: Collection[AccountId],
) -> Decision:
    """Everything that the new inventory says. `inventory` gives the accounts; its own routes,
    external accounts and ownership of rules do not count. Templates are not looked at. Nothing is
    decided of accounts that are joining: they stay as if they had not come yet."""
    routable = expressible(inventory, observation, joining)
    decision = _decision(inventory, routable, file_texts)
    while wrong := _disagreeing(decision, routable, observation):
        routable = routable.without(wrong)
        decision = _decision(inventory, routable, file_texts)
    return _with_grants(decision, routable, observation)


def _decision(inventory: Inventory, routable: Expressible, file_texts: FileTexts) -> Decision:
    additive = {left.registry.account for left in routable.left_out}
    bare = replace(
        inventory,
        accounts=tuple(
            replace(account, rules="additive" if account.id in additive else "exclusive")
            for account in inventory.accounts
        ),
        externals=routable.externals(inventory),
        routes=(),
        templates=(),
        ownership=replace(inventory.ownership, rules="exclusive"),
    )
    routes = routes_for(routable.links, Registries(bare), file_texts)
    return Decision(
        inventory=replace(bare, routes=routes),
        links=sum(map(len, routable.links.values())),
        left_out=tuple(sorted(set(routable.left_out))),
    )


def _disagreeing(
    decision: Decision, routable: Expressible, observation: Observation
) -> Mapping[Registry, LeftOut]:
    """The sources whose rules a plan would change, or could not be reconciled with."""
    return {
        plan.registry: LeftOut(registry=plan.registry, name=plan.name, because=_AT_ODDS)
        for plan in _plan(_without_grants(decision.inventory), observation)
        if plan.registry in routable.links and (plan.changes or plan.error)
    }


def _with_grants(decision: Decision, routable: Expressible, observation: Observation) -> Decision:
    """Grants are managed if that, too, changes nothing."""
    inventory = decision.inventory
    if inventory.ownership.grants == "off":
        return decision
    create = inventory.ownership.create_repositories
    reasons = []
    for may_create in (create, not create):
        ownership = replace(inventory.ownership, create_repositories=may_create)
        tried = replace(inventory, ownership=ownership)
        because = _ungranted(tried, routable, observation) or _planned(tried, observation)
        if because is None:
            return replace(decision, inventory=tried)
        reasons.append(because)
    return replace(decision, inventory=_without_grants(inventory), unmanaged=reasons[0])


def _ungranted(inventory: Inventory, routable: Expressible, observation: Observation) -> str | None:
    """Says which policies lack grants of ours; None for none. Most often nothing else is different,
    and finding it out is quick."""
    actions = actions_for(create_repositories=inventory.ownership.create_repositories)
    lacking = set()
    for source, links in routable.links.items():
        for end, scope in links.items():
            observed = observation.get(end)
            if source.account != end.account and isinstance(observed, Observed):
                ours = observed.policy.grants if observed.policy is not None else frozenset()
                needed = grants_for(source.account, scope.prefixes, actions)
                if reduced(ours | needed) != ours:
                    lacking.add(end)
    if not lacking:
        return None
    return f"a plan would add grants in {counted(len(lacking), 'registry')}, such as {min(lacking)}"


def _planned(inventory: Inventory, observation: Observation) -> str | None:
    """Returns a sentence on the changes of a plan with managed grants, or None for no change."""
    try:
        plans = _plan(inventory, observation)
    except InventoryError as error:
        return one_line(error.problems[0].message)
    changed = [plan.registry for plan in plans if plan.changes]
    if changed:
        registries = counted(len(changed), "registry")
        return f"a plan would withdraw or rewrite grants in {registries}, such as {changed[0]}"
    for plan in plans:
        for held in plan.held:
            if not isinstance(observation.get(held.destination), Unreadable):
                because = one_line(held.because)
                return f"a plan would hold a link out of {plan.registry}: {because}"
    return None


def _without_grants(inventory: Inventory) -> Inventory:
    return replace(inventory, ownership=replace(inventory.ownership, grants="off"))


def _plan(inventory: Inventory, observation: Observation) -> tuple[RegistryPlan, ...]:
    desired, _ = desired_state(inventory)
    return plan_registries(desired, observation, desired.registries).registries
