"""What follows from a rollback: it is a run, it respects others, and nothing undoes it unasked."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Outcome, State, Status, to_json
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.history import Purpose
from fleet_repl.values.canonical_json import JsonObject

EARLIER = ("1>2,3 base/", "2>4 team/", "5>3 legacy/")
LATER = ("1>3,4 base/ golden/", "2>4", "3>6 base/", "5>3 legacy/")
"""Links that are new, wider, narrower and gone, and some that stay."""
THEIRS: JsonObject = {
    "Sid": "PullThrough",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000005:root"},
    "Action": ["ecr:BatchImportUpstreamImage"],
    "Resource": "arn:aws:ecr:eu-west-1:000000000004:repository/*",
}


def rule(destination: str, prefix: str) -> JsonObject:
    return {
        "destinations": [{"region": "eu-west-1", "registryId": destination}],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
    }


async def test_what_others_changed_since_is_refused() -> None:
    """That registry is left as it is, and what its rules use stays; with insistence it goes too."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        await aws.applied()
        before = aws.spelled()
        report = await aws.applied(fleet_text(*LATER, accounts=6))
        rules = json.loads(json.dumps(aws.world.replication(aws.at(3))))
        rules["rules"].append(rule("000000000006", "by-hand/"))
        aws.world.set_replication(aws.at(3), rules)
        loose = aws.ungranted()
        with aws.watched() as seen:
            back = await aws.rolled_back(report.run_id)
        refused = next(registry for registry in back.registries if registry.registry == aws.at(3))
        assert refused.error is not None
        assert (refused.outcome, refused.error.kind) == (Outcome.FAILED, "conflict")
        assert "changed by someone else" in refused.error.message
        assert (back.status, report_exit(back)) == (Status.PARTIAL, 4)
        assert aws.world.replication(aws.at(3)) == rules
        assert "repository/base/" in aws.policy_text(aws.at(6))
        assert [item - loose for item in seen] == [set()] * len(seen)
        back = await aws.rolled_back(report.run_id, force=True)
        assert back.status is Status.OK
        assert aws.spelled() == before


async def test_a_plan_of_a_rollback_leaves_nothing_behind() -> None:
    """What `rollback --dry-run` does: neither the fleet nor its state differs afterwards."""

    def kept() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in aws.state.rglob("*") if path.is_file()}

    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        report = await aws.applied()
        before, there = aws.spelled(), kept()
        async with aws.connected() as fleet:
            plan = await fleet.plan_rollback(report.run_id)
            assert not fleet.holds_lock
        assert plan.changes
        assert (aws.spelled(), kept()) == (before, there)


async def test_a_later_run_is_named() -> None:
    """Runs are taken back newest first; otherwise it says which one has to go before."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        first = await aws.applied()
        second = await aws.applied(fleet_text("1>2 base/ team/"))
        back = await aws.rolled_back(first.run_id)
        errors = [registry.error for registry in back.registries if registry.error is not None]
        assert len(errors) == 2
        for error in errors:
            assert second.run_id in error.message
            assert error.hint is not None
            assert error.hint.startswith(f"roll back run {second.run_id} first")
        await aws.rolled_back(second.run_id)
        back = await aws.rolled_back(first.run_id)
        assert back.status is Status.OK
        assert (aws.links(1), aws.policy_text(aws.at(2))) == (set(), "")


async def test_nothing_is_left_to_take_back() -> None:
    """The second rollback of a run finds all done and writes nothing."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await aws.applied()
        await aws.rolled_back(run.run_id)
        writes = list(aws.world.writes)
        async with aws.connected() as fleet:
            plan = await fleet.plan_rollback(run.run_id)
            assert {registry.state for registry in plan.registries} == {State.UNCHANGED}
            report = await fleet.apply(plan)
        assert (report.status, aws.world.writes) == (Status.OK, writes)


async def test_a_rollback_is_a_run() -> None:
    """It is listed, says what it took back, and can be taken back: then all is as after the
    first, and once more as before it."""
    async with simulate(fleet_text(*EARLIER, accounts=6)) as aws:
        await aws.applied()
        before = aws.spelled()
        first = await aws.applied(fleet_text(*LATER, accounts=6))
        after = aws.spelled()
        chain = [first]
        for wanted in (before, after, before, after):
            with aws.watched() as seen:
                chain.append(await aws.rolled_back(chain[-1].run_id))
            assert chain[-1].status is Status.OK
            assert aws.spelled() == wanted
            assert seen == [set()] * len(seen) != []
        async with aws.history() as history:
            *rollbacks, run, _ = await history.runs()
        assert [rollback.meta.run_id for rollback in rollbacks] == [
            item.run_id for item in chain[:0:-1]
        ]
        assert [rollback.meta.rolls_back for rollback in rollbacks] == [
            item.run_id for item in chain[-2::-1]
        ]
        assert {rollback.meta.purpose for rollback in rollbacks} == {Purpose.ROLLBACK}
        assert (run.meta.run_id, run.meta.rolls_back) == (first.run_id, None)


