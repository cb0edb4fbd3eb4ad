"""The main job against moto: another implementation of the same API, one rule a registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from moto.ecr.models import ecr_backends
from tests.support.moto import moto_server

from fleet_repl import Status, connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.values.names import Region, Secret

FLEET = """
version = 1
name = "moto"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
[[accounts]]
id = "333333333333"
[[routes]]
name = "golden"
from = { accounts = ["111111111111"] }
to = { accounts = ["222222222222", "333333333333"] }
prefixes = ["base/"]
"""
RULES = {
    "rules": [
        {
            "destinations": [
                {"region": "eu-west-1", "registryId": "222222222222"},
                {"region": "eu-west-1", "registryId": "333333333333"},
            ],
            "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        }
    ]
}


moto = pytest.fixture(scope="module")(moto_server)


async def test_plan_apply_second_run_and_tampering(moto: str, tmp_path: Path) -> None:
    """Multi-account by assumed role: what was applied is there, and what is lost comes back."""
    path = tmp_path / "fleet.toml"
    path.write_text(FLEET)
    inventory = load_inventory(path, environ={})
    endpoint = Endpoint(
        url=moto,
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=Secret("secret"),
        region=Region("eu-west-1"),
    )
    async with connect(inventory, endpoint=endpoint) as fleet:
        plan = await fleet.plan()
        assert (plan.summary.changed, plan.summary.links_added) == (3, 2)
        report = await fleet.apply(plan)
        assert report.status is Status.OK
    hub = ecr_backends["111111111111"]["eu-west-1"]
    spoke = ecr_backends["222222222222"]["eu-west-1"]
    assert json.loads(json.dumps(hub.replication_config)) == RULES
    policy = json.loads(str(spoke.registry_policy))
    assert [item["Principal"] for item in policy["Statement"]] == [
        {"AWS": "arn:aws:iam::111111111111:root"}
    ]
    endpoint = Endpoint(
        url=moto,
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key=Secret("secret"),
        region=Region("eu-west-1"),
    )
    async with connect(inventory, endpoint=endpoint) as fleet:
        assert not (await fleet.plan()).changes
        spoke.registry_policy = None
        hub.replication_config = {"rules": []}
        plan = await fleet.plan()
        assert plan.summary.changed == 2
        report = await fleet.apply(plan)
        assert report.status is Status.OK
    assert json.loads(str(spoke.registry_policy)) == policy
    assert json.loads(json.dumps(hub.replication_config)) == RULES
