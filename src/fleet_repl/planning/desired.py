"""The desired state: the links and policies of every registry, from the inventory alone.

Also the checks that need the computed documents: ECR's limits on rules and the size of the
statements that a registry has to carry.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from fleet_repl.ecr.policy import (
    NO_POLICY,
    Grant,
    Owner,
    Policy,
    actions_for,
    compose,
    grants_for,
)
from fleet_repl.ecr.policy.evaluate import Permissions, in_force
from fleet_repl.ecr.rules import Links, rules_for
from fleet_repl.ecr.templates import Signature
from fleet_repl.inventory import Inventory, Limits, Template
from fleet_repl.topology import Link, Topology, Waves, connect, registries, scope_of
from fleet_repl.values.errors import InventoryError, Problem
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import LinkScope
from fleet_repl.values.text import named


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The desired state of a fleet."""

    owner: Owner
    limits: Limits
    names: Mapping[AccountId, str]
    registries: tuple[Registry, ...]
    """Every managed registry, in order of account and region."""
    by_account: Mapping[AccountId, tuple[Registry, ...]]
    outgoing: Mapping[Registry, tuple[Link, ...]]
    """Links by source; a registry without any is missing."""
    incoming: Mapping[Registry, tuple[Link, ...]]
    """Links by destination, also by external registries."""
    manages_grants: bool
    actions: tuple[str, ...]
    """The actions that a destination has to grant to a source."""
    additive: frozenset[AccountId] = frozenset()
    """Accounts in whose registries rules of others stay."""
    retired: frozenset[AccountId] = frozenset()
    unknown_regions: frozenset[AccountId] = frozenset()
    """Accounts that have not said which regions they have enabled. They have no registries here,
    and links to them stay as they are."""
    by_name: frozenset[Registry] = frozenset()
    """Sources of routes with `exclude` or `only`: their prefixes follow from the repositories that
    are there, and until these are read their links have all that the routes may match."""
    waves: Waves = field(default_factory=Waves)
    protected: frozenset[Registry] = frozenset()
    """Registries that lose no link unless the operator allows it."""
    templates: Mapping[Registry, tuple[Template, ...]] = field(default_factory=dict)
    """Creation templates by registry; a registry without templates is missing."""
    trusted: Mapping[AccountId, frozenset[str]] = field(default_factory=dict)
    """Account → Sids of others' statements in its registry policies that the operator vouches for;
    an account without any is missing."""

    def links_out(self, registry: Registry) -> Links:
        """The links out of a registry."""
        return {link.destination: link.scope for link in self.outgoing.get(registry, ())}

    def links_kept(self, links: Links) -> Links:
        """Returns those of a registry's links in place that stay, whatever routes ask for."""
        if not self.unknown_regions:
            return {}
        return {end: scope for end, scope in links.items() if end.account in self.unknown_regions}

    @property
    def signature(self) -> Signature:
        """The signature of the fleet's own creation templates."""
        return Signature(fleet=self.owner.fleet, formerly=self.owner.formerly)

    def linked_by(self, links: Sequence[Link]) -> Desired:
        """The desired state with these links in place of those that routes ask for."""
        return replace(
            self,
            outgoing=_grouped(links, lambda link: link.source),
            incoming=_grouped(links, lambda link: link.destination),
        )

    def is_additive(self, registry: Registry) -> bool:
        """Returns whether rules of others may be in place that stay."""
        return registry.account in self.additive

    def in_force(self, policy: Policy, registry: Registry) -> Permissions:
        """Returns the permissions of a registry's policy as it stands."""
        trusted = self.trusted.get(registry.account, frozenset())
        return in_force(policy, registry, self.owner.partition, trusted)

    def must_be_granted(self, source: Registry, destination: Registry) -> bool:
        """Returns whether a policy that is ours to write has to allow the links between two
        registries."""
        return (
            self.manages_grants
            and source.account != destination.account
            and destination.account in self.by_account
        )


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
    problems = [*topology.problems, *_over_limits(inventory, desired)]
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
        outgoing=_grouped(topology.links, lambda link: link.source),
        incoming=_grouped(topology.links, lambda link: link.destination),
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
    )


