"""Routes with `exclude` and `only` in commands, kept plans, watches, workers and rollbacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from tests.support.by_name import (
    HUB,
    PRIVATE,
    SPOKE,
    THIRD,
    born,
    fleet,
    from_third,
    links,
    unlistable,
)
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    Outcome,
    Selection,
    Status,
)
from fleet_repl.ecr.backfills.model import BackfillState
from fleet_repl.fleet.kept_plan import PlanError
from fleet_repl.reports.documents.plan import parse_plan, plan_content
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.sandbox import FaultRule, Mishap, Scenario
from fleet_repl.sandbox.faults import Faults
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch.round import Verdict, looked


async def test_doctor_lists_repositories_where_rules_follow_from_them() -> None:
    """A role that may not list them is a problem at the sources of such routes, and only there."""
    async with simulate(fleet(PRIVATE)) as aws:
        unlistable(aws)
        async with aws.connected(purpose=None) as connected:
            report = await connected.doctor()
        checks = report.registries
        assert checks[HUB]["ecr:DescribeRepositories"] == "failed"
        assert "ecr:DescribeRepositories" not in checks[SPOKE]
        assert [problem.kind for problem in report.problems] == ["read-denied"]


async def test_other_fleets_read_no_repositories() -> None:
    """Without such a route no repository is listed: a role that may not list them will do."""
    async with simulate(fleet('prefixes = ["base/"]')) as aws:
        unlistable(aws)
        assert (await aws.applied()).status is Status.OK
        aws.rewrite(fleet('prefixes = ["base/"]') + from_third())
        aws.relent()
        unlistable(aws)
        assert (await aws.applied()).status is Status.OK


async def test_a_kept_plan_is_refused_once_repositories_have_changed_its_prefixes() -> None:
    """A plan out of a file is looked at again; with --force it is carried out as it was made."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go")
        content = plan_content(await aws.planned())
        kept = parse_plan(content, "plan.json")
        assert plan_content(kept) == content
        born(aws, "base/private/x")
        async with aws.connected() as connected:
            assert (await connected.apply(kept)).status is Status.OK
        assert links(aws) == {"2 base/go"}
        born(aws, "base/java")
        kept = parse_plan(plan_content(await aws.planned()), "plan.json")
        born(aws, "base/rust")
        async with aws.connected() as connected:
            with pytest.raises(PlanError, match="the repositories of 111111111111/eu-west-1 have"):
                await connected.apply(kept)
            assert links(aws) == {"2 base/go"}
            assert (await connected.apply(kept, force=True)).status is Status.OK
        assert links(aws) == {"2 base/go", "2 base/java"}
        assert (await aws.planned()).changes


async def test_a_kept_plan_is_refused_once_there_is_collateral() -> None:
    """Its prefixes are still right, and carry something else by now."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/priv")
        kept = parse_plan(plan_content(await aws.planned()), "plan.json")
        born(aws, "base/private/x")
        async with aws.connected() as connected:
            report = await connected.apply(kept)
        assert report.status is Status.REFUSED
        assert [objection.kind for objection in report.objections] == ["collateral"]
        assert aws.rules(HUB) == []


async def test_a_registry_with_collateral_is_left_out_where_objected_ones_are() -> None:
    """A watch goes on with all other registries."""
    text = fleet(PRIVATE) + from_third()
    async with simulate(text) as aws:
        born(aws, "base/priv", "base/private/x")
        born(aws, "base/go", registry=THIRD)
        async with aws.connected() as connected:
            report = await connected.apply(await connected.plan(exclude_objected=True))
        outcomes = {outcome.registry: outcome.outcome for outcome in report.registries}
        assert outcomes[THIRD] is Outcome.APPLIED
        assert outcomes[HUB] is Outcome.FAILED
        assert aws.rules(HUB) == []


async def test_verify_and_backfill_go_by_the_repositories_that_are_there() -> None:
    """Images of excluded repositories are not missed, and the links are found in place."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go", "base/java", "base/private/x")
        await aws.applied()
        born(aws, "base/go", "base/private/x")
        aws.clock.seconds += 60
        async with aws.connected(purpose=None) as connected:
            report = await connected.verify()
        (link,) = report.links
        assert link.prefixes == ("base/go", "base/java")
        assert {delivery.image.repository for delivery in link.images} <= {"base/go", "base/java"}
        assert report.unreadable == ()
        async with aws.connected() as connected:
            backfills = await connected.backfill()
        (outcome,) = backfills.backfills
        assert (outcome.state, outcome.because) == (BackfillState.PREPARING, None)


async def test_verify_misses_nothing_where_the_names_could_not_be_read() -> None:
    """Images of excluded repositories would lack a rule: of such a source nothing is known."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go", "base/private/x")
        await aws.applied()
        denied = FaultRule(kind=Mishap.DENIED, first=1, operations=("DescribeRepositories",))
        aws.world.faults = Faults(Scenario(faults=(denied,)))
        async with aws.connected(purpose=None) as connected:
            report = await connected.verify()
        assert [unread.registry for unread in report.unreadable] == [HUB]
        assert [link.state for link in report.links] == [DeliveryState.UNKNOWN]


async def test_a_backfill_without_the_names_blames_no_rule() -> None:
    """The rules are as they shall be: what cannot be read is the repositories."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go")
        await aws.applied()
        unlistable(aws)
        async with aws.connected() as connected:
            (outcome,) = (await connected.backfill()).backfills
        assert outcome.state is BackfillState.NOT_STARTED
        assert outcome.error is not None
        assert outcome.error.operation == "DescribeRepositories"


