"""A state on S3: everything that a folder does, and one writer between machines.

The bucket is moto's, which somebody else wrote; registries and roles are the sandbox's. The SDK
is told of both by its environment, as an operator would tell it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from botocore.client import BaseClient
from tests.support.inventories import fleet_text
from tests.support.moto import moto_client, moto_server
from tests.support.simulated import Simulated, simulate

from fleet_repl import Outcome, StateError, Status, to_json
from fleet_repl.fleet.history import open_history
from fleet_repl.runs.history import Purpose
from fleet_repl.values.errors import FrozenError, RefusedError

BUCKET = "state-of-the-fleet"
PLACE = f"s3://{BUCKET}/replication"
REMEMBERED = ("applied", "lock", "traces", "rolled-back", "runs")
STATE = f'[state]\nlocation = "{PLACE}"\n'


moto = pytest.fixture(scope="module")(moto_server)


@pytest.fixture
def s3(moto: str) -> Iterator[BaseClient]:
    """Another client of moto's S3, and an empty bucket."""
    client = moto_client("s3", moto)
    client.create_bucket(Bucket=BUCKET)
    yield client
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture
async def forbidding() -> AsyncIterator[str]:
    """Where an S3 answers that allows nothing."""

    async def refuse(request: web.Request) -> web.Response:
        text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return web.Response(status=403, text=text, content_type="application/xml")

    runner = web.ServerRunner(web.Server(refuse))  # type: ignore[arg-type]
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}".format(*runner.addresses[0][:2])
    await runner.cleanup()


