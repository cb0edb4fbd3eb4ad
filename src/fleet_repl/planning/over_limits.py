"""ECR's limits: on the rules of a source, and on the size of the policy of a destination. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from fleet_repl.ecr.policy import NO_POLICY, Grant, compose, grants_for
from fleet_repl.ecr.rules import rules_for
from fleet_repl.inventory import Inventory, Limits
from fleet_repl.planning.desired import Desired
from fleet_repl.topology import Link, scope_of
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope
from fleet_repl.values.text import named


def over_limits(inventory: Inventory, desired: Desired) -> Iterator[Problem]:
    """Yields the sources that would need too many rules, and the destinations whose policies would
    be too long. A plan checks those at the ends of routes by name: their links follow from the
    repositories that there are."""
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
