"""Routes with `exclude` and `only`: whole runs over HTTP, judged by the sandbox's replication."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import anyio
import pytest
from hypothesis import assume, given, settings, strategies as st
from tests.support.by_name import (
    HUB,
    PRIVATE,
    SPOKE,
    arrived,
    born,
    deny,
    fleet,
    links,
    unlistable,
)
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    InventoryError,
    Plan,
    Report,
    Status,
    explain_image,
    load_inventory,
)
from fleet_repl.planning.plan import State


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
        async with aws.connected(purpose=None) as connected:
            coverage = await connected.coverage()
        assert {gap.repository for link in coverage.links for gap in link.gaps} == {"base/apps/a"}
        # Rules that somebody has changed by hand are put back, and no new repository with them.
        aws.world.set_replication(HUB, {"rules": []})
        assert (await aws.applied(force=True)).status is Status.OK
        assert links(aws) == {"2 base/apps/a", "2 base/go"}
        await aws.applied(fleet(leave.replace('"base/private/"', '"base/private/", "base/old/"')))
        assert links(aws) == {"2 base/apps/a", "2 base/go", "2 base/rust"}


async def test_what_a_renamed_fleet_leaves() -> None:
    """New repositories stay out under the new name, also once the old folder is gone."""
    leave = fleet(PRIVATE + '\nnew_repositories = "leave"')
    renamed = leave.replace('"named"', '"renamed"', 1) + '[ownership]\nformerly = ["named"]\n'
    async with simulate(leave) as aws:
        born(aws, "base/go")
        await aws.applied()
        born(aws, "base/rust")
        old = aws.state
        assert (await aws.applied(renamed)).status is Status.OK
        assert links(aws) == {"2 base/go"}
        shutil.rmtree(old)
        plan = await aws.planned()
        assert not plan.changes
        assert kinds(plan) == {"left-repositories"}


@pytest.mark.parametrize("writes", [1, 2])
async def test_a_run_that_is_killed_keeps_what_new_repositories_are(writes: int) -> None:
    """It dies right after its first write, or after its rules are in place; a repository that is
    born before the next run is left."""
    async with simulate(fleet(PRIVATE + '\nnew_repositories = "leave"')) as aws:
        born(aws, "base/go")
        with anyio.CancelScope() as killed:

            def kill(*_: object) -> None:
                if len(aws.world.writes) == writes:
                    killed.cancel()

            with aws.noting(kill):
                await aws.applied()
        assert killed.cancelled_caught
        born(aws, "base/rust")
        plan = await aws.planned()
        assert {"left-repositories", "unfinished-run"} <= kinds(plan)
        assert (await aws.applied()).status is Status.OK
        assert links(aws) == {"2 base/go"}


async def test_a_run_keeps_only_what_its_rules_were_written_for() -> None:
    """Of two routes in two waves, the first one was applied to the source, and goes on with what
    was there then; the second one was not, neither by `--wave` nor by a run that AWS refused."""
    leave = PRIVATE + '\nnew_repositories = "leave"'
    second = fleet(leave, leave.replace("base/", "team/")).replace(
        'to = { accounts = "222222222222" }\nprefixes = ["team',
        'to = { accounts = "333333333333" }\nprefixes = ["team',
    )
    waves = (
        '[[waves]]\nname = "canary"\nselect = { accounts = "222222222222" }\n'
        '[[waves]]\nname = "last"\nselect = {}\n'
    )
    async with simulate(second + waves) as aws:
        born(aws, "base/go", "team/go")
        deny(aws, "ecr:PutReplicationConfiguration")
        await aws.applied()
        aws.relent()
        born(aws, "base/java", "team/java")
        await aws.applied(wave="canary")
        assert links(aws) == {"2 base/go", "2 base/java"}
        born(aws, "base/rust", "team/rust")
        assert (await aws.applied()).status is Status.OK
        carried = {"2 base/go", "2 base/java", "3 team/go", "3 team/java", "3 team/rust"}
        assert links(aws) == carried


async def test_planning_keeps_nothing() -> None:
    """A route is first applied when it is applied, whatever was planned or refused before."""
    async with simulate(fleet(PRIVATE + '\nnew_repositories = "leave"')) as aws:
        born(aws, "base/go")
        await aws.planned()
        assert not (aws.state / "repositories.json").exists()
        born(aws, "base/rust")
        assert (await aws.applied()).status is Status.OK
        assert links(aws) == {"2 base/go", "2 base/rust"}


async def test_a_route_that_was_never_applied_leaves_nothing() -> None:
    """A rule is missing there because nobody made it, and not because its repository is new."""
    leave = PRIVATE + '\nnew_repositories = "leave"'
    async with simulate(fleet(leave)) as aws:
        born(aws, "base/go")
        for repository in "base/go", "base/rust":
            async with aws.connected(purpose=None) as connected:
                explained = await connected.explain(
                    repository, source=str(HUB), destination=str(SPOKE)
                )
            (why,) = explained.not_carried
            assert why.because == (
                "route r1 asks for it, and no replication rule of the source carries it"
            )
            assert explained.remedy == (
                "its rule is missing; this puts it in place where the source has the repository:\n"
                f"fleet-repl apply {aws.inventory.path}"
            )


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
            "route r1 names base/jvaa under only, and no source has such a repository"
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
