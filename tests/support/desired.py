"""Desired state from links alone."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_repl.ecr.policy import Owner, actions_for
from fleet_repl.inventory import Limits
from fleet_repl.planning.desired import Desired
from fleet_repl.topology import Link
from fleet_repl.values.names import AccountId, Partition, Registry


def desired_of(
    links: Iterable[Link],
    registries: Iterable[Registry],
    *,
    manages_grants: bool = True,
    create_repositories: bool = True,
    limits: Limits | None = None,
    additive: Iterable[AccountId] = (),
    retired: Iterable[AccountId] = (),
) -> Desired:
    """The desired state of a fleet `prod` with these links, and the registries it manages."""
    managed = tuple(sorted(registries))
    links = tuple(links)
    accounts = sorted({one.account for one in managed} | {a.destination.account for a in links})
    names: dict[AccountId, str] = {one: f"name-{one[:3]}" for one in accounts}
    return Desired(
        owner=Owner(fleet="prod", partition=Partition.AWS),
        limits=limits or Limits(),
        names=names,
        registries=managed,
        by_account={
            account: tuple(one for one in managed if one.account == account)
            for account in {one.account for one in managed}
        },
        outgoing={
            one.source: tuple(link for link in links if link.source == one.source) for one in links
        },
        incoming={
            one.destination: tuple(link for link in links if link.destination == one.destination)
            for one in links
        },
        manages_grants=manages_grants,
        actions=actions_for(create_repositories=create_repositories),
        additive=frozenset(additive),
        retired=frozenset(retired),
    )
