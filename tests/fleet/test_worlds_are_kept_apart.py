"""What is remembered of one AWS never counts for another: records, runs, locks, plan files."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
import pytest
from hypothesis import given, strategies as st
from tests.support.inventories import fleet_text
from tests.support.plans import plan_of
from tests.support.simulated import Simulated, simulate

import fleet_repl
from fleet_repl import PlanError, RunError, Status, load_plan, open_history, to_json
from fleet_repl.aws.configuration import make_session
from fleet_repl.fleet.kept_plan import check_world
from fleet_repl.fleet.worlds import endpoint_world, folder_of, world_of
from fleet_repl.inventory import Aws
from fleet_repl.values.names import Partition

OTHER_AWS = "http://localhost"
"""The same sandbox by another name."""


def as_aws(aws: Simulated, patch: pytest.MonkeyPatch) -> None:
    """From now on the sandbox stands for AWS itself."""
    patch.setattr("fleet_repl.fleet.worlds._is_aws", lambda host, partition: host == "localhost")
    url = aws.endpoint.url.replace("http://127.0.0.1", OTHER_AWS)
    aws.endpoint = replace(aws.endpoint, url=url, world=None)


@pytest.mark.parametrize(
    ("url", "partition", "world"),
    [
        ("https://api.ecr.eu-west-1.amazonaws.com", Partition.AWS, None),
        ("https://ecr.eu-west-1.api.aws", Partition.AWS, None),
        ("https://API.ECR-FIPS.us-east-1.amazonaws.com.", Partition.AWS, None),
        ("https://sts.amazonaws.com/", Partition.AWS, None),
        ("https://sts.us-gov-west-1.amazonaws.com", Partition.US_GOV, None),
        ("https://sts-fips.us-east-1.api.aws", Partition.AWS, None),
        (
            "https://vpce-0a1-b2c.api.ecr.eu-west-1.vpce.amazonaws.com",
            Partition.AWS,
            None,
        ),
        ("https://vpce-0a1-b2c-eu-west-1a.sts.eu-west-1.vpce.amazonaws.com", Partition.AWS, None),
        ("https://api.ecr.cn-north-1.amazonaws.com.cn", Partition.CN, None),
        ("https://api.ecr.cn-north-1.amazonaws.com.cn", None, None),
        # Of another partition, other people's machines at AWS, and names that only look like it.
        (
            "https://api.ecr.cn-north-1.amazonaws.com.cn",
            Partition.AWS,
            "api.ecr.cn-north-1.amazonaws.com.cn:443",
        ),
        (
            "http://ec2-1-2-3-4.compute-1.amazonaws.com:4566",
            Partition.AWS,
            "ec2-1-2-3-4.compute-1.amazonaws.com:4566",
        ),
        (
            "https://abc.execute-api.eu-west-1.amazonaws.com",
            Partition.AWS,
            "abc.execute-api.eu-west-1.amazonaws.com:443",
        ),
        ("https://ecr.evil-amazonaws.com", Partition.AWS, "ecr.evil-amazonaws.com:443"),
        ("https://sts.amazonaws.com.example.org", None, "sts.amazonaws.com.example.org:443"),
        # A user's name and password are no part of it.
        ("http://ops:secret@LocalHost:8080", Partition.AWS, "localhost:8080"),
        ("http://localhost", Partition.AWS, "localhost:80"),
    ],
)
def test_which_endpoints_are_aws(url: str, partition: Partition | None, world: str | None) -> None:
    """AWS's own of the partition and those of a VPC; any other is a world of its own."""
    assert endpoint_world(url, partition) == world


@given(st.text(max_size=40), st.sampled_from(list(Partition)))
def test_whatever_an_endpoint_says(url: str, partition: Partition) -> None:
    """Nothing that is no AWS host is taken for AWS, and its folder lies below the location."""
    for text in (url, f"http://{url}", f"http://localhost:8080/{url}"):
        world = endpoint_world(text, partition)
        assert world is not None
        folder = PurePosixPath(folder_of(world))
        assert folder.parent == PurePosixPath(".worlds")
        assert folder.name not in {"", ".", ".."}
    assert folder_of(None) == ""


