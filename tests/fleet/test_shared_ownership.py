"""Registries with rules of several owners: two inventories in turn, strangers, and the record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.registries import registry_of
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    Event,
    Fleet,
    Outcome,
    Registry,
    Report,
    StateError,
    Status,
    connect,
    load_inventory,
)
from fleet_repl.runs.events import WriteSettled, WriteStarted
from fleet_repl.sandbox import AccountScenario, FaultRule, Mishap, RegistryScenario, Scenario
from fleet_repl.sandbox.faults import Faults
from fleet_repl.values.canonical_json import JsonObject

HUB, SPOKE, THIRD = map(registry_of, "123")

ACCOUNTS = """
[aws]
role = "replication"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
[[accounts]]
id = "333333333333"
"""
STRANGERS: JsonObject = {
    "destinations": [{"region": "eu-west-1", "registryId": "333333333333"}],
    "repositoryFilters": [{"filter": "legacy/", "filterType": "PREFIX_MATCH"}],
}


def fleet(name: str, *routes: str, rules: str = "additive", accounts: str = ACCOUNTS) -> str:
    """An inventory whose routes lead from the hub: `destination prefix`."""
    tables = [
        f'[[routes]]\nname = "to-{to}-{prefix}"\nfrom = {{ accounts = "111111111111" }}\n'
        f'to = {{ accounts = "{to * 12}" }}\nprefixes = ["{prefix}"]'
        for to, prefix in (route.split() for route in routes)
    ]
    ownership = f'[ownership]\nrules = "{rules}"'
    listed = "\n".join(tables) if tables else ""
    top = f'version = 1\nname = "{name}"\n' + ("" if tables else "routes = []\n")
    return f"{top}\n{accounts}\n{ownership}\n{listed}"


def with_rules(*rules: JsonObject) -> Scenario:
    """A hub that has these rules before anybody starts."""
    return Scenario(
        registries=(
            RegistryScenario(
                account=HUB.account, region=HUB.region, replication={"rules": list(rules)}
            ),
        )
    )


@asynccontextmanager
async def connected(aws: Simulated, text: str, folder: Path) -> AsyncIterator[Fleet]:
    """A connection of one inventory to a world that others use too."""
    path = folder / "fleet.toml"
    path.write_text(text)
    inventory = load_inventory(path, environ={})
    async with connect(inventory, endpoint=aws.endpoint, clock=aws.clock) as fleet:
        yield fleet


async def applied(aws: Simulated, text: str, folder: Path, *, force: bool = False) -> Report:
    async with connected(aws, text, folder) as fleet:
        return await fleet.apply(await fleet.plan(), force=force)


def prefixes_in(aws: Simulated) -> set[str]:
    return {item["filter"] for rule in aws.rules(HUB) for item in rule["repositoryFilters"]}


async def test_two_inventories_share_a_registry(tmp_path: Path) -> None:
    """Each writes its own links and grants once, keeps the other's, and finds both settled."""
    first_folder, second_folder = tmp_path / "one", tmp_path / "other"
    first_folder.mkdir()
    second_folder.mkdir()
    first = fleet("one", "2 base/", "3 base/")
    second = fleet("other", "2 golden/")
    async with simulate(first) as aws:
        for text, folder in ((first, first_folder), (second, second_folder)):
            assert (await applied(aws, text, folder)).status == "ok"
        assert prefixes_in(aws) == {"base/", "golden/"}
        writes = len(aws.world.writes)
        for text, folder in ((first, first_folder), (second, second_folder), (first, first_folder)):
            report = await applied(aws, text, folder)
            assert report.count(Outcome.UNCHANGED) == 3
        assert len(aws.world.writes) == writes