async def test_a_rollback_that_writes_nothing_takes_nothing_back() -> None:
    """Everything was changed since and is refused: that version is still in force."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await aws.applied()
        rules = [rule("000000000002", "base/"), rule("000000000002", "by-hand/")]
        aws.world.set_replication(aws.at(1), {"rules": rules})
        back = await aws.rolled_back(run.run_id)
        assert {registry.outcome for registry in back.registries} == {Outcome.FAILED}
        kinds = [objection.kind for objection in (await aws.planned()).objections]
        assert "rolled-back" not in kinds
        async with aws.history() as history:
            assert [run.meta.run_id for run in await history.runs()] == [run.run_id]


async def test_what_was_taken_back_is_not_applied_again() -> None:
    """Not that version of the inventory; another one is free, and so is whoever insists."""
    first, second = fleet_text("1>2 base/"), fleet_text("1>2 base/", "1>3 base/")
    async with simulate(first) as aws:
        await aws.applied()
        run = await aws.applied(second)
        back = await aws.rolled_back(run.run_id)
        writes = list(aws.world.writes)
        async with aws.connected() as fleet:
            plan = await fleet.plan()
            assert [objection.kind for objection in plan.objections] == ["rolled-back"]
            message = plan.objections[0].message
            assert run.run_id in message
            assert back.run_id in message
            report = await fleet.apply(plan)
        assert (report.status, report_exit(report)) == (Status.REFUSED, 3)
        assert aws.world.writes == writes
        # Going back to the version before asks for nothing, and is not objected to.
        assert (await aws.applied(first)).status is Status.OK
        report = await aws.applied(second.replace("1>3 base/", "another name"))
        assert (report.status, report.objections) == (Status.OK, ())
        await aws.rolled_back(report.run_id)
        report = await aws.applied(second, force=True)
        assert (report.status, report.forced) == (Status.OK, True)
        assert [objection.kind for objection in report.objections] == ["rolled-back"]
        # Whoever insisted has lifted the mark: what is tampered with is mended again.
        aws.world.set_replication(aws.at(1), {"rules": []})
        report = await aws.applied()
        assert (report.status, report.objections) == (Status.OK, ())


async def test_a_plan_from_before_the_rollback_is_refused_too(tmp_path: Path) -> None:
    """What has come up since a plan was made counts when it is applied, and is in the report."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        path = tmp_path / "plan.json"
        async with aws.connected() as fleet:
            path.write_text(to_json(await fleet.plan(beside=path)))
        run = await aws.applied()
        await aws.rolled_back(run.run_id)
        async with aws.connected() as fleet:
            report = await fleet.apply(load_plan(path))
        assert (report.status, aws.links(1)) == (Status.REFUSED, set())
        assert [objection.kind for objection in report.objections] == ["rolled-back"]
        async with aws.connected() as fleet:
            report = await fleet.apply(load_plan(path), force=True)
        assert (report.status, report.forced, aws.links(1)) == (Status.OK, True, {"2 base/"})


