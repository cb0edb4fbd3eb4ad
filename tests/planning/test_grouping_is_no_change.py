"""The text of our statements is written anew only when their meaning changes."""

from __future__ import annotations

from hypothesis import given, strategies as st
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import CREATE_REPOSITORY, REPLICATE_IMAGE, Grant, Owner, parse_policy
from fleet_repl.ecr.rules import document_of, parse_answer
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.planner import plan_registries
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Partition, repositories_arn

OWNER = Owner(fleet="prod", partition=Partition.AWS)
SPOKE = registry_of("9")
HUBS = [registry_of(digit) for digit in "123"]
PREFIXES = {HUBS[0]: ("a/", "b/"), HUBS[1]: ("b/",), HUBS[2]: ("a/", "b/")}
GRANTS = [
    Grant(hub.account, prefix, action)
    for hub, prefixes in PREFIXES.items()
    for prefix in prefixes
    for action in (REPLICATE_IMAGE, CREATE_REPOSITORY)
]


@given(st.permutations(GRANTS), st.integers(1, len(GRANTS)))
def test_another_grouping_of_the_same_grants_is_left_alone(order: list[Grant], count: int) -> None:
    """One statement for each grant, some of them twice, in any order: nothing to do."""
    statements: list[JsonObject] = [
        {
            "Sid": f"{OWNER.sid_prefix}{at:08x}",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{grant.source}:root"},
            "Action": [grant.action],
            "Resource": f"{repositories_arn(Partition.AWS, SPOKE)}{grant.prefix}*",
        }
        for at, grant in enumerate([*order, *order[:count]])
    ]
    policy = parse_policy({"Version": "2012-10-17", "Statement": statements}, OWNER, SPOKE)
    observation: Observation = {
        hub: Observed(
            replication=parse_answer(
                {
                    "registryId": hub.account,
                    "replicationConfiguration": document_of(rules_for({SPOKE: prefixes})),
                }
            ),
            policy=None,
        )
        for hub, prefixes in PREFIXES.items()
    }
    empty = parse_answer({"registryId": SPOKE.account, "replicationConfiguration": {"rules": []}})
    observation = {**observation, SPOKE: Observed(replication=empty, policy=policy)}
    links = [
        make_link(source=hub, destination=SPOKE, prefixes=prefixes, routes=("golden",))
        for hub, prefixes in PREFIXES.items()
    ]
    desired = desired_of(links, [*HUBS, SPOKE])
    plan = plan_registries(desired, observation, [*HUBS, SPOKE])
    assert [registry.changes for registry in plan.registries] == [(), (), (), ()]