async def test_each_takes_back_only_its_own(tmp_path: Path) -> None:
    """A link taken out of one inventory goes with its grant; the other's and a stranger's stay."""
    first_folder, second_folder = tmp_path / "one", tmp_path / "other"
    first_folder.mkdir()
    second_folder.mkdir()
    async with simulate(fleet("one", "2 base/"), with_rules(STRANGERS)) as aws:
        await applied(aws, fleet("one", "2 base/", "2 more/"), first_folder)
        await applied(aws, fleet("other", "2 golden/"), second_folder)
        report = await applied(aws, fleet("one", "2 more/"), first_folder)
        assert (report.status, report.objections) == ("ok", ())
        assert prefixes_in(aws) == {"legacy/", "golden/", "more/"}
        assert STRANGERS in aws.rules(HUB)
        policy = aws.policy_text(SPOKE)
        assert "repository/base/" not in policy
        assert "repository/golden/" in policy


async def test_without_a_record_equal_links_are_ours(tmp_path: Path) -> None:
    """Links found that are asked for are taken over, and can be taken back afterwards."""
    async with simulate(fleet("one", "3 legacy/"), with_rules(STRANGERS)) as aws:
        await applied(aws, fleet("one", "3 legacy/"), tmp_path)
        assert aws.rules(HUB) == [STRANGERS]
        report = await applied(aws, fleet("one"), tmp_path)
        assert (report.status, aws.rules(HUB)) == ("ok", [])


async def test_a_lost_record_keeps_what_is_not_asked_for(tmp_path: Path) -> None:
    """Without the record a link that left the inventory counts as somebody else's and stays."""
    async with simulate(fleet("one", "2 base/")) as aws:
        await applied(aws, fleet("one", "2 base/"), tmp_path)
        (tmp_path / ".fleet-repl/.worlds/sim/one" / "applied.json").unlink()
        await applied(aws, fleet("one", "2 more/"), tmp_path)
        assert prefixes_in(aws) == {"base/", "more/"}


async def test_recorded_links_go_without_force(tmp_path: Path) -> None:
    """With exclusive rules too: what the record shows to be ours needs no insisting, a
    stranger's does."""
    async with simulate(fleet("one", "2 base/")) as aws:
        exclusive = fleet("one", "2 base/", "3 base/", rules="exclusive")
        await applied(aws, exclusive, tmp_path)
        less = fleet("one", "2 base/", rules="exclusive")
        report = await applied(aws, less, tmp_path)
        assert (report.status, report.objections) == ("ok", ())
        tampered = {"rules": [*aws.rules(HUB), STRANGERS]}
        aws.world.registries[HUB].replication.replace(tampered)
        report = await applied(aws, less, tmp_path)
        assert [objection.kind for objection in report.objections] == ["foreign-rules"]
        assert STRANGERS in aws.rules(HUB)


