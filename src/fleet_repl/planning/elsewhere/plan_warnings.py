"""Warnings of a plan about resources that another tool manages, too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, assert_never

from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.change import Change, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.elsewhere.model import WORDS, HeldResource, Holder
from fleet_repl.planning.plan import RegistryPlan, Warning
from fleet_repl.values.names import Registry
from fleet_repl.values.text import listed, visible

_SHOWN: Final = 5
_MOST_IDS: Final = 10
"""Ids that CloudFormation is asked about for one registry, at the most."""
_REMEDIES: Final = {
    Holder.TERRAFORM: "fleet-repl import --tfstate prints the blocks that take it out of the state",
    Holder.CLOUDFORMATION: (
        "give it DeletionPolicy: Retain, update the stack, and take it out of the template"
    ),
}


def maybe_in_stacks(registries: Iterable[RegistryPlan]) -> Mapping[Registry, tuple[str, ...]]:
    """Returns the registries about which it is worth asking CloudFormation: a plan changes what is
    in place there, and the fleet was not the last to write it. Each has the ids by which stacks
    know what changes: the account's for rules and policy, and the prefixes of templates."""
    wanted: dict[Registry, tuple[str, ...]] = {}
    for planned in registries:
        if planned.moved is not None and planned.moved.by is Mover.INVENTORY:
            continue
        ids = (_physical_id(planned.registry, change) for change in planned.changes)
        if known := tuple(dict.fromkeys(id_ for id_ in ids if id_ is not None))[:_MOST_IDS]:
            wanted[planned.registry] = known
    return wanted


def _physical_id(registry: Registry, change: Change) -> str | None:
    """Returns the id by which a stack knows what a change replaces; None where that is nothing."""
    before = change.before.document
    if before in (None, {}, {"rules": []}):
        return None
    if change.resource is not Resource.CREATION_TEMPLATE:
        return str(registry.account)
    return str((before or {}).get("prefix", ""))


def managed_elsewhere(
    registries: Collection[RegistryPlan], held: Iterable[HeldResource], desired: Desired
) -> tuple[Warning, ...]:
    """Returns a warning for each resource, or stack and kind of resource, that another tool
    manages in a registry of the plan where the fleet manages the same."""
    planned = {registry_plan.registry: registry_plan for registry_plan in registries}
    places: dict[tuple[Holder, str, str, Resource], set[Registry]] = defaultdict(set)
    for resource in held:
        for registry in desired.by_account.get(resource.account, ()):
            is_asked = registry in planned and resource.is_of(registry)
            if is_asked and _is_ours(resource, planned[registry], desired):
                key = (resource.holder, resource.source, resource.target, resource.resource)
                places[key].add(registry)
    return tuple(
        _warning(holder, source, target, resource, some)
        for (holder, source, target, resource), some in sorted(places.items())
    )


def _is_ours(held: HeldResource, planned: RegistryPlan, desired: Desired) -> bool:
    """Returns whether the fleet has something of its own in the resource, or wants it."""
    registry = planned.registry
    match held.resource:
        case Resource.REPLICATION_CONFIGURATION:
            is_wanted = bool(desired.outgoing.get(registry)) or bool(planned.owned.links)
        case Resource.REGISTRY_POLICY:
            links = desired.incoming.get(registry, ()) if desired.manages_grants else ()
            is_wanted = any(link.source.account != registry.account for link in links)
        case Resource.CREATION_TEMPLATE:
            templates = desired.templates.get(registry, ())
            # ECR implies the slash at the end of a prefix.
            prefixes = {template.prefix.removesuffix("/") for template in templates}
            return held.prefix is not None and held.prefix.removesuffix("/") in prefixes
        case _:
            assert_never(held.resource)
    return is_wanted or any(change.resource is held.resource for change in planned.changes)


def _warning(
    holder: Holder, source: str, target: str, resource: Resource, registries: Collection[Registry]
) -> Warning:
    name = target if not source else f"{target} in {source}"
    noun = "stack " if holder is Holder.CLOUDFORMATION else ""
    message = (
        f"{holder} manages the {WORDS[resource]} of {listed(sorted(registries), _SHOWN)}, too "
        f"({noun}{visible(name)}): each undoes what the other writes; {_REMEDIES[holder]}"
    )
    about = tuple(frozenset({registry.account}) for registry in sorted(registries))
    return Warning(kind="managed-elsewhere", message=message, about=about)
