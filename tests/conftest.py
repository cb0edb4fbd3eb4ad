"""Settings for the whole suite, and a fleet small enough to read.

Hypothesis checks laws the same way every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest
from hypothesis import HealthCheck, settings

from fleet_repl.ecr.policy import Owner, actions_for
from fleet_repl.inventory import Limits
from fleet_repl.planning.desired import Desired
from fleet_repl.topology import Link
from fleet_repl.values.names import AccountId, Partition, Registry

settings.register_profile(
    "fleet-repl",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=60,
)
settings.load_profile("fleet-repl")

MakeDesired = Callable[..., Desired]


@pytest.fixture(scope="session")
def make_desired() -> MakeDesired:
    """Desired state from links and the registries that are managed."""

    def make(
        links: Iterable[Link],
        registries: Iterable[Registry],
        *,
        manages_grants: bool = True,
        create_repositories: bool = True,
        limits: Limits | None = None,
        additive: Iterable[AccountId] = (),
        retired: Iterable[AccountId] = (),
    ) -> Desired:
        managed = tuple(sorted(registries))
        links = tuple(links)
        accounts = sorted({one.account for one in managed} | {a.destination.account for a in links})
        names: Mapping[AccountId, str] = {one: f"name-{one[:3]}" for one in accounts}
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
                one.source: tuple(link for link in links if link.source == one.source)
                for one in links
            },
            incoming={
                one.destination: tuple(
                    link for link in links if link.destination == one.destination
                )
                for one in links
            },
            manages_grants=manages_grants,
            actions=actions_for(create_repositories=create_repositories),
            additive=frozenset(additive),
            retired=frozenset(retired),
        )

    return make