def point_at(aws: Simulated, s3_url: str, patch: pytest.MonkeyPatch) -> None:
    """The environment that leads to the sandbox, which stands for AWS, and for S3 elsewhere."""
    patch.setattr("fleet_repl.fleet.worlds._is_aws", lambda host, partition: True)
    settings = {
        "AWS_ENDPOINT_URL": aws.endpoint.url,
        "AWS_ENDPOINT_URL_S3": s3_url,
        "AWS_ACCESS_KEY_ID": aws.endpoint.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.endpoint.secret_access_key.reveal(),
        "AWS_REGION": aws.endpoint.region,
        "AWS_DEFAULT_REGION": aws.endpoint.region,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    for name, value in settings.items():
        patch.setenv(name, value)
    aws.how["endpoint"] = None


def keys(s3: BaseClient) -> set[str]:
    """The objects of the bucket."""
    return {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


async def test_the_whole_flow(moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply, again, another version, back: everything is remembered in the bucket alone."""
    async with simulate(fleet_text("1>2,3 base/", more=STATE)) as aws:
        point_at(aws, moto, monkeypatch)
        first = await aws.applied()
        assert first.status is Status.OK
        writes = len(aws.world.writes)
        assert (await aws.applied()).count(Outcome.UNCHANGED) == 4
        assert len(aws.world.writes) == writes
        before = aws.spelled()
        second = await aws.applied(fleet_text("1>3 base/", "1>4 team/", more=STATE))
        assert second.status is Status.OK
        assert (aws.links(1), aws.policy_text(aws.at(2))) == ({"3 base/", "4 team/"}, "")
        with aws.watched() as seen:
            back = await aws.rolled_back(second.run_id)
        assert (back.status, back.rolls_back) == (Status.OK, second.run_id)
        assert aws.spelled() == before
        assert seen == [set()] * len(seen) != []
        assert [objection.kind for objection in (await aws.planned()).objections] == ["rolled-back"]
        assert {key for key in keys(s3) if "/runs/" not in key} == {
            "replication/.sharing/fleets.json",
            *(f"replication/prod/{name}.json" for name in REMEMBERED),
        }
        # Nothing beside the inventory: whoever applies next may be on another machine.
        assert not aws.state.exists()


async def test_runs_are_read_back(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By location and by inventory, with their journal and their report as it was."""
    async with simulate(fleet_text("1>2,3 base/", more=STATE)) as aws:
        point_at(aws, moto, monkeypatch)
        aws.deny(2, "ecr:PutRegistryPolicy")
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            report = await fleet.apply(plan)
        for place in (aws.inventory, PLACE):
            async with open_history(place) as history:
                assert history.location == PLACE
                assert await history.fleets() == ("prod",)
                past = await history.run("last")
                (run,) = await history.runs()
                assert (run.meta, run.status) == (past.meta, Status.PARTIAL)
            assert past.meta.run_id == report.run_id
            assert past.report is not None
            assert (to_json(past.plan), to_json(past.report)) == (to_json(plan), to_json(report))
            assert len(past.journal) == 2 * 3


async def test_it_is_in_the_bucket_before_it_is_written(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first write is at AWS, the lock, the plan and what it replaces can be read."""
    async with simulate(fleet_text("1>2 base/", more=STATE)) as aws:
        point_at(aws, moto, monkeypatch)
        with aws.noting(lambda registry, operation: keys(s3)) as seen:
            report = await aws.applied()
        run = f"replication/prod/runs/{report.run_id}"
        assert seen[0] >= {"replication/prod/lock.json", f"{run}/plan.json", f"{run}/before.json"}
        assert f"{run}/report.json" not in seen[0]
        assert f"{run}/report.json" in keys(s3)


async def test_one_writer_between_machines(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is refused at once and told who is at work; afterwards it may."""
    async with simulate(fleet_text("1>2 base/", more=STATE)) as aws:
        point_at(aws, moto, monkeypatch)
        async with aws.connected(locked=True, purpose=Purpose.WATCH) as first:
            calls = aws.world.calls.total()
            with pytest.raises(RefusedError, match=f"busy: watch {first.run_id} of .+@.+ holds"):
                async with aws.connected(locked=True):
                    pytest.fail("two may write")
            assert aws.world.calls.total() == calls
            async with aws.connected() as second:
                plan = await second.plan()
                with pytest.raises(RefusedError, match=first.run_id):
                    await second.apply(plan)
            assert aws.world.writes == []
            assert (await first.apply(await first.plan())).status is Status.OK
        assert json.loads(_object(s3, "prod/lock.json"))["holder"] is None
        async with aws.connected(locked=True) as third:
            assert third.holds_lock


async def test_a_lock_that_was_taken_over_halts_the_run(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has removed it as stale: the run writes on until its lease has to be renewed, and
    no further, and leaves the new holder's alone."""
    text = fleet_text(
        "1>3 base/", "2>3 team/", waves={"canary": ("1", 'pause = "60s"')}, more=STATE
    )
    async with simulate(text) as aws:
        point_at(aws, moto, monkeypatch)
        sleep = aws.clock.sleep

        async def lose_it(seconds: float) -> None:
            await sleep(seconds)
            if seconds == 60:
                document = json.loads(_object(s3, "prod/lock.json"))
                document["holder"] |= {"run_id": "20990101T000000Z-abcdef", "host": "elsewhere"}
                s3.put_object(
                    Bucket=BUCKET,
                    Key="replication/prod/lock.json",
                    Body=json.dumps(document).encode(),
                )
                # As if the last renewal were longer ago than a write may take.
                monkeypatch.setattr(
                    "fleet_repl.state.lease.Lease.remaining", property(lambda lease: 5.0)
                )

        monkeypatch.setattr(aws.clock, "sleep", lose_it)
        report = await aws.applied()
        assert (report.status, aws.links(2)) == (Status.PARTIAL, set())
        (because,) = {
            registry.because
            for registry in report.registries
            if registry.outcome is Outcome.SKIPPED
        }
        assert because is not None
        assert because.startswith("the lock was taken over by apply 20990101T000000Z-abcdef of ")
        assert "elsewhere" in _object(s3, "prod/lock.json")


def _object(s3: BaseClient, name: str) -> str:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=f"replication/{name}")["Body"].read()
    return body.decode()


async def test_freezing_it_for_everybody(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A freeze in the bucket holds wherever the next run is started."""
    async with simulate(fleet_text("1>2 base/", more=STATE)) as aws:
        point_at(aws, moto, monkeypatch)
        async with open_history(PLACE) as history:
            await history.freeze("prod", who="ops", why="release")
            with pytest.raises(FrozenError, match="by ops: release"):
                await aws.applied()
            assert aws.world.writes == []
            assert (await history.unfreeze("prod")) is not None
        assert (await aws.applied()).status is Status.OK


async def test_another_place_than_the_inventory_says(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--state`: the folder beside the inventory is left alone."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        point_at(aws, moto, monkeypatch)
        async with aws.connected(state=f"s3://{BUCKET}") as fleet:
            assert (await fleet.apply(await fleet.plan())).status is Status.OK
        assert "prod/applied.json" in keys(s3)
        assert not aws.state.exists()


async def test_a_bucket_that_is_not_there(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told in words, before anything is written."""
    async with simulate(fleet_text("1>2 base/", more=STATE)) as aws:
        point_at(aws, moto, monkeypatch)
        with pytest.raises(StateError) as caught:
            await aws.applied()
        message = str(caught.value)
        assert message.startswith(f"the fleet's state cannot be read: {PLACE}/prod/")
        assert "NoSuchBucket" in message
        assert "make the bucket, or name another place" in message
        assert aws.world.writes == []


async def test_a_bucket_that_nobody_may_use(
    forbidding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which permission is missing; nothing secret is in what is said, nor in what hangs on it."""
    async with simulate(fleet_text("1>2 base/", more=STATE)) as aws:
        point_at(aws, forbidding, monkeypatch)
        for locked in (False, True):
            with pytest.raises(StateError) as caught:
                async with aws.connected(locked=locked) as fleet:
                    await fleet.apply(await fleet.plan())
            assert "access-denied (AccessDenied)" in str(caught.value)
            assert "allow the base identity s3:" in str(caught.value)
            assert aws.world.writes == []
            error: BaseException | None = caught.value
            while error is not None:
                shown = f"{error!r} {error}"
                assert aws.endpoint.secret_access_key.reveal() not in shown
                assert aws.endpoint.access_key_id not in shown
                error = error.__cause__ or error.__context__


async def test_a_bucket_that_goes_away_stops_the_writes(
    moto: str, s3: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be put down any more is not written; the report tells what was."""
    text = fleet_text(
        "1>3 base/", "2>3 team/", waves={"canary": ("1", 'pause = "60s"')}, more=STATE
    )
    async with simulate(text) as aws:
        point_at(aws, moto, monkeypatch)
        sleep = aws.clock.sleep

        async def lose_it(seconds: float) -> None:
            await sleep(seconds)
            if seconds == 60:
                for key in keys(s3):
                    s3.delete_object(Bucket=BUCKET, Key=key)
                s3.delete_bucket(Bucket=BUCKET)

        monkeypatch.setattr(aws.clock, "sleep", lose_it)
        report = await aws.applied()
        s3.create_bucket(Bucket=BUCKET)
        assert (report.status, aws.links(1), aws.links(2)) == (Status.PARTIAL, {"3 base/"}, set())
        (because,) = {
            registry.because
            for registry in report.registries
            if registry.outcome is Outcome.SKIPPED
        }
        assert because is not None
        assert because.startswith("the run's journal cannot be written any more: ")
        assert {warning.kind for warning in report.warnings} == {"not-recorded"}
        assert aws.ungranted() == set()