async def test_a_run_that_dies_leaves_nothing_that_counts_as_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before the end of a killed run counts as ours in the next one."""
    async with simulate(fleet("one", "2 base/")) as aws:
        async with connected(aws, fleet("one", "2 base/"), tmp_path) as dying:
            plan = await dying.plan()

            async def lost(*_: Any) -> None:
                raise RuntimeError

            # As if the process ended right there.
            with monkeypatch.context() as patch:
                patch.setattr("fleet_repl.fleet.apply_run.ApplyRun._commit_record", lost)
                with pytest.raises(RuntimeError):
                    await dying.apply(plan)
        assert prefixes_in(aws) == {"base/"}
        report = await applied(aws, fleet("one"), tmp_path)
        assert (report.status, aws.rules(HUB)) == ("ok", [])
        assert [warning.kind for warning in report.warnings] == ["unfinished-run"]


async def test_a_former_name_is_still_ours(tmp_path: Path) -> None:
    """After a rename, links and statements of the old name are taken over and then taken back."""
    async with simulate(fleet("old", "2 base/")) as aws:
        await applied(aws, fleet("old", "2 base/", "2 more/"), tmp_path)
        renamed = fleet("new", "2 base/").replace("[ownership]", '[ownership]\nformerly = ["old"]')
        report = await applied(aws, renamed, tmp_path)
        assert (report.status, report.objections) == ("ok", ())
        assert prefixes_in(aws) == {"base/"}
        (statement,) = aws.statements(SPOKE)
        assert statement["Resource"] == "arn:aws:ecr:eu-west-1:222222222222:repository/base/*"
        async with connected(aws, renamed, tmp_path) as again:
            assert (await again.plan()).changes == ()
        # From now on the record under the new name stands alone.
        gone = fleet("new").replace("[ownership]", '[ownership]\nformerly = ["old"]')
        await applied(aws, gone, tmp_path)
        record = json.loads((tmp_path / ".fleet-repl/.worlds/sim/new" / "applied.json").read_text())
        assert record["registries"] == {}
        async with connected(aws, gone, tmp_path) as again:
            assert (await again.plan()).warnings == ()


async def test_retiring_an_account_withdraws_all_of_it(tmp_path: Path) -> None:
    """Links to it and grants for it go, and its own rules where it can be reached."""
    both = (
        '[[routes]]\nname = "back"\nfrom = { accounts = "222222222222" }\n'
        'to = { accounts = "333333333333" }\n'
    )
    text = f"{fleet('one', '2 base/', '3 base/', rules='exclusive')}\n{both}"
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        retired = text.replace('id = "222222222222"', 'id = "222222222222"\nstate = "retired"')
        report = await applied(aws, retired, tmp_path)
        assert report.status == "ok"
        assert {warning.kind for warning in report.warnings} == {"retired-route"}
        assert aws.rules(SPOKE) == []
        assert aws.world.registries[SPOKE].policy.latest is None
        assert "222222222222:root" not in aws.policy_text(THIRD)
        async with connected(aws, retired, tmp_path) as again:
            assert (await again.plan()).changes == ()


async def test_a_retired_account_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    """It cannot be reached; grants for it go all the same, and the run is good."""
    back = '[[routes]]\nname = "back"\nfrom = { accounts = "222222222222" }\nto = {}\n'
    text = f"{fleet('one', '3 base/', rules='exclusive')}\n{back}"
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        closed = AccountScenario(id=SPOKE.account, closed=True)
        aws.world.directory._peculiar[SPOKE.account] = closed
        retired = text.replace('id = "222222222222"', 'id = "222222222222"\nstate = "retired"')
        report = await applied(aws, retired, tmp_path)
        assert report.status == "ok"
        assert aws.world.calls["AssumeRole"] == 7
        spoke = next(registry for registry in report.registries if registry.registry == SPOKE)
        assert (spoke.outcome, spoke.error) == (Outcome.UNCHANGED, None)
        assert spoke.because == "its account is retired and could not be reached (access-denied)"
        for registry in (HUB, THIRD):
            policy = aws.world.registries[registry].policy.latest
            assert policy is None or "222222222222" not in policy.text.replace(
                f":{registry.account}:", ""
            )


def retiring(text: str) -> str:
    return text.replace('id = "222222222222"', 'id = "222222222222"\nstate = "retired"')


BACK = '[[routes]]\nname = "back"\nfrom = { accounts = "222222222222" }\nto = {}\n'


async def test_what_was_given_up_is_warned_about_until_it_can_be_read(tmp_path: Path) -> None:
    """Its rules may well keep replicating: every plan says so, also once it is out of the file."""
    text = f"{fleet('one', '3 base/', rules='exclusive')}\n{BACK}"
    fewer = ACCOUNTS.replace('[[accounts]]\nid = "222222222222"\n', "")
    without = fleet("one", "3 base/", rules="exclusive", accounts=fewer)
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        aws.world.directory._peculiar[SPOKE.account] = AccountScenario(
            id=SPOKE.account, denied=True
        )
        report = await applied(aws, retiring(text), tmp_path)
        assert report.status == "ok"
        for listed in (retiring(text), without):
            async with connected(aws, listed, tmp_path) as later:
                warnings = (await later.plan()).warnings
            (warning,) = [warning for warning in warnings if warning.kind == "given-up"]
            assert warning.message == (
                "222222222222/eu-west-1 was given up: the account was retired and AWS refused its "
                "role, so the rules that this fleet applied there were never withdrawn, and keep "
                "replicating if the account is still there. See that it is closed; if it is not, "
                "let its role be assumed and apply with the account listed as "
                'state = "retired"'
            )
        assert aws.rules(SPOKE) != []
        del aws.world.directory._peculiar[SPOKE.account]
        async with connected(aws, retiring(text), tmp_path) as later:
            assert "given-up" not in {warning.kind for warning in (await later.plan()).warnings}
        report = await applied(aws, retiring(text), tmp_path)
        assert (report.status, aws.rules(SPOKE)) == ("ok", [])
        async with connected(aws, without, tmp_path) as later:
            assert "given-up" not in {warning.kind for warning in (await later.plan()).warnings}


@pytest.mark.parametrize(
    "denied", ["ecr:DescribeRegistry", "ecr:GetRegistryPolicy", "region"], ids=str
)
async def test_a_retired_account_that_answers_anything_is_not_gone(
    tmp_path: Path, denied: str
) -> None:
    """Its role is assumed, so it is there: not to be read is a failure, and the record stays."""
    text = f"{fleet('one', '3 base/', rules='exclusive')}\n{BACK}"
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        record = (tmp_path / ".fleet-repl/.worlds/sim/one" / "applied.json").read_bytes()
        policy = aws.policy_text(THIRD)
        half_blind = (
            AccountScenario(id=SPOKE.account, disabled_regions=(SPOKE.region,))
            if denied == "region"
            else AccountScenario(id=SPOKE.account, denied_actions=(denied,))
        )
        aws.world.directory._peculiar[SPOKE.account] = half_blind
        report = await applied(aws, retiring(text), tmp_path)
        spoke = next(registry for registry in report.registries if registry.registry == SPOKE)
        assert (spoke.outcome, report.status) == (Outcome.FAILED, "partial")
        assert aws.policy_text(THIRD) == policy
        assert (
            json.loads(record)["registries"][str(SPOKE)]
            == (
                json.loads((tmp_path / ".fleet-repl/.worlds/sim/one" / "applied.json").read_bytes())
            )["registries"][str(SPOKE)]
        )


@pytest.mark.parametrize("kind", [Mishap.DENIED, Mishap.UNKNOWN_KEY])
@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeRegistry", "GetRegistryPolicy"])
async def test_one_passing_refusal_changes_nothing(
    tmp_path: Path, kind: Mishap, operation: str
) -> None:
    """Fresh roles and sessions are refused at first: a retired account is read all the same."""
    text = f"{fleet('one', '3 base/', rules='exclusive')}\n{BACK}"
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        passing = FaultRule(kind=kind, first=1, accounts=(SPOKE.account,), operations=(operation,))
        aws.world.faults = Faults(Scenario(faults=(passing,)))
        report = await applied(aws, retiring(text), tmp_path)
        spoke = next(registry for registry in report.registries if registry.registry == SPOKE)
        if (kind, operation) in (
            (Mishap.UNKNOWN_KEY, "AssumeRole"),
            (Mishap.DENIED, "GetRegistryPolicy"),
        ):
            # STS does not know the caller, or the session was accepted for another call: that is
            # a failure, and nothing more.
            assert (spoke.outcome, aws.rules(SPOKE)) != (Outcome.APPLIED, [])
            assert report.status == "partial"
        else:
            assert (spoke.outcome, aws.rules(SPOKE)) == (Outcome.APPLIED, [])


async def test_slowly_spreading_sessions_cost_no_account(tmp_path: Path) -> None:
    """Every session is refused for seconds after it was given, and everything is applied."""
    text = fleet("one", "2 base/", "3 base/")
    async with simulate(text, Scenario(sessions_refused_for_seconds=2)) as aws:
        report = await applied(aws, text, tmp_path)
        assert report.status == "ok"


async def test_what_is_no_longer_listed_is_warned_about(tmp_path: Path) -> None:
    """A registry on record that the inventory lost is named, with what to do about it."""
    async with simulate(fleet("one", "2 base/")) as aws:
        await applied(aws, fleet("one", "2 base/"), tmp_path)
        fewer = ACCOUNTS.replace('[[accounts]]\nid = "111111111111"\n', "")
        report = await applied(aws, fleet("one", accounts=fewer), tmp_path)
        (warning,) = [warning for warning in report.warnings if warning.kind == "unlisted"]
        assert warning.message == (
            "111111111111/eu-west-1 has rules or templates that this fleet applied, and the "
            "inventory no longer lists it; that stays until it is listed again and applied: the "
            'account with state = "retired" or, to give up a region only, the region without '
            "routes from there"
        )


async def test_no_room_beside_rules_of_others(tmp_path: Path) -> None:
    """Where both do not fit, nothing is written and the others are counted."""
    rules = [
        {
            "destinations": [{"region": "eu-west-1", "registryId": f"9{number:011}"}],
            "repositoryFilters": [{"filter": f"team{number}/", "filterType": "PREFIX_MATCH"}],
        }
        for number in range(25)
    ]
    async with simulate(fleet("one", "2 base/"), with_rules(*rules)) as aws:
        report = await applied(aws, fleet("one", "2 base/"), tmp_path)
        assert report.status == "partial"
        error = report.registries[0].error
        assert error is not None
        assert error.message == (
            "it would need 26 rules, and ECR takes 25; 25 of the rules are not fleet-repl's"
        )
        assert len(aws.rules(HUB)) == 25


async def test_a_state_that_cannot_be_used(tmp_path: Path) -> None:
    """A record that makes no sense stops the run before anything is called; it is not empty."""
    async with simulate(fleet("one", "2 base/")) as aws:
        place = tmp_path / ".fleet-repl/.worlds/sim/one"
        place.mkdir(parents=True)
        (place / "applied.json").write_text('{"schema": "fleet-repl/applied/1", "fleet": "two"}')
        with pytest.raises(StateError, match=r"applied\.json: registries: it is missing"):
            await applied(aws, fleet("one", "2 base/"), tmp_path)
        (place / "applied.json").unlink()
        place.rmdir()
        place.write_text("a file where a folder should be")
        async with connected(aws, fleet("one", "2 base/"), tmp_path) as blocked:
            with pytest.raises(StateError, match=r"cannot be read: .*: Not a directory"):
                await blocked.plan()
        assert aws.world.writes == []


async def test_a_full_disk_stops_before_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may become ours is on record first, or nothing is written at all."""
    async with (
        simulate(fleet("one", "2 base/")) as aws,
        connected(aws, fleet("one", "2 base/"), tmp_path) as full,
    ):
        plan = await full.plan()

        def no_space(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", no_space)
        with pytest.raises(StateError, match="No space left on device"):
            await full.apply(plan)
        assert aws.world.writes == []


def filling(
    monkeypatch: pytest.MonkeyPatch, when: Callable[[Event], bool]
) -> Callable[[Event], None]:
    """A listener that lets the disk be full from a certain event on."""

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    def fill(event: Event) -> None:
        if when(event):
            monkeypatch.setattr("os.fsync", no_space)

    return fill


async def test_a_disk_that_is_full_stops_the_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be put down beforehand is not written, and the report says why."""
    async with simulate(fleet("one", "2 base/")) as aws:
        await applied(aws, fleet("one", "2 base/", "2 more/"), tmp_path)
        async with connected(aws, fleet("one", "2 base/"), tmp_path) as full:
            fill = filling(monkeypatch, lambda event: isinstance(event, WriteStarted))
            report = await full.apply(await full.plan(), on_event=fill)
        assert (report.status, prefixes_in(aws)) == ("partial", {"base/", "more/"})
    journal = f"{tmp_path}/.fleet-repl/.worlds/sim/one/runs/{report.run_id}/journal.jsonl"
    why = f"the fleet's state cannot be written: {journal}: No space left on device"
    skipped = {registry.because for registry in report.registries if registry.outcome == "skipped"}
    assert skipped == {f"the run's journal cannot be written any more: {why}"}
    assert [warning.kind for warning in report.warnings] == ["not-recorded"] * 2
    assert report.warnings[0].message == (
        f"the run's journal is not complete: {why}; this report says what was done"
    )


async def test_a_disk_that_fills_up_later_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is what it is, and its report says that the end of it is not on record."""
    async with simulate(fleet("one", "2 base/")) as aws:
        await applied(aws, fleet("one", "2 base/", "2 more/"), tmp_path)
        async with connected(aws, fleet("one", "2 base/"), tmp_path) as full:
            fill = filling(
                monkeypatch,
                lambda event: isinstance(event, WriteSettled) and event.registry == SPOKE,
            )
            report = await full.apply(await full.plan(), on_event=fill)
        assert (report.status, prefixes_in(aws)) == ("ok", {"base/"})
    place = f"{tmp_path}/.fleet-repl/.worlds/sim/one"
    full_disk = ("the fleet's state cannot be written: ", ": No space left on device; ")
    assert [warning.kind for warning in report.warnings] == ["not-recorded"] * 4
    assert [warning.message for warning in report.warnings] == [
        f"{what}: {full_disk[0]}{place}/{name}{full_disk[1]}{hence}"
        for what, name, hence in (
            (
                "the run's journal is not complete",
                f"runs/{report.run_id}/journal.jsonl",
                "this report says what was done",
            ),
            (
                "what was applied could not be put on record",
                "applied.json",
                "the record still holds what was announced before the first write",
            ),
            (
                "how registries were left could not be put on record",
                "traces.json",
                "drift is then told without saying who has moved",
            ),
            (
                "the run's report could not be kept",
                f"runs/{report.run_id}/report.json",
                "its journal says what was done",
            ),
        )
    ]


async def test_a_source_that_was_denied_keeps_its_record(tmp_path: Path) -> None:
    """Nothing is known of it, so nothing is forgotten."""
    async with simulate(fleet("one", "2 base/")) as aws:
        await applied(aws, fleet("one", "2 base/"), tmp_path)
    denied = Scenario(accounts=(AccountScenario(id=HUB.account, denied=True),))
    async with simulate(fleet("one", "2 base/"), denied) as aws:
        await applied(aws, fleet("one", "2 base/"), tmp_path)
    record = json.loads((tmp_path / ".fleet-repl/.worlds/sim/one" / "applied.json").read_text())
    assert record["registries"]["111111111111/eu-west-1"]["links"] == {
        "222222222222/eu-west-1": ["base/"]
    }


def rule(end: Registry, prefix: str) -> JsonObject:
    return {
        "destinations": [{"region": end.region, "registryId": end.account}],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
    }


async def test_a_narrower_rule_of_others_outlives_ours(tmp_path: Path) -> None:
    """Ours covers it for a while and is then taken back; what they had is still there."""
    theirs = rule(SPOKE, "base/team/")
    async with simulate(fleet("one", "2 base/"), with_rules(theirs)) as aws:
        await applied(aws, fleet("one", "2 base/"), tmp_path)
        report = await applied(aws, fleet("one", "3 base/"), tmp_path)
        assert (report.status, report.objections) == ("ok", ())
        assert aws.rules(HUB) == [theirs, rule(THIRD, "base/")]


async def test_a_held_link_makes_nothing_of_others_ours(tmp_path: Path) -> None:
    """The grant for it fails during the run, and a stranger's narrower rule stays a stranger's."""
    theirs = rule(SPOKE, "base/team/")
    scenario = Scenario(
        registries=with_rules(theirs).registries,
        accounts=(AccountScenario(id=SPOKE.account, denied_actions=("ecr:PutRegistryPolicy",)),),
    )
    async with simulate(fleet("one", "2 base/"), scenario) as aws:
        report = await applied(aws, fleet("one", "2 base/", "3 more/"), tmp_path)
        assert [len(registry.held) for registry in report.registries] == [1, 0, 0]
        assert aws.rules(HUB) == [theirs, rule(THIRD, "more/")]
        report = await applied(aws, fleet("one"), tmp_path)
        assert (report.status, aws.rules(HUB)) == ("ok", [theirs])


async def test_a_write_that_surely_failed_makes_nothing_ours(tmp_path: Path) -> None:
    """Somebody else then makes the link that we were denied: it is theirs."""
    denied = AccountScenario(id=HUB.account, denied_actions=("ecr:PutReplicationConfiguration",))
    async with simulate(fleet("one", "2 base/"), Scenario(accounts=(denied,))) as aws:
        report = await applied(aws, fleet("one", "2 base/"), tmp_path)
        assert report.status == "partial"
        aws.world.registries[HUB].replication.replace({"rules": [rule(SPOKE, "base/")]})
        aws.world.directory._peculiar.clear()
        exclusive = fleet("one", "3 base/", rules="exclusive")
        report = await applied(aws, exclusive, tmp_path)
        assert [objection.kind for objection in report.objections] == ["foreign-rules"]


async def test_a_region_that_is_dropped_keeps_its_grants(tmp_path: Path) -> None:
    """Its rules stay until somebody sees to them, so their images must still be let in."""
    two = ACCOUNTS.replace(
        'id = "111111111111"', 'id = "111111111111"\nregions = ["eu-west-1", "us-east-1"]'
    )
    route = (
        '[[routes]]\nname = "far"\nfrom = { accounts = "111111111111", regions = "us-east-1" }\n'
        'to = { accounts = "222222222222" }\nprefixes = ["base/"]\n'
    )
    text = f"{fleet('one', '3 more/', accounts=two)}\n{route}"
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        report = await applied(aws, fleet("one", "3 more/"), tmp_path)
        assert {warning.kind for warning in report.warnings} == {"unlisted", "grant-kept"}
        assert "repository/base/" in aws.policy_text(SPOKE)


async def test_a_retired_account_that_is_only_slow_is_a_failure(tmp_path: Path) -> None:
    """It may well be there and replicating: its grants stay, and the run says so."""
    back = '[[routes]]\nname = "back"\nfrom = { accounts = "222222222222" }\nto = {}\n'
    text = f"{fleet('one', '3 base/', rules='exclusive')}\n{back}"
    storm = FaultRule(
        kind=Mishap.THROTTLED,
        rate=1,
        accounts=(SPOKE.account,),
        operations=("DescribeRegistry",),
    )
    async with simulate(text) as aws:
        await applied(aws, text, tmp_path)
        policy = aws.policy_text(THIRD)
        aws.world.faults = Faults(Scenario(faults=(storm,)))
        retired = text.replace('id = "222222222222"', 'id = "222222222222"\nstate = "retired"')
        report = await applied(aws, retired, tmp_path)
        spoke = next(registry for registry in report.registries if registry.registry == SPOKE)
        assert (spoke.outcome, report.status) == (Outcome.FAILED, "partial")
        assert aws.policy_text(THIRD) == policy


async def test_a_former_name_may_come_late(tmp_path: Path) -> None:
    """One run under the new name alone loses nothing that the old one did."""
    async with simulate(fleet("old", "2 base/")) as aws:
        await applied(aws, fleet("old", "2 base/", "3 more/"), tmp_path)
        await applied(aws, fleet("new", "2 base/"), tmp_path)
        late = fleet("new", "2 base/").replace("[ownership]", '[ownership]\nformerly = ["old"]')
        report = await applied(aws, late, tmp_path)
        assert (report.status, aws.rules(HUB)) == ("ok", [rule(SPOKE, "base/")])


async def test_a_policy_that_ecr_spells_anew_is_written() -> None:
    """A stranger's statement names an account by its id: it is kept, comes back as the ARN of a
    root, and is a conflict to nobody, nor to the next run or a rollback."""
    theirs: JsonObject = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": ["333333333333"]},
        "Action": ["ecr:BatchImportUpstreamImage"],
        "Resource": ["*"],
    }
    async with simulate(fleet("prod", "2 base/"), Scenario(respell_policies=True)) as aws:
        aws.world.set_policy(SPOKE, {"Version": "2012-10-17", "Statement": [theirs]})
        async with aws.connected() as connection:
            report = await connection.apply(await connection.plan())
            again = await connection.plan()
        assert (report.status, again.writes) == (Status.OK, False)
        (kept,) = [statement for statement in aws.statements(SPOKE) if statement["Sid"] == "Theirs"]
        assert kept["Principal"] == {"AWS": "arn:aws:iam::333333333333:root"}
        async with aws.connected() as connection:
            plan = await connection.plan_rollback(report.run_id)
        assert all(registry.error is None for registry in plan.registries)