FILE = """
[default]
{default}
[profile other]
{other}
services = local
[services local]
ecr =
  endpoint_url = http://services.example:1
"""
SETTINGS = ("", "endpoint_url = http://profile.example:2", "ignore_configured_endpoint_urls = true")
VARIABLES = {
    "AWS_ENDPOINT_URL": "http://everything.example:3",
    "AWS_ENDPOINT_URL_ECR": "http://ecr.example:4",
    "AWS_ENDPOINT_URL_STS": "http://sts.example:5",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True",
    "AWS_PROFILE": "other",
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("chosen", range(2 ** len(VARIABLES)))
async def test_it_is_where_the_sdk_sends_its_calls(
    setting: str, chosen: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever combination of variables and settings: the world is that of the SDK's clients."""
    text = FILE.format(default=setting, other=setting)
    (tmp_path / "config").write_text(text if chosen % 2 or setting else "[default]\n")
    monkeypatch.setenv("HERE", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", "$HERE/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    for nth, (name, value) in enumerate(VARIABLES.items()):
        if chosen >> nth & 1 and (name != "AWS_PROFILE" or chosen % 2 or setting):
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
    environ = dict(os.environ)
    named = await world_of(Aws(), None, environ)
    session = make_session(Aws(), None)
    session.set_credentials("AKIA", "x")
    used = []
    for service in ("ecr", "sts"):
        async with session.create_client(service, region_name="eu-west-1") as client:
            used.append(endpoint_world(client.meta.endpoint_url, Partition.AWS))
    assert named == next((world for world in used if world is not None), None)


async def test_a_sandbox_gives_no_foreign_rule_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tutorial was played in the served sandbox, without a state of its own. On AWS, the same
    rule is a stranger's: it does not go without --force."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        assert (await aws.applied()).status is Status.OK
        rules = aws.world.replication(aws.at(1))
        as_aws(aws, monkeypatch)
        aws.rewrite(fleet_text("1>3 base/"))
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert [objection.kind for objection in plan.objections] == ["foreign-rules"]
            assert (await fleet.apply(plan)).status is Status.REFUSED
        assert aws.world.replication(aws.at(1)) == rules


async def test_what_aws_has_is_not_the_sandboxs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round, and both go on by themselves: AWS's stays where it has always been."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        sandbox = aws.endpoint
        as_aws(aws, monkeypatch)
        report = await aws.applied()
        root = Path(aws.inventory.path).parent / ".fleet-repl"
        assert (root / "prod/applied.json").is_file()
        assert not (root / ".worlds").exists()
        aws.rewrite(fleet_text("1>3 base/"))
        assert (await aws.planned()).objections == ()
        aws.endpoint = sandbox
        async with aws.connected() as fleet:
            assert [objection.kind for objection in (await fleet.plan()).objections] == [
                "foreign-rules"
            ]
            with pytest.raises(RunError, match=f"no run {report.run_id} of fleet prod"):
                await fleet.plan_rollback(report.run_id)
            async with fleet.writing():
                assert not (root / "prod/lock.json").read_text().count('"host"')


async def test_runs_of_another_world_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither listed nor shown; whoever names such a run is told where it is."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        there = await aws.applied()
        kept_in = aws.state.parent
        as_aws(aws, monkeypatch)
        async with aws.history() as history:
            assert (await history.fleets(), await history.runs()) == ((), ())
            where = f"runs of other AWS endpoints are kept in {kept_in}; see AWS_ENDPOINT_URL"
            for fleet in (None, aws.inventory.name):
                assert (await history.elsewhere(fleet) or "").startswith(where)
                with pytest.raises(RunError, match=rf"^no runs are .*\n    {where}"):
                    await history.run("last", fleet)
            assert await history.elsewhere("another") is None
            with pytest.raises(RunError) as caught:
                await history.run(there.run_id)
        assert str(caught.value) == (
            f"no run {there.run_id} is remembered in {kept_in.parents[1]}\n"
            f"    a run of another AWS endpoint has that id: it is kept in {kept_in}; "
            "see AWS_ENDPOINT_URL and the profile's endpoint_url"
        )
        here = await aws.applied(fleet_text("1>2 base/", "1>3 base/"), force=True)
        async with open_history(kept_in.parents[1]) as history:
            assert [run.meta.run_id for run in await history.runs()] == [here.run_id]
        async with open_history(aws.inventory, endpoint=replace(aws.endpoint, world="sim")) as past:
            assert [run.meta.run_id for run in await past.runs()] == [there.run_id]
            with pytest.raises(RunError, match=f"it is kept in {kept_in.parents[1]};"):
                await past.run(here.run_id)


@pytest.mark.parametrize(
    ("made_of", "about", "message"),
    [
        (
            "sandbox",
            None,
            (
                "the plan was made of the simulated AWS of --sandbox, and this run is about AWS\n"
                "    give --sandbox here too, or plan again without it"
            ),
        ),
        (
            None,
            "sandbox",
            (
                "the plan was made of AWS, and this run is about the simulated AWS of --sandbox\n"
                "    leave --sandbox out, or plan again with it"
            ),
        ),
        (
            "moto",
            None,
            (
                "the plan was made of the AWS at moto, and this run is about AWS\n"
                "    see AWS_ENDPOINT_URL and the profile's endpoint_url, or plan again"
            ),
        ),
    ],
)
def test_a_plan_of_another_world_says_what_to_do(
    made_of: str | None, about: str | None, message: str
) -> None:
    """A flag, or the address that is called."""
    with pytest.raises(PlanError) as raised:
        check_world(replace(plan_of(), world=made_of), about)
    assert str(raised.value) == message


async def test_a_plan_is_of_one_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan file says which, under its digest; elsewhere it is refused, and nothing written."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        file = tmp_path / "plan.json"
        async with aws.connected() as fleet:
            file.write_text(to_json(await fleet.plan(beside=file)))
        assert load_plan(file).world == "sim"
        as_aws(aws, monkeypatch)
        with pytest.raises(PlanError, match="made of the AWS at sim, and this run is about AWS"):
            async with aws.connected() as fleet:
                await fleet.apply(load_plan(file))
        async with aws.connected() as fleet:
            file.write_text(to_json(await fleet.plan(beside=file)))
        assert '"world"' not in file.read_text()
        aws.endpoint = replace(aws.endpoint, world="sim")
        with pytest.raises(PlanError, match="made of AWS, and this run is about the AWS at sim"):
            async with aws.connected() as fleet:
                await fleet.apply(load_plan(file))
        assert aws.world.writes == []


REFUSED = """
import os, sys, anyio, fleet_repl
async def main():
    try:
        async with fleet_repl.connect(fleet_repl.load_inventory(sys.argv[1]), locked=True):
            pass
    except fleet_repl.RefusedError as error:
        print(error, {'aiobotocore', 'botocore'} & set(sys.modules))
anyio.run(main)
"""


async def test_to_be_refused_loads_no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither with an endpoint in the environment; the lock that refuses is that world's."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        aws.endpoint = replace(aws.endpoint, world=None)
        environ: dict[str, Any] = {
            **os.environ,
            "AWS_ENDPOINT_URL": aws.endpoint.url,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "PYTHONPATH": str(Path(fleet_repl.__file__).parents[1]),
        }
        async with aws.connected(locked=True) as fleet:
            ended = await anyio.run_process(
                [sys.executable, "-c", REFUSED, aws.inventory.path],
                env=environ,
                stderr=subprocess.STDOUT,
            )
        said = ended.stdout.decode()
        assert fleet.run_id in said
        assert said.endswith("set()\n")
