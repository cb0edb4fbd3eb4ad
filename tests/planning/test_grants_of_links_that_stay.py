"""A grant stays for as long as a rule uses it, whoever keeps the rule; and who needs none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, compose, grants_for, parse_policy
from fleet_repl.ecr.rules import document_of, parse_document, rules_of
from fleet_repl.engine.blocked import BlockedDestinations
from fleet_repl.planning.change import Resource
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Partition, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HUB = registry_of("1")
MIRROR = registry_of("1", "eu-west-2")
SPOKE, OTHER = map(registry_of, "23")
ACTIONS = ("ecr:ReplicateImage", "ecr:CreateRepository")
LEGACY = grants_for(HUB.account, ("legacy/",), ACTIONS)
TO_SPOKE: JsonObject = {"region": SPOKE.region, "registryId": SPOKE.account}


def link(source: Registry, destination: Registry, *prefixes: str) -> Link:
    return make_link(source=source, destination=destination, prefixes=prefixes, routes=("route",))


def plan(rules: JsonObject, *, additive: bool = False, allow: tuple[str, ...] = ()) -> Planned:
    """What is planned for a hub with these rules, a new link to OTHER, and an old grant."""
    desired = desired_of(
        [link(HUB, OTHER, "base/")],
        [HUB, SPOKE, OTHER],
        additive=[HUB.account] if additive else (),
    )
    nothing = parse_policy(None, OWNER, HUB)
    seen = {
        registry: Observed(
            replication=parse_document(rules if registry == HUB else {"rules": []}), policy=nothing
        )
        for registry in (HUB, OTHER)
    }
    document = compose(nothing, LEGACY, OWNER, SPOKE).document
    seen[SPOKE] = Observed(
        replication=parse_document({"rules": []}), policy=parse_policy(document, OWNER, SPOKE)
    )
    record = {HUB: Applied()}
    return plan_registries(desired, seen, [HUB, SPOKE, OTHER], record=record, allow=allow)


LINK = document_of(rules_for({SPOKE: ("legacy/",)}))
FILTERED: JsonObject = {
    "rules": [
        {
            "destinations": [TO_SPOKE],
            "repositoryFilters": [{"filter": "legacy/*", "filterType": "WILDCARD"}],
        }
    ]
}
NOVEL: JsonObject = {"rules": [{**rules_of(LINK)[0], "novelty": 1}]}


@pytest.mark.parametrize(
    ("rules", "how"),
    [
        (LINK, {"additive": True}),
        (NOVEL, {}),
        (FILTERED, {}),
        (FILTERED, {"allow": ("unknown-fields",)}),
        (FILTERED, {"allow": ("unknown-fields",), "additive": True}),
    ],
    ids=["of-others", "refused", "refused-strange", "strange", "strange-beside-others"],
)
def test_a_source_that_keeps_its_link_keeps_its_grant(
    rules: JsonObject, how: dict[str, Any]
) -> None:
    """The rule is somebody else's, is not to be written, or is kept because nobody knows what it
    means: whatever of it may use the grant uses it still once all is written."""
    planned = plan(rules, **how)
    hub, spoke, _ = planned.registries
    assert [change.resource for change in hub.changes] == [Resource.REPLICATION_CONFIGURATION]
    assert spoke.changes == ()
    assert "grant-kept" in {warning.kind for warning in planned.warnings}


def test_one_that_gives_up_its_link_loses_its_grant() -> None:
    """Once its rules are written."""
    _, spoke, _ = plan(LINK).registries
    (change,) = spoke.changes
    assert change.after.document is None
    assert change.needs == {HUB}


def test_links_within_an_account_are_never_held() -> None:
    """They need no grant, so that the policy of their destination is no matter of theirs: neither
    as it is planned, with a Deny in it, nor when it could not be written."""
    desired = desired_of(
        [link(HUB, MIRROR, "base/"), link(SPOKE, MIRROR, "base/")], [HUB, MIRROR, SPOKE]
    )
    deny: JsonObject = {
        "Sid": "No",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
    }
    seen = {
        registry: Observed(
            replication=parse_document({"rules": []}),
            policy=parse_policy(
                {"Statement": [deny]} if registry == MIRROR else None, OWNER, registry
            ),
        )
        for registry in (HUB, MIRROR, SPOKE)
    }
    hub, mirror, spoke = plan_registries(desired, seen, [HUB, MIRROR, SPOKE]).registries
    assert (hub.held, [len(change.links_added) for change in hub.changes]) == ((), [1])
    assert [link.destination for link in spoke.held] == [MIRROR]
    granted = parse_policy(mirror.changes[0].after.document, OWNER, MIRROR).grants
    assert {link.source for link in granted} == {SPOKE.account}
    blocked = BlockedDestinations(desired)
    blocked.add(MIRROR, Fault(kind=FaultKind.THROTTLED, operation="Put", message="no"), None)
    (change,) = hub.changes
    assert blocked.narrowed(hub, change) == (change, ())
    assert blocked.ungranted(hub, hub.held) == ()
    assert [link.destination for link in blocked.ungranted(spoke, spoke.held)] == []
    held = blocked.narrowed(spoke, change)[1]
    assert [link.destination for link in held] == [MIRROR]
