"""Routes with `exclude` and `only`: whole runs over HTTP, judged by the sandbox's replication."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from hypothesis import assume, given, settings, strategies as st
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    InventoryError,
    Outcome,
    Plan,
    Registry,
    Report,
    Selection,
    Status,
    explain_image,
    load_inventory,
)
from fleet_repl.ecr.backfills.model import BackfillState
from fleet_repl.fleet.kept_plan import PlanError
from fleet_repl.planning.plan import State
from fleet_repl.reports.documents.plan import parse_plan, plan_content
from fleet_repl.sandbox import AccountScenario
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch.round import Verdict, looked

HUB, SPOKE, THIRD = map(registry_of, "123")
ACCOUNTS = """version = 1
name = "named"
[aws]
role = "replication"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "hub"
[[accounts]]
id = "222222222222"
[[accounts]]
id = "333333333333"
"""
PRIVATE = 'prefixes = ["base/"]\nexclude = ["base/private/"]'


def fleet(*routes: str) -> str:
    """An inventory whose routes lead from the hub to account 2: their other lines."""
    tables = [
        f'[[routes]]\nname = "r{number}"\nfrom = {{ accounts = "hub" }}\n'
        f'to = {{ accounts = "222222222222" }}\n{lines}\n'
        for number, lines in enumerate(routes, 1)
    ]
    return ACCOUNTS + "".join(tables)


def born(aws: Simulated, *names: str, registry: Registry = HUB) -> None:
    """Push to repositories, which thereby exist."""
    for name in names:
        aws.world.push(registry, name, "1")


def arrived(aws: Simulated, names: Iterable[str], registry: Registry = SPOKE) -> set[str]:
    """The repositories of which a push arrives now."""
    asked = list(names)
    for name in asked:
        aws.world.push(HUB, name, "now")
    return {name for name in asked if "now" in tags(aws, registry, name)}


def tags(aws: Simulated, registry: Registry, name: str) -> set[str]:
    """The tags of a repository's images."""
    return {tag for image in aws.world.images(registry, name) for tag in image.tags}


def links(aws: Simulated) -> set[str]:
    """What the rules of the hub ask for, such as `2 base/`."""
    return {
        f"{end['registryId'][0]} {item['filter']}"
        for rule in aws.rules(HUB)
        for end in rule["destinations"]
        for item in rule["repositoryFilters"]
    }


def unlistable(aws: Simulated) -> None:
    """Take the listing of repositories from the hub's role."""
    action = "ecr:DescribeRepositories"
    aws.world.directory._peculiar[HUB.account] = AccountScenario(
        id=HUB.account, denied_actions=(action,)
    )


def kinds(plan: Plan) -> set[str]:
    """The kinds of a plan's warnings."""
    return {warning.kind for warning in plan.warnings}


async def test_what_is_excluded_stays_out_and_the_rest_arrives() -> None:
    """From nothing to a fleet; a repository that is born later is drift, and the next run carries
    it. An excluded one is none."""
    names = ["base/go", "base/java", "base/private/x", "team/x"]
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, *names)
        report = await aws.applied()
        assert report.status is Status.OK
        assert links(aws) == {"2 base/go", "2 base/java"}
        assert arrived(aws, names) == {"base/go", "base/java"}
        assert not (await aws.planned()).changes
        born(aws, "base/private/y", "base/python")
        plan = await aws.planned()
        (hub,) = [planned for planned in plan.registries if planned.state is State.CHANGED][:1]
        assert hub.registry == HUB
        assert (await aws.applied()).status is Status.OK
        assert links(aws) == {"2 base/go", "2 base/java", "2 base/python"}
        every = [*names, "base/private/y", "base/python"]
        assert arrived(aws, every) == {"base/go", "base/java", "base/python"}


