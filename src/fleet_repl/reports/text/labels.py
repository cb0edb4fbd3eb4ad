"""The names of resources, registries, prefixes and routes in text for people."""

from __future__ import annotations

from typing import Final

from fleet_repl.planning.change import Action, Resource
from fleet_repl.reports.text.page import Style
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes
from fleet_repl.values.text import listed, named

PREFIXES_SHOWN: Final = 5

RESOURCES: Final = {
    Resource.REPLICATION_CONFIGURATION: "replication configuration",
    Resource.REGISTRY_POLICY: "registry policy",
    Resource.CREATION_TEMPLATE: "creation template",
}
SYMBOLS: Final = {
    Action.CREATE: ("+ ", Style.ADDED),
    Action.UPDATE: ("~ ", Style.CHANGED),
    Action.DELETE: ("- ", Style.REMOVED),
}


def change_name(resource: Resource, prefix: str | None) -> str:
    """Returns `registry policy`, or `creation template golden/`: a registry may have several."""
    return f"{RESOURCES[resource]} {prefix}" if prefix else RESOURCES[resource]


def label(registry: Registry, name: str | None) -> str:
    """Returns `111111111111 us-east-1 (build)`, without a name that only repeats the account id."""
    known = f" ({name})" if name and name != registry.account else ""
    return f"{registry.account} {registry.region}{known}"


def prefix_list(prefixes: Prefixes, *, full: bool) -> str:
    """Returns `base/, golden/`, or `every repository`; `full`: all prefixes, however many."""
    if prefixes == EVERY_REPOSITORY:
        return "every repository"
    if full or len(prefixes) <= PREFIXES_SHOWN + 1:
        return ", ".join(prefixes)
    return f"{listed(prefixes, PREFIXES_SHOWN)} prefixes"


def route_list(routes: tuple[str, ...]) -> str:
    """Returns `route golden`, `routes golden, dr` or `no route`."""
    return named("route", routes) if routes else "no route"