async def test_taking_the_rollback_back_frees_the_version() -> None:
    """What it asks for is in place again; taking that back marks it once more."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        run = await aws.applied()
        back = await aws.rolled_back(run.run_id)
        again = await aws.rolled_back(back.run_id)
        aws.world.set_replication(aws.at(1), {"rules": []})
        assert (await aws.planned()).objections == ()
        aws.world.set_replication(aws.at(1), {"rules": [rule("000000000002", "base/")]})
        await aws.rolled_back(again.run_id)
        assert [objection.kind for objection in (await aws.planned()).objections] == ["rolled-back"]


async def test_what_is_ours_after_a_rollback() -> None:
    """An inventory without routes then takes away exactly that, and nothing of a stranger's."""
    additive = '[ownership]\nrules = "additive"\n'
    foreign_rule = rule("000000000003", "legacy/")
    async with simulate(fleet_text("1>2 base/", accounts=5, more=additive)) as aws:
        aws.world.set_replication(aws.at(1), {"rules": [foreign_rule]})
        aws.world.set_policy(aws.at(4), {"Version": "2012-10-17", "Statement": [THEIRS]})
        await aws.applied()
        record = json.loads((aws.state / "applied.json").read_text())
        run = await aws.applied(fleet_text("1>4 base/ legacy/", accounts=5, more=additive))
        assert aws.links(1) == {"3 legacy/", "4 base/", "4 legacy/"}
        await aws.rolled_back(run.run_id)
        assert aws.links(1) == {"3 legacy/", "2 base/"}
        assert json.loads((aws.state / "applied.json").read_text()) == record
        report = await aws.applied(fleet_text(accounts=5, more=additive))
        assert (report.status, report.objections) == (Status.OK, ())
        assert aws.world.replication(aws.at(1)) == {"rules": [foreign_rule]}
        assert aws.policy_text(aws.at(2)) == ""
        policy = aws.world.policy(aws.at(4))
        assert policy is not None
        assert policy["Statement"] == [THEIRS]


async def test_a_link_that_was_widened_is_ours_again() -> None:
    """Meanwhile the record knew the wider one alone; the narrower one comes back as ours."""
    for ownership in ("exclusive", "additive"):
        more = f'[ownership]\nrules = "{ownership}"\n'
        async with simulate(fleet_text("1>2 base/", more=more)) as aws:
            await aws.applied()
            run = await aws.applied(fleet_text("1>2", more=more))
            back = await aws.rolled_back(run.run_id)
            again = await aws.rolled_back(back.run_id)
            await aws.rolled_back(again.run_id)
            assert aws.links(1) == {"2 base/"}
            report = await aws.applied(fleet_text(more=more))
            assert (report.status, report.objections) == (Status.OK, ())
            assert (aws.links(1), aws.policy_text(aws.at(2))) == (set(), "")


async def test_a_narrower_link_of_others_stays_theirs() -> None:
    """Ours covered it for the time of a run."""
    additive = '[ownership]\nrules = "additive"\n'
    async with simulate(fleet_text("1>2 other/", more=additive)) as aws:
        await aws.applied()
        mine, theirs = rule("000000000002", "other/"), rule("000000000002", "base/team/")
        assert aws.world.replication(aws.at(1)) == {"rules": [mine]}
        aws.world.set_replication(aws.at(1), {"rules": [theirs, mine]})
        run = await aws.applied(fleet_text("1>2", more=additive))
        await aws.rolled_back(run.run_id)
        assert aws.links(1) == {"2 base/team/", "2 other/"}
        await aws.applied(fleet_text(more=additive))
        assert aws.links(1) == {"2 base/team/"}


async def test_a_rollback_that_changes_nothing_leaves_the_marks_of_others() -> None:
    """What an earlier rollback has taken back in part is held off still after a vain retry, and
    so is what a vain rollback of the rollback was to bring back."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        run = await aws.applied(fleet_text("1>3 base/", "4>3 base/"))
        aws.deny(4, "ecr:PutReplicationConfiguration")
        back = await aws.rolled_back(run.run_id)
        assert back.status is Status.PARTIAL
        aws.deny(1, "ecr:PutReplicationConfiguration")
        for number in (2, 3):
            aws.deny(number, "ecr:PutRegistryPolicy", "ecr:DeleteRegistryPolicy")
        before = aws.spelled()
        for vain in (run.run_id, back.run_id):
            report = await aws.rolled_back(vain)
            assert report.status in (Status.PARTIAL, Status.FAILED)
            assert aws.spelled() == before
            (objection,) = (await aws.planned()).objections
            assert objection.kind == "rolled-back"
            assert back.run_id in objection.message


async def test_a_link_does_not_come_back_into_an_account_that_has_left() -> None:
    """Its grant, which the run withdrew, cannot be put back; who insists is warned instead."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        run = await aws.applied(fleet_text("1>3 base/"))
        left = fleet_text("1>3 base/").replace('[[accounts]]\nid = "000000000002"\n', "")
        aws.rewrite(left)
        back = await aws.rolled_back(run.run_id)
        (refused,) = (
            registry.error for registry in back.registries if registry.registry == aws.at(1)
        )
        assert refused is not None
        assert "2/eu-west-1 is not listed any more" in refused.message
        assert aws.links(1) == {"3 base/"}
        back = await aws.rolled_back(run.run_id, force=True)
        assert "ungranted" in {warning.kind for warning in back.warnings}
        assert aws.links(1) == {"2 base/"}
