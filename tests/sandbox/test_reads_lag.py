"""Reads that show the former value for a while after a write."""

from __future__ import annotations

import json

from hypothesis import given, strategies as st
from tests.support.registries import registry_of
from tests.support.served import Serve

from fleet_repl.sandbox import Scenario
from fleet_repl.sandbox.registries import LaggedValue
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Region, Registry

HUB = registry_of("1", "us-east-1")
OWN = Registry(HUB.account, Region("eu-west-1"))
RULES = {"rules": [{"destinations": [{"region": OWN.region, "registryId": OWN.account}]}]}
POLICY: JsonObject = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}],
}
LAGGING = Scenario(lag_ms=300)


async def test_rules_are_seen_after_the_lag(served: Serve) -> None:
    """The write is done at once: pushes follow it; only DescribeRegistry is late."""
    async with served(LAGGING) as aws:
        put = await aws.ecr("PutReplicationConfiguration", {"replicationConfiguration": RULES})
        assert put.json["replicationConfiguration"] == RULES
        aws.clock.seconds += 0.299
        late = await aws.ecr("DescribeRegistry")
        assert late.json["replicationConfiguration"] == {"rules": []}
        assert aws.world.replication(HUB) == RULES
        aws.world.push(HUB, "base/python", "3")
        assert aws.world.repositories(OWN) == ("base/python",)
        aws.clock.seconds += 0.001
        seen = await aws.ecr("DescribeRegistry")
        assert seen.json["replicationConfiguration"] == RULES


async def test_policies_are_seen_and_gone_after_the_lag(served: Serve) -> None:
    """A new policy is not found yet; a deleted one is still shown, but cannot be deleted again."""
    async with served(LAGGING) as aws:
        await aws.ecr("PutRegistryPolicy", {"policyText": json.dumps(POLICY)})
        unseen = await aws.ecr("GetRegistryPolicy")
        assert unseen.error[0] == "RegistryPolicyNotFoundException"
        aws.clock.seconds += 0.3
        assert json.loads((await aws.ecr("GetRegistryPolicy")).json["policyText"]) == POLICY
        await aws.ecr("DeleteRegistryPolicy")
        assert (await aws.ecr("GetRegistryPolicy")).status == 200
        assert (await aws.ecr("DeleteRegistryPolicy")).status == 400
        aws.clock.seconds += 0.3
        assert (await aws.ecr("GetRegistryPolicy")).status == 400


async def test_tampering_is_seen_at_once(served: Serve) -> None:
    """What is set from outside does not lag, and ends what lagged."""
    async with served(LAGGING) as aws:
        await aws.ecr("PutReplicationConfiguration", {"replicationConfiguration": RULES})
        aws.world.set_replication(HUB, {"rules": []})
        aws.world.set_policy(HUB, POLICY)
        aws.clock.seconds += 1
        shown = await aws.ecr("DescribeRegistry")
        assert shown.json["replicationConfiguration"] == {"rules": []}
        assert (await aws.ecr("GetRegistryPolicy")).status == 200
        aws.world.set_policy(HUB, None)
        assert (await aws.ecr("GetRegistryPolicy")).status == 400
        assert aws.world.policy(HUB) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=20), st.integers(0, 10))
def test_a_reader_sees_what_was_written_a_lag_ago(steps: list[tuple[int, bool]], lag: int) -> None:
    """Whatever the order of reads and writes, the value seen is the newest one old enough."""
    value = LaggedValue(0)
    written, now = [(-lag, 0)], 0
    for number, (seconds, writes) in enumerate(steps, start=1):
        now += seconds
        if writes:
            value.write(number, visible_from=now + lag)
            written.append((now, number))
        else:
            assert value.seen(now) == [value for at, value in written if at + lag <= now][-1]
        assert value.latest == written[-1][1]