async def test_excluded_repositories_that_are_not_there_yet_stay_out() -> None:
    """The first push to a new private repository does not travel, even before the next run."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go", "base/java")
        await aws.applied()
        assert arrived(aws, ["base/private/x"]) == set()
        assert not (await aws.planned()).changes


async def test_collateral_refuses_the_plan_and_is_named() -> None:
    """Every prefix of base/priv matches base/private/x: nothing is written, whatever is forced."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/priv", "base/private/x")
        async with aws.connected() as connected:
            plan = await connected.plan()
            (objection,) = plan.objections
            assert objection.kind == "collateral"
            assert "route r1 cannot carry base/priv out of 111111111111/eu-west-1 without " in (
                objection.message
            )
            assert "base/private/x" in objection.message
            for force in (False, True):
                report = await connected.apply(plan, force=force)
                assert report.status is Status.REFUSED
            assert aws.rules(HUB) == []
            report = await connected.apply(plan, allow=["collateral"])
            assert report.status is Status.OK
        assert arrived(aws, ["base/priv", "base/private/x"]) == {"base/priv", "base/private/x"}
        assert [objection.kind for objection in (await aws.planned()).objections] == ["collateral"]


async def test_only_names_whole_repositories() -> None:
    """base/java is not base/javascript; a new base/javascript is collateral by then."""
    async with simulate(fleet('only = ["base/java", "tools/"]')) as aws:
        born(aws, "base/java/17", "base/javascript", "tools/a", "tools", "base/java-x")
        assert (await aws.applied()).status is Status.OK
        assert links(aws) == {"2 base/java/", "2 tools/"}
        names = ["base/java/17", "base/java/21", "base/javascript", "tools/b", "tools"]
        assert arrived(aws, names) == {"base/java/17", "base/java/21", "tools/b"}
        born(aws, "base/java")
        (objection,) = (await aws.planned()).objections
        assert "base/java-x, base/javascript" in objection.message


async def test_new_repositories_are_left_where_the_route_leaves_them() -> None:
    """The rules stay, a warning names the new one; what is excluded is kept out all the same, and
    what is asked for anew begins anew."""
    leave = PRIVATE + '\nnew_repositories = "leave"'
    async with simulate(fleet(leave)) as aws:
        born(aws, "base/apps/a", "base/go", "base/private/x")
        await aws.applied()
        assert links(aws) == {"2 base/apps/a", "2 base/go"}
        born(aws, "base/rust")
        plan = await aws.planned()
        assert not plan.changes
        (warning,) = [item for item in plan.warnings if item.kind == "left-repositories"]
        assert "base/rust in 111111111111/eu-west-1" in warning.message
        assert arrived(aws, ["base/rust", "base/go"]) == {"base/go"}
        async with aws.connected(purpose=None) as connected:
            explained = await connected.explain("base/rust", source="111111111111/eu-west-1")
        assert explained.remedy is not None
        assert explained.remedy.startswith("if the repository is newer than the rules, write new_r")
        # Rules that somebody has changed by hand are put back, and no new repository with them.
        aws.world.set_replication(HUB, {"rules": []})
        assert (await aws.applied(force=True)).status is Status.OK
        assert links(aws) == {"2 base/apps/a", "2 base/go"}
        await aws.applied(fleet(leave.replace('"base/private/"', '"base/private/", "base/old/"')))
        assert links(aws) == {"2 base/apps/a", "2 base/go", "2 base/rust"}


async def test_a_route_that_includes_again_begins_anew() -> None:
    """After a time of including, leaving means: whatever is new from then on."""
    leave = PRIVATE + '\nnew_repositories = "leave"'
    async with simulate(fleet(leave)) as aws:
        born(aws, "base/go")
        await aws.applied()
        born(aws, "base/rust")
        await aws.applied(fleet(PRIVATE))
        assert "2 base/rust" in links(aws)
        assert not (await aws.planned(fleet(leave))).changes


async def test_a_source_without_such_repositories_has_no_rule() -> None:
    """It is warned of, and of a name that no source has; both can be acknowledged."""
    async with simulate(fleet('only = ["base/jvaa", "base/go"]')) as aws:
        plan = await aws.planned()
        assert not plan.changes
        (warning,) = plan.warnings
        assert warning.message == (
            "route r1 makes no rule in 111111111111/eu-west-1, which has no repository that it "
            "asks for"
        )
        born(aws, "base/go")
        plan = await aws.planned()
        (warning,) = plan.warnings
        assert warning.message == (
            "only of route r1 has base/jvaa, and no source has such a repository"
        )
        text = fleet('only = ["base/go"]') + '[warnings]\nacknowledged = ["no-repository:r1"]\n'
        aws.rewrite(text)
        assert kinds(await aws.planned()) == {"acknowledged-nothing"}