def _by_name(inventory: Inventory, links: Iterable[Link]) -> frozenset[Registry]:
    routes = {route.name for route in inventory.routes if route.by_name}
    if not routes:
        return frozenset()
    return frozenset(link.source for link in links if not routes.isdisjoint(link.routes))


def _grouped(
    links: Iterable[Link], end: Callable[[Link], Registry]
) -> Mapping[Registry, tuple[Link, ...]]:
    """Links by one of their ends."""
    groups: dict[Registry, list[Link]] = defaultdict(list)
    for link in links:
        groups[end(link)].append(link)
    return {registry: tuple(group) for registry, group in groups.items()}


def _over_limits(inventory: Inventory, desired: Desired) -> Iterator[Problem]:
    for source in desired.outgoing:
        if source not in desired.by_name:
            yield from _too_many_rules(inventory, desired, source)
    if desired.manages_grants:
        for destination, links in desired.incoming.items():
            if desired.by_name.isdisjoint(link.source for link in links):
                yield from _too_long_policy(inventory, desired, destination, links)


def _too_many_rules(inventory: Inventory, desired: Desired, source: Registry) -> Iterator[Problem]:
    allowed = desired.limits.rules
    links = desired.outgoing[source]
    # One rule for each destination always does, and one more where only some deletions travel.
    most = len(links) + sum(bool(link.scope.deletes) for link in links)
    if most <= allowed and all(len(link.prefixes) <= desired.limits.filters for link in links):
        return
    rules = _count_rules(links, desired.limits)
    if rules > allowed:
        yield Problem(
            file=inventory.path,
            line=None,
            key="routes",
            message=f"{source} ({desired.names[source.account]}) would need {rules} "
            f"replication rules, and ECR takes {allowed}, because of {_routes(links)}"
            f"{_what_would_fit(inventory, links)}",
            remedy="give destinations the same prefixes so that they share rules, or spread "
            "the routes over several source registries",
        )


def _count_rules(links: Iterable[Link], limits: Limits) -> int:
    scopes = {link.destination: link.scope for link in links}
    return len(rules_for(scopes, filters=limits.filters))


def _what_would_fit(inventory: Inventory, links: tuple[Link, ...]) -> str:
    """Returns the names of routes: without any single one of them the rules would fit."""
    by_name = {route.name: route for route in inventory.routes}
    fitting = []
    for name in dict.fromkeys(name for link in links for name in link.routes):
        rest = [
            replace(
                link, scope=scope_of([by_name[other] for other in link.routes if other != name])
            )
            for link in links
        ]
        count = _count_rules([link for link in rest if link.prefixes], inventory.limits)
        if count <= inventory.limits.rules:
            fitting.append(f"{name} ({count})")
    return f"; it would fit without route {' or '.join(fitting)}" if fitting else ""


def _too_long_policy(
    inventory: Inventory, desired: Desired, destination: Registry, links: tuple[Link, ...]
) -> Iterator[Problem]:
    # Most registries are far below the limit: a statement for each link is the most it can take.
    if 50 + sum([_longest_statement(link.scope) for link in links]) <= desired.limits.policy_bytes:
        return
    granted = tuple(link for link in links if desired.must_be_granted(link.source, destination))
    grants: set[Grant] = set()
    for link in granted:
        grants |= grants_for(link.source.account, link.prefixes, desired.actions)
    size = compose(NO_POLICY, grants, desired.owner, destination).size
    if size > desired.limits.policy_bytes:
        yield Problem(
            file=inventory.path,
            line=None,
            key="routes",
            message=f"{destination} ({desired.names[destination.account]}) would need a registry "
            f"policy of {size:,} characters for {len(granted)} links into it, and ECR takes "
            f"{desired.limits.policy_bytes:,}, because of {_routes(granted)}",
            remedy="give sources the same prefixes so that they share statements, or let fewer "
            "sources replicate into this registry",
        )


@lru_cache(maxsize=1_024)
def _longest_statement(scope: LinkScope) -> int:
    """The most characters that the statement for a link may take."""
    return 350 + sum(90 + len(prefix) for prefix in scope.prefixes)


def _routes(links: tuple[Link, ...]) -> str:
    return named("route", list(dict.fromkeys(name for link in links for name in link.routes)))
