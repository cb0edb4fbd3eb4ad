"""Computes the desired state of a fleet from its inventory alone."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from fleet_repl.ecr.policy import Owner, actions_for
from fleet_repl.inventory import Inventory
from fleet_repl.planning.desired import Desired, grouped
from fleet_repl.planning.over_limits import over_limits
from fleet_repl.topology import Link, Topology, connect, registries
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.names import AccountId, Registry

_COMPUTED: Final[dict[int, tuple[Desired, Topology]]] = {}
"""The desired state by the id of its inventory, kept as long as the inventory exists."""


def desired_state(inventory: Inventory) -> tuple[Desired, Topology]:
    """The desired state, and the topology it came from.

    Computed once for each inventory value: loading an inventory checks it this way, and the
    connection to its fleet needs the same result. Raises InventoryError with everything that is
    wrong with the routes or over a limit.
    """
    known = _COMPUTED.get(id(inventory))
    if known is not None:
        return known
    topology = connect(inventory)
    desired = _desired(inventory, topology)
    problems = [*topology.problems, *over_limits(inventory, desired)]
    if problems:
        raise InventoryError(problems)
    _COMPUTED[id(inventory)] = desired, topology
    # An id may be used again once its inventory is gone.
    weakref.finalize(inventory, _COMPUTED.pop, id(inventory), None).atexit = False
    return desired, topology


def _desired(inventory: Inventory, topology: Topology) -> Desired:
    by_account: dict[AccountId, list[Registry]] = defaultdict(list)
    managed = registries(inventory)
    for registry in managed:
        by_account[registry.account].append(registry)
    return Desired(
        owner=Owner(
            fleet=inventory.name,
            partition=inventory.aws.partition,
            formerly=inventory.ownership.formerly,
            policy_bytes=inventory.limits.policy_bytes,
        ),
        limits=inventory.limits,
        names={account.id: account.name for account in inventory.accounts}
        | {external.id: external.name for external in inventory.externals},
        registries=managed,
        by_account={account: tuple(managed_here) for account, managed_here in by_account.items()},
        outgoing=grouped(topology.links, lambda link: link.source),
        incoming=grouped(topology.links, lambda link: link.destination),
        manages_grants=inventory.ownership.grants == "managed",
        actions=actions_for(create_repositories=inventory.ownership.create_repositories),
        additive=frozenset(
            account.id for account in inventory.accounts if account.rules == "additive"
        ),
        retired=frozenset(account.id for account in inventory.accounts if account.retired),
        unknown_regions=frozenset(
            account.id
            for account in inventory.accounts
            if account.asks_regions and not account.regions and not account.retired
        ),
        by_name=_by_name(inventory, topology.links),
        waves=topology.waves,
        protected=topology.protected,
        templates=topology.templates,
        trusted={
            account.id: frozenset(sids)
            for account in inventory.accounts
            if (sids := (*inventory.ownership.trusted_statements, *account.trusted_statements))
        },
        routes={route.name: route for route in inventory.routes},
    )


def _by_name(inventory: Inventory, links: Iterable[Link]) -> frozenset[Registry]:
    routes = {route.name for route in inventory.routes if route.by_name}
    if not routes:
        return frozenset()
    return frozenset(link.source for link in links if not routes.isdisjoint(link.routes))
