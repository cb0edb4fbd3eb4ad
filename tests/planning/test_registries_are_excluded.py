"""A registry that nothing writes to: its plan shows its changes, and says what is not called."""

from __future__ import annotations

import pytest
from tests.support.changes import change_of
from tests.support.registries import registry_of

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.excluded import exclude
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.values.errors import Fault, FaultKind

SHOP = registry_of("2")
"""The registry that is excluded."""


@pytest.mark.parametrize(
    ("resource", "action", "call"),
    [
        (Resource.REGISTRY_POLICY, Action.CREATE, "PutRegistryPolicy"),
        (Resource.REGISTRY_POLICY, Action.UPDATE, "PutRegistryPolicy"),
        (Resource.REGISTRY_POLICY, Action.DELETE, "DeleteRegistryPolicy"),
        (Resource.REPLICATION_CONFIGURATION, Action.DELETE, "PutReplicationConfiguration"),
        (Resource.CREATION_TEMPLATE, Action.DELETE, "DeleteRepositoryCreationTemplate"),
    ],
)
def test_the_call_that_is_spared_is_named(resource: Resource, action: Action, call: str) -> None:
    """Operators look for the call in CloudTrail and in their permissions, so it is the very call
    that the change would have made."""
    change = change_of(
        resource=resource, action=action, phase=Phase.GRANTS, before=None, after=None
    )
    plan = RegistryPlan(registry=SHOP, name="shop", state=State.CHANGED, changes=(change,))
    fault = Fault(
        kind=FaultKind.ACCESS_DENIED, operation="", message="it is left alone", hint="wait"
    )
    (excluded,) = exclude([plan], {SHOP: fault})
    assert excluded.spared
    assert excluded.changes == (change,)
    assert excluded.refused[resource].operation == call
    assert excluded.error == excluded.refused[resource]