async def run(aws: Simulated, *arguments: str) -> tuple[int, str]:
    """A command of its own process: its exit code and what it prints."""
    environ: dict[str, str] = {
        **os.environ,
        "AWS_ENDPOINT_URL": aws.endpoint.url,
        "AWS_ACCESS_KEY_ID": str(aws.endpoint.access_key_id),
        "AWS_SECRET_ACCESS_KEY": aws.endpoint.secret_access_key.reveal(),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    command, *others = arguments
    ended = await anyio.run_process(
        [sys.executable, "-m", "fleet_repl", command, aws.inventory.path, *others],
        env=environ,
        check=False,
        stderr=subprocess.STDOUT,
    )
    return ended.returncode, ended.stdout.decode()


async def test_exit_codes_of_the_commands() -> None:
    """A repository that is born later is drift, exit 2; collateral too, and no apply goes on."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/priv")
        assert (await run(aws, "drift"))[0] == 2
        assert (await run(aws, "apply", "--yes"))[0] == 0
        assert (await run(aws, "drift"))[0] == 0
        born(aws, "base/rust")
        code, said = await run(aws, "drift")
        assert code == 2
        assert "+ to 222222222222 eu-west-1: base/rust (route r1)" in said
        because = "its routes need other prefixes, because repositories have changed since they"
        assert said.count(because) == 2
        assert (await run(aws, "apply", "--yes"))[0] == 0
        assert links(aws) == {"2 base/priv", "2 base/rust"}
        # From now on the rules in place carry what is excluded, and no other rules could help.
        born(aws, "base/private/x")
        code, said = await run(aws, "drift")
        assert code == 2
        assert "cannot carry base/priv out of 111111111111/eu-west-1 without base/private/x" in said
        for flags, expected in ([], 3), (["--force"], 3), (["--allow", "collateral"], 0):
            assert (await run(aws, "apply", "--yes", *flags))[0] == expected


async def test_repositories_are_not_blamed_for_what_a_run_left_undone() -> None:
    """A run that ends after its first wave leaves rules that lack a link, though no repository was
    born since. Once another run has finished the rest, a new repository is the cause."""
    waves = '[[waves]]\nname = "first"\nselect = { accounts = "222222222222" }\n'
    blamed = "its routes need other prefixes, because repositories have changed since they"
    to_third = PRIVATE + '\n[[routes]]\nname = "later"\nfrom = { accounts = "hub" }\n'
    to_third += f'to = {{ accounts = "333333333333" }}\n{PRIVATE}'
    async with simulate(fleet(to_third) + waves) as aws:
        born(aws, "base/priv")
        assert (await run(aws, "apply", "--yes", "--wave", "first"))[0] == 0
        assert links(aws) == {"2 base/priv"}
        code, said = await run(aws, "drift")
        assert code == 2
        assert blamed not in said
        assert "the inventory asks for something else than was applied by run" in said
        assert (await run(aws, "apply", "--yes"))[0] == 0
        born(aws, "base/rust")
        assert blamed in (await run(aws, "drift"))[1]


async def test_a_round_of_a_watch_is_not_in_sync_with_collateral() -> None:
    """Although nothing could be written."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/priv")
        await aws.applied()
        assert looked(await aws.planned(), fix=False)[0] is Verdict.IN_SYNC
        born(aws, "base/private/x")
        plan = await aws.planned()
        assert not plan.changes
        assert looked(plan, fix=False) == (Verdict.DRIFT, ExitCode.PENDING)
        assert looked(plan, fix=True) == (Verdict.REFUSED, ExitCode.REFUSED)


async def test_other_processes_read_the_names_as_well() -> None:
    """Workers plan the same."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go", "base/java", "base/private/x")
        with ThreadPoolExecutor(2) as executor:
            async with aws.connected(executor=executor, workers=2) as connected:
                assert (await connected.apply(await connected.plan())).status is Status.OK
        assert links(aws) == {"2 base/go", "2 base/java"}


async def test_a_run_is_taken_back() -> None:
    """The prefixes from before it come back, whatever repositories there are by now."""
    async with simulate(fleet(PRIVATE) + from_third()) as aws:
        born(aws, "base/go")
        born(aws, "tools/a", registry=THIRD)
        await aws.applied()
        before = aws.spelled()
        born(aws, "base/rust")
        report = await aws.applied()
        unlistable(aws)
        assert (await aws.rolled_back(report.run_id)).status is Status.OK
        assert links(aws) == {"2 base/go"}
        assert aws.spelled() == before


async def test_only_a_part_of_the_fleet_is_planned() -> None:
    """A destination by itself is granted what its sources send, and no more."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go", "base/private/x")
        async with aws.connected() as connected:
            selection = Selection(accounts=("222222222222",))
            await connected.apply(await connected.plan(selection=selection))
        (statement,) = aws.statements(SPOKE)
        assert "repository/base/go*" in json.dumps(statement)
        assert aws.rules(HUB) == []


async def test_an_unreadable_memory_of_repositories_is_no_empty_one() -> None:
    """Whoever cannot tell which repositories are new does not plan; an apply cannot hide that."""
    async with simulate(fleet(PRIVATE + '\nnew_repositories = "leave"')) as aws:
        born(aws, "base/go")
        await aws.applied()
        (aws.state / "repositories.json").write_text("{}")
        with pytest.raises(UnreadableStateError, match=r"repositories\.json"):
            await aws.planned()
