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
    accounts = sorted({item.account for item in managed} | {a.destination.account for a in links})
    names: dict[AccountId, str] = {account: f"name-{account[:3]}" for account in accounts}
    return Desired(
        owner=Owner(fleet="prod", partition=Partition.AWS),
        limits=limits or Limits(),
        names=names,
        registries=managed,
        by_account={
            account: tuple(item for item in managed if item.account == account)
            for account in {item.account for item in managed}
        },
        outgoing={
            item.source: tuple(link for link in links if link.source == item.source)
            for item in links
        },
        incoming={
            item.destination: tuple(link for link in links if link.destination == item.destination)
            for item in links
        },
        manages_grants=manages_grants,
        actions=actions_for(create_repositories=create_repositories),
        additive=frozenset(additive),
        retired=frozenset(retired),
    )