async def test_repositories_that_cannot_be_read_change_nothing() -> None:
    """The source is unreadable; neither its rules nor the grants for it are touched."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go")
        await aws.applied()
        before = aws.spelled()
        born(aws, "base/rust")
        unlistable(aws)
        plan = await aws.planned()
        (hub, *_) = plan.registries
        assert hub.state is State.UNREADABLE
        assert hub.error is not None
        assert hub.error.operation == "DescribeRepositories"
        report = await aws.applied()
        assert report.status is Status.PARTIAL
        assert aws.spelled() == before
        aws.relent()
        assert (await aws.applied()).status is Status.OK
        assert arrived(aws, ["base/rust"]) == {"base/rust"}


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
        aws.rewrite(fleet('prefixes = ["base/"]') + _from_third())
        aws.relent()
        unlistable(aws)
        assert (await aws.applied()).status is Status.OK


def _from_third() -> str:
    return (
        '[[routes]]\nname = "third"\nfrom = { accounts = "333333333333" }\n'
        'to = { accounts = "222222222222" }\nexclude = ["base/private/"]\n'
    )


async def test_grants_follow_the_prefixes() -> None:
    """The destination lets in what the rules send, and no more."""
    async with simulate(fleet(PRIVATE)) as aws:
        born(aws, "base/go", "base/private/x")
        await aws.applied()
        (statement,) = aws.statements(SPOKE)
        assert json.dumps(statement).count("repository/base/go*") == 1
        born(aws, "base/rust")
        await aws.applied()
        assert "repository/base/rust*" in json.dumps(aws.statements(SPOKE))
        assert aws.ungranted() == set()


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
    text = fleet(PRIVATE) + _from_third()
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


async def test_routes_with_other_deletions_are_kept_apart() -> None:
    """One route replicates deletions of what the other excludes; no rules of the two overlap."""
    text = fleet(
        'prefixes = ["base/"]\nexclude = ["base/scratch/"]',
        'prefixes = ["base/scratch/"]\nreplicate_deletes = true',
    )
    async with simulate(text) as aws:
        born(aws, "base/go", "base/scratch/x")
        assert (await aws.applied()).status is Status.OK
        assert links(aws) == {"2 base/go", "2 base/scratch/"}
        assert not (await aws.planned()).changes
        both = text.replace('exclude = ["base/scratch/"]', 'exclude = ["base/other/"]')
        with pytest.raises(InventoryError, match="both lead base/scratch/ from"):
            aws.rewrite(both)


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
        assert (await run(aws, "apply", "--yes"))[0] == 0
        assert links(aws) == {"2 base/priv", "2 base/rust"}
        # From now on the rules in place carry what is excluded, and no other rules could help.
        born(aws, "base/private/x")
        code, said = await run(aws, "drift")
        assert code == 2
        assert "cannot carry base/priv out of 111111111111/eu-west-1 without base/private/x" in said
        for flags, expected in ([], 3), (["--force"], 3), (["--allow", "collateral"], 0):
            assert (await run(aws, "apply", "--yes", *flags))[0] == expected


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
    async with simulate(fleet(PRIVATE) + _from_third()) as aws:
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


async def test_more_rules_than_ecr_takes_are_a_fault_of_the_source() -> None:
    """Only the repositories show how many rules there have to be."""
    names = [f"base/{letter}{letter}/x" for letter in "abcdefgh"]
    barred = [f"base/{letter}z/x" for letter in "abcdefgh"]
    exclude = f"exclude = {json.dumps([f'{name[:-1]}' for name in barred])}"
    text = fleet(f'prefixes = ["base/"]\n{exclude}') + "[limits]\nrules = 2\nfilters = 3\n"
    async with simulate(text) as aws:
        born(aws, *names, *barred)
        plan = await aws.planned()
        (hub, *_) = plan.registries
        assert hub.error is not None
        assert hub.error.message == (
            "for the repositories that are there it would need 3 rules, and ECR takes 2"
        )


async def test_an_unreadable_memory_of_repositories_is_no_empty_one() -> None:
    """Whoever cannot tell which repositories are new does not plan; an apply cannot hide that."""
    async with simulate(fleet(PRIVATE + '\nnew_repositories = "leave"')) as aws:
        born(aws, "base/go")
        await aws.applied()
        (aws.state / "repositories.json").write_text("{}")
        with pytest.raises(UnreadableStateError, match=r"repositories\.json"):
            await aws.planned()


def test_explaining_what_a_route_leaves_out_by_name(tmp_path: Path) -> None:
    """Without a name of a repository being known: why it stays, and what to write instead."""
    path = tmp_path / "fleet.toml"
    path.write_text(fleet('prefixes = ["base/"]\nexclude = ["base/private/", "base/old"]'))
    inventory = load_inventory(path, environ={})
    left_out = explain_image(inventory, "base/private/x", destination="222222222222/eu-west-1")
    assert left_out.carried == ()
    assert left_out.not_carried[0].because == (
        "route r1 leads there, but excludes base/private/, base/old"
    )
    assert left_out.remedy == (
        "let route r1 ask for it in the inventory if it should get there, and run "
        f'fleet-repl apply {path}:\nexclude = ["base/old"]'
    )
    (carried,) = explain_image(inventory, "base/go").carried
    assert carried.facts == (
        "its prefixes follow from the repositories that the source has at each run: see --live",
    )
    path.write_text(fleet('only = ["base/java"]'))
    inventory = load_inventory(path, environ={})
    left_out = explain_image(inventory, "base/javascript:22", destination="222222222222/eu-west-1")
    assert left_out.not_carried[0].because == "route r1 leads there, but asks only for base/java"
    assert left_out.remedy is not None
    assert left_out.remedy.endswith('only = ["base/java", "base/javascript"]')


NAMES = ["aa/x", "aa/xy", "aa/y/z", "aa/yz", "ab", "b/x", "b/xx"]
ENTRIES = ["aa", "aa/", "aa/x", "aa/y", "b/", "b/x"]
lists = st.lists(st.sampled_from(ENTRIES), max_size=2, unique=True)


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True),
    lists,
    lists,
    st.booleans(),
)
async def test_a_push_arrives_if_and_only_if_the_route_asks_for_it(
    names: list[str], exclude: list[str], only: list[str], beside: bool
) -> None:
    """Judged by the sandbox, for every repository that was there; collateral is refused."""
    lines = [
        f"{key} = {json.dumps(of)}" for key, of in (("exclude", exclude), ("only", only)) if of
    ]
    routes = ["\n".join(lines), *(['prefixes = ["b/"]'] if beside else [])]
    # Lists that leave nothing are refused, which another test is about.
    assume(not only or any(not any(_named(gone, entry) for gone in exclude) for entry in only))
    async with simulate(fleet(*routes)) as aws:
        await _pushed_and_judged(aws, names, exclude, only, beside=beside)


async def _pushed_and_judged(
    aws: Simulated, names: list[str], exclude: list[str], only: list[str], *, beside: bool
) -> None:
    born(aws, *names)
    async with aws.connected() as connected:
        plan = await connected.plan()
        report: Report = await connected.apply(plan)
    wanted = {
        name
        for name in names
        if (not only or any(_named(entry, name) for entry in only))
        and not any(_named(entry, name) for entry in exclude)
    }
    if plan.objections:
        assert any(other.startswith(name) for name in wanted for other in set(names) - wanted), (
            plan.objections
        )
        return
    assert report.status is Status.OK
    carried = wanted | {name for name in names if beside and name.startswith("b/")}
    assert arrived(aws, names) == carried
    assert {name for name in names if explain_image(aws.inventory, name).carried} == carried
    async with aws.connected(purpose=None) as connected:
        live = {name: await connected.explain(name) for name in names}
    assert {name for name in names if live[name].carried} == carried


def _named(entry: str, name: str) -> bool:
    """What the page says of an entry."""
    return name == entry or name.startswith(entry if entry.endswith("/") else f"{entry}/")
