"""What a run leaves behind, and that it is there before anything is written."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Outcome, Registry, Resource, Status, to_json
from fleet_repl.fleet.history import open_history
from fleet_repl.fleet.rollback import RunError
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.history import Moment, Purpose
from fleet_repl.sandbox import RegistryScenario, Scenario
from fleet_repl.state.journal import parse_journal
from fleet_repl.state.run_documents import parse_before
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.errors import RefusedError

LINKS = ("1>2,3 base/", "2>4 team/")
RESOURCES = (Resource.REPLICATION_CONFIGURATION, Resource.REGISTRY_POLICY)
THEIRS: JsonObject = {
    "Sid": "PullThrough",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000004:root"},
    "Action": ["ecr:BatchImportUpstreamImage"],
    "Resource": "arn:aws:ecr:eu-west-1:000000000003:repository/*",
}

RULE: JsonObject = {"destinations": [{"region": "eu-west-1", "registryId": "000000000002"}]}


async def test_everything_of_a_run_is_kept() -> None:
    """Its plan, what was there before, a line for each write, the report; all of it private."""
    async with simulate(fleet_text(*LINKS)) as aws:
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            report = await fleet.apply(plan)
        run = aws.state / "runs" / report.run_id
        assert {path.name for path in run.iterdir()} == {
            "run.json",
            "plan.json",
            "before.json",
            "journal.jsonl",
            "ended.json",
            "report.json",
        }
        for path in (aws.state.parent, *aws.state.parent.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        for path in run.glob("*.json"):
            assert isinstance(json.loads(path.read_text()), dict)
        schema, *lines = map(json.loads, (run / "journal.jsonl").read_text().splitlines())
        assert schema == {"schema": "fleet-repl/journal/1"}
        assert len(lines) == 2 * len(plan.changes)


async def test_a_run_is_read_back() -> None:
    """By its id and as the last one, from the inventory and from the folder; the report too."""
    async with simulate(fleet_text(*LINKS)) as aws:
        first = await aws.applied()
        aws.rewrite(fleet_text("1>2 base/"))
        aws.deny(3, "ecr:DeleteRegistryPolicy")
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            second = await fleet.apply(plan)
        for place in (aws.inventory, aws.state.parent, str(aws.state.parent)):
            endpoint = aws.endpoint if place is aws.inventory else None
            async with open_history(place, endpoint=endpoint) as history:
                assert await history.fleets() == ("prod",)
                runs = await history.runs()
                past = await history.run("last")
                assert past == await history.run(second.run_id, "prod")
                assert await history.runs("prod") == runs
                assert await history.runs("stage") == ()
            assert [run.meta.run_id for run in runs] == [second.run_id, first.run_id]
            newest, oldest = runs
            assert (newest.status, newest.applied, newest.failed) == (Status.PARTIAL, 3, 1)
            assert (oldest.status, oldest.applied, oldest.failed) == (Status.OK, 4, 0)
            assert (past.meta.purpose, past.meta.fleet) == (Purpose.APPLY, "prod")
            assert past.meta.plan_digest == plan.digest == past.plan.digest
            assert past.report is not None
            assert (to_json(past.plan), to_json(past.report)) == (to_json(plan), to_json(second))


async def test_a_run_that_nobody_knows() -> None:
    """Told where it was looked for; so too where there are none at all."""
    async with (
        simulate(fleet_text(*LINKS)) as aws,
        aws.history() as history,
    ):
        assert (await history.fleets(), await history.runs()) == ((), ())
        with pytest.raises(RunError, match=f"no runs are remembered in {history.location}"):
            await history.run("last")
        await aws.applied()
        with pytest.raises(RunError, match="no run 20200101T000000Z-abcdef is remembered in"):
            await history.run("20200101T000000Z-abcdef")
        async with aws.connected() as fleet:
            with pytest.raises(RunError, match=r"no run \.\./x of fleet prod is remembered"):
                await fleet.plan_rollback("../x")


async def test_the_last_run_that_wrote_is_rolled_back() -> None:
    """Runs after it that were refused every write are passed over and listed; where no run has
    written anything, there is nothing to roll back."""
    refused = ("ecr:PutRegistryPolicy", "ecr:PutReplicationConfiguration")
    async with simulate(fleet_text(*LINKS)) as aws, aws.history() as history:
        with pytest.raises(RunError, match="no runs are remembered in"):
            await history.last_to_roll_back("prod")
        for number in range(1, 5):
            aws.deny(number, *refused)
        nothing = await aws.applied()
        with pytest.raises(RunError, match=f"nothing to roll back: .* {nothing.run_id} of prod"):
            await history.last_to_roll_back("prod")
        aws.relent()
        wrote = await aws.applied()
        assert (await history.last_to_roll_back("prod"))[1] == ()
        for number in range(1, 5):
            aws.deny(number, *refused)
        texts = fleet_text("3>4 base/", *LINKS), fleet_text("3>2 base/", *LINKS)
        denied = [(await aws.applied(text)).run_id for text in texts]
        past, newer = await history.last_to_roll_back("prod")
        assert past == await history.run(wrote.run_id, "prod")
        assert [run.meta.run_id for run in newer] == denied[::-1]
        async with aws.connected() as fleet:
            plan = await fleet.plan_rollback(nothing.run_id)
            assert (plan.changes, plan.rolls_back) == ((), nothing.run_id)


async def test_the_journal_tells_each_write_and_its_end() -> None:
    """In the order in which they were sent, with the request ids of the answers."""
    async with simulate(fleet_text(*LINKS)) as aws:
        aws.deny(4, "ecr:PutRegistryPolicy")
        report = await aws.applied()
        async with aws.history() as history:
            past = await history.run("last")
        sent = [entry.registry for entry in past.journal if entry.moment is Moment.SENDING]
        ended = {
            (entry.registry, entry.resource): entry
            for entry in past.journal
            if entry.moment is Moment.ENDED
        }
        assert sorted(sent) == sorted(registry for registry, _ in ended)
        written = [registry for registry, _ in aws.world.writes]
        assert set(written) == {
            registry for (registry, _), entry in ended.items() if entry.outcome is Outcome.APPLIED
        }
        denied = ended[aws.at(4), Resource.REGISTRY_POLICY]
        assert (denied.outcome, denied.in_doubt) == (Outcome.FAILED, False)
        for outcome in report.registries:
            for change in outcome.changes:
                entry = ended.get((outcome.registry, change.resource))
                assert (entry.request_id if entry else None) == change.request_id


async def test_who_is_at_work() -> None:
    """The process that holds the lock; nobody before it was taken, and after it was let go."""
    async with (
        simulate(fleet_text(*LINKS)) as aws,
        aws.history() as history,
    ):
        assert await history.at_work("prod") is None
        async with aws.connected(locked=True) as fleet:
            holder = await history.at_work("prod")
            assert holder is not None
            assert (holder.run_id, holder.purpose) == (fleet.run_id, Purpose.APPLY)
            assert await history.at_work("stage") is None
        assert await history.at_work("prod") is None


async def test_it_is_on_disk_before_it_is_sent() -> None:
    """While a write is at AWS, what it replaces and that it was sent can already be read."""
    async with simulate(fleet_text(*LINKS)) as aws:
        aws.world.set_policy(aws.at(3), {"Version": "2012-10-17", "Statement": [THEIRS]})
        there = {
            registry: dict(zip(RESOURCES, documents, strict=True))
            for registry, documents in aws.documents().items()
        }

        def look(registry: Registry, operation: str) -> bool:
            (run,) = (aws.state / "runs").iterdir()
            resource = RESOURCES["Policy" in operation]
            before = parse_before((run / "before.json").read_bytes(), "before.json")
            journal = parse_journal((run / "journal.jsonl").read_bytes(), "journal.jsonl")
            assert {path.name for path in run.iterdir()} >= {"run.json", "plan.json"}
            assert before.keys() == {aws.at(number) for number in (1, 2, 3, 4)}
            kept = before[registry].documents[resource]
            assert canonical_json(kept) == canonical_json(there[registry][resource])
            return any(
                (entry.moment, entry.registry, entry.resource)
                == (Moment.SENDING, registry, resource)
                for entry in journal
            )

        with aws.noting(look) as announced:
            report = await aws.applied()
        assert report.status is Status.OK
        assert announced == [True] * 5


async def test_runs_without_writes_are_not_kept() -> None:
    """Nothing to do, refused, frozen or only planned: there is nothing to roll back."""
    async with (
        simulate(fleet_text(*LINKS)) as aws,
        aws.history() as history,
    ):
        await aws.planned()
        assert await history.runs() == ()
        await aws.applied()
        (first,) = await history.runs()
        report = await aws.applied()
        assert report.count(Outcome.UNCHANGED) == 4
        aws.world.set_replication(aws.at(4), aws.world.replication(aws.at(1)))
        report = await aws.applied()
        assert report.status is Status.REFUSED
        await history.freeze("prod", who="ops", why="release")
        with pytest.raises(RefusedError):
            await aws.applied(force=True)
        assert await history.runs() == (first,)
        assert [path.name for path in (aws.state / "runs").iterdir()] == [first.meta.run_id]


async def test_a_run_whose_writes_are_all_refused_is_not_kept() -> None:
    """It fails, and has nothing that could be rolled back."""
    unknown = RegistryScenario(
        account="000000000001",
        region="eu-west-1",
        replication={"rules": [RULE]},
        unknown_fields={"tagReplication": {"enabled": True}},
    )
    text = fleet_text(accounts=2)
    async with simulate(text, Scenario(registries=(unknown,))) as aws:
        for _ in range(2):
            report = await aws.applied(force=True)
            assert (report.registries[0].outcome, report_exit(report)) == (Outcome.FAILED, 4)
            assert report.registries[0].error is not None
            assert report.registries[0].error.kind == "unknown-fields"
        async with aws.history() as history:
            assert await history.runs() == ()


async def test_a_run_that_ends_while_it_is_looked_for_has_not_died() -> None:
    """Whoever plans meanwhile sees it without an end, and then the lock without a holder."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await aws.applied()
        ended = aws.state / "runs" / run.run_id / "ended.json"
        content = ended.read_bytes()
        ended.unlink()
        (aws.state / "runs.json").unlink()  # It says that the run is over.

        async def just_ended(*_: object, **__: object) -> None:
            ended.write_bytes(content)

        with mock.patch("fleet_repl.fleet.recover.current_holder", just_ended):
            assert (await aws.planned()).warnings == ()
        ended.unlink()
        assert [warning.kind for warning in (await aws.planned()).warnings] == ["unfinished-run"]


async def test_a_plan_lists_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes two documents to know them all, whatever is remembered; of a run that died, too."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await aws.applied()

        async def listed(*_: object) -> tuple[str, ...]:
            raise AssertionError("everything that is remembered was listed")

        monkeypatch.setattr("fleet_repl.state.FolderStore.names", listed)
        assert (await aws.planned()).warnings == ()
        assert (await aws.applied(fleet_text("1>3 base/"))).status is Status.OK
        (aws.state / "runs" / run.run_id / "ended.json").unlink()
        index = aws.state / "runs.json"
        document = json.loads(index.read_bytes())
        document["over"].remove(run.run_id)
        index.write_text(json.dumps({**document, "open": [run.run_id]}))
        assert [warning.kind for warning in (await aws.planned()).warnings] == ["unfinished-run"]
