"""Fleets whose accounts are discovered: an organization over HTTP, plans, and what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import (
    Inventory,
    InventoryError,
    PlanError,
    RefusedError,
    Status,
    discover,
    load_plan,
    to_json,
)
from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    MemberScenario,
    Mishap,
    OrganizationScenario,
    Scenario,
    UnitScenario,
)
from fleet_repl.state.discovery import discovery_content, parse_discovery
from fleet_repl.values.names import AccountId

BASE: Final = "9" * 12
FLEET: Final = """\
version = 1
name = "org"
[aws]
role = "fleet"
external_id = "${{EXTERNAL_ID}}"
regions = {regions}
[organization]
exclude = ["999999999999"]
labels_from_tags = ["env"]
{organization}
[[routes]]
name = "golden"
from = {{ accounts = ["000000000001"], regions = ["eu-west-1"] }}
to = {{ accounts = ["account-2"], labels = {{ ou = "unit-02" }}, regions = ["eu-west-1"] }}
"""
UNITS: Final = tuple(
    UnitScenario(
        id=f"ou-test-unit{number:04}",
        name=f"unit-{number:02}",
        # Units 3, 6, 9 and 12 lie within the unit before them.
        parent=None if number % 3 else f"ou-test-unit{number - 1:04}",
    )
    for number in range(1, 13)
)

TAGS: Final = 'labels_from_tags = ["env"]\n'
BOTH: Final = f"{UNITS[0].id}, {UNITS[1].id}"
OUS: Final = f'ous = ["{UNITS[1].id}", "{UNITS[0].id}"]\n'


def text(*, regions: str = '["eu-west-1"]', organization: str = "") -> str:
    return FLEET.format(regions=regions, organization=organization)


def members(count: int, *, units: int = 12) -> tuple[MemberScenario, ...]:
    """The management account, and accounts spread over units."""
    return (
        MemberScenario(id=BASE, name="management"),
        *(
            MemberScenario(
                id=f"{number:012}",
                name=f"account-{number}",
                unit=UNITS[(number - 1) % units].id,
                tags={"env": "prod" if number % 2 else "dev"},
            )
            for number in range(1, count + 1)
        ),
    )


def scenario(count: int = 24, **more: Any) -> Scenario:
    organization = OrganizationScenario(
        management=BASE, units=UNITS, members=members(count), empty_pages=True
    )
    return Scenario(organization=organization, **more)


async def discovered(fleet: Simulated, **how: Any) -> Inventory:
    return await discover(fleet.inventory, endpoint=fleet.endpoint, clock=fleet.clock, **how)


@contextmanager
def without(fleet: Simulated, *numbers: int) -> Iterator[None]:
    """Accounts that are not listed any more."""
    organization, gone = fleet.world.organization, {f"{number:012}" for number in numbers}
    left = tuple(member for member in organization.scenario.members if member.id not in gone)
    changed = organization.scenario.model_copy(update={"members": left})
    fleet.world.organization = replace(organization, scenario=changed)
    yield
    fleet.world.organization = organization


async def test_four_hundred_accounts_in_twelve_units() -> None:
    """Through empty pages and throttling: every account once, with its units and its tag."""
    storm = (
        FaultRule(kind=Mishap.THROTTLED, rate=0.1, operations=("ListTagsForResource",)),
        FaultRule(kind=Mishap.THROTTLED, first=2, operations=("ListAccounts",)),
        FaultRule(kind=Mishap.SERVER_ERROR, first=1, operations=("ListRoots",)),
    )
    async with simulate(text(), scenario(400, faults=storm)) as fleet:
        inventory = await discovered(fleet)
        calls = fleet.world.calls
    accounts = {account.id: account for account in inventory.accounts}
    assert sorted(accounts) == [f"{number:012}" for number in range(1, 401)]
    third = accounts[AccountId("000000000003")]
    assert third.labels == {"ou": "unit-03", "ou_path": "unit-02/unit-03", "env": "prod"}
    assert third.name == "account-3"
    assert str(third.role) == "arn:aws:iam::000000000003:role/fleet"
    assert calls["ListTagsForResource"] > 401


async def test_a_fleet_is_planned_and_applied() -> None:
    """A connection discovers by itself; a second run has nothing to do."""
    async with simulate(text(), scenario()) as fleet:
        report = await fleet.applied()
        assert report.status is Status.OK
        assert fleet.links(1) == {"2 "}
        plan = await fleet.planned()
        assert not plan.changes
        assert len(plan.accounts) == 24


async def test_only_the_units_that_are_asked_for() -> None:
    """However deep below them, with the path from the root; the unit that holds them has none."""
    bare = text(organization='ous = ["ou-test-unit0003"]').partition("[[routes]]")[0]
    async with simulate(f"routes = []\n{bare}", scenario()) as fleet:
        inventory = await discovered(fleet)
    assert [account.id for account in inventory.accounts] == ["000000000003", "000000000015"]
    assert {account.labels["ou_path"] for account in inventory.accounts} == {"unit-02/unit-03"}


async def test_a_fleet_that_lost_accounts_is_refused() -> None:
    """More than a tenth of them; the kept ones still count with `cached`, which is told."""
    async with simulate(text(), scenario()) as fleet:
        await discovered(fleet)
        with without(fleet, 3, 4, 5):
            with pytest.raises(RefusedError) as refused:
                await discovered(fleet)
            before = str(refused.value)
            calls = fleet.world.calls["ListAccounts"]
            kept = await discovered(fleet, cached=True)
            assert fleet.world.calls["ListAccounts"] == calls
        with without(fleet, 3, 4):
            assert len((await discovered(fleet)).accounts) == 22
    assert len(kept.accounts) == 24
    assert kept.discovery is not None
    assert kept.discovery.cached
    assert before.startswith("the discovery of fleet org is refused: 3 accounts of 25 that were ")
    assert "000000000003, 000000000004, 000000000005\n" in before
    assert "/org/discovery.json away" in before


@pytest.mark.parametrize(
    ("kept", "now", "because"),
    [
        (
            TAGS,
            f"{TAGS}{OUS}",
            "it is of the whole organization, and [organization] ous asks for others",
        ),
        (
            f"{TAGS}{OUS}",
            TAGS,
            f"it is of the units {BOTH}, and [organization] ous asks for others",
        ),
        (TAGS, f'{TAGS}id = "o-expected01"\n', "it is of o-sandbox0001, not of o-expected01"),
        ("", TAGS, "no tags were asked for, and [organization] labels_from_tags asks for some"),
    ],
)
async def test_a_kept_discovery_of_something_else(kept: str, now: str, because: str) -> None:
    """With `cached` it is not taken for the fleet: it may hold accounts that the inventory leaves
    out by now, or lack labels that tell them apart."""
    async with simulate(text().replace(TAGS, kept), scenario(2)) as fleet:
        await discovered(fleet)
        assert len((await discovered(fleet, cached=True)).accounts) == 2
        fleet.rewrite(text().replace(TAGS, now))
        calls = fleet.world.calls.total()
        with pytest.raises(RefusedError) as refused:
            await discovered(fleet, cached=True)
        assert fleet.world.calls.total() == calls
    message = str(refused.value)
    assert re.match(r"the discovery of 20\d\d-\d\d-\d\d at \d\d:\d\d", message)
    assert message.endswith(
        f" is not what the inventory asks for: {because}\n    run without --cached once"
    )


async def test_an_organization_that_cannot_be_listed() -> None:
    """Refused, with what to do; and nothing is shrunk to what could be read."""
    denied = FaultRule(kind=Mishap.DENIED, rate=1, operations=("ListAccountsForParent",))
    async with simulate(text(), scenario(faults=(denied,))) as fleet:
        with pytest.raises(RefusedError) as refused:
            await discovered(fleet)
        with pytest.raises(RefusedError, match="no discovery of fleet org is kept in "):
            await discovered(fleet, cached=True)
    message = str(refused.value)
    assert message.startswith(
        "the accounts of fleet org cannot be discovered: ListAccountsForParent: access-denied ("
    )
    assert '"organizations:ListAccountsForParent",' in message.splitlines()[-1]
    assert "name a role there in [organization] role" in message
    assert "--cached" not in message


async def test_another_organization_answers() -> None:
    """Its accounts are never taken for the fleet's."""
    other = OrganizationScenario(id="o-another0001", management=BASE, members=members(2, units=1))
    async with simulate(
        text(organization='id = "o-expected01"'),
        Scenario(organization=other.model_copy(update={"units": UNITS})),
    ) as fleet:
        with pytest.raises(RefusedError) as refused:
            await discovered(fleet)
    assert str(refused.value) == (
        "organization o-another0001 answers, and [organization] id is o-expected01\n"
        "    use credentials of that organization, or correct the id"
    )


async def test_a_role_lists_the_organization() -> None:
    """In an account that may, where the base identity's own may not."""
    role = f'role = "arn:aws:iam::{"0" * 11}5:role/reader"'
    organization = OrganizationScenario(management="000000000005", units=UNITS, members=members(24))
    async with simulate(text(organization=role), Scenario(organization=organization)) as fleet:
        assert len((await discovered(fleet)).accounts) == 24
    async with simulate(text(), Scenario(organization=organization)) as fleet:
        with pytest.raises(RefusedError, match="access-denied"):
            await discovered(fleet)


async def test_accounts_are_asked_for_their_regions() -> None:
    """Account answers, or EC2 where that is denied; who answers neither has those of the last
    time, or none, and fails nobody else."""
    peculiar = (
        AccountScenario(id="000000000001", disabled_regions=("eu-west-3",)),
        AccountScenario(id="000000000002", denied_actions=("account:ListRegions",)),
        AccountScenario(id="000000000004", denied=True),
    )
    quiet = scenario(4, accounts=peculiar)
    async with simulate(text(regions='"enabled"'), quiet) as fleet:
        inventory = await discovered(fleet)
        regions = {int(account.id): account.regions for account in inventory.accounts}
        assert len(regions[1]) == 16
        assert "eu-west-3" not in regions[1]
        assert len(regions[2]) == len(regions[3]) == 17
        assert regions[4] == ()
        assert inventory.discovery is not None
        assert list(inventory.discovery.unanswered) == ["000000000004"]
        fleet.deny(2, "account:*", "ec2:*")
        inventory = await discovered(fleet)
        assert inventory.discovery is not None
        assert list(inventory.discovery.unanswered) == ["000000000002", "000000000004"]
        again = {int(account.id): account.regions for account in inventory.accounts}
        assert again[2] == regions[2]
        plan = await fleet.planned()
        kinds = [warning.kind for warning in plan.warnings]
    assert kinds.count("unknown-regions") == 2


@pytest.mark.parametrize("rules", ["exclusive", "additive"])
async def test_links_to_an_account_of_unknown_regions_stay(rules: str) -> None:
    """Nobody has asked that they go: neither where other links come, nor where one of these is held
    in the middle of the run. The grant to the account stays too."""
    owned = f'[ownership]\nrules = "{rules}"\n'
    listed = fleet_text("1>2,3,4", "3>1", accounts=5, more=owned)
    more = fleet_text("1>2,4,5", accounts=5, more=owned)
    enabled = more.replace('regions = ["eu-west-1"]', 'regions = "enabled"').replace(
        '"] }', '"], regions = ["eu-west-1"] }'
    )
    async with simulate(listed) as fleet:
        await fleet.applied()
        fleet.deny(3)
        fleet.deny(5, "ecr:PutRegistryPolicy")
        report = await fleet.applied(enabled)
        links = fleet.links(1)
        granted = str(fleet.statements(fleet.at(1)))
        fleet.relent()
        await fleet.applied()
        after = fleet.links(1)
    outcomes = {outcome.registry: outcome.held for outcome in report.registries if outcome.held}
    assert [link.destination.account for link in outcomes[fleet.at(1)]] == ["000000000005"]
    assert "3 " in links
    assert not any(link.startswith("5") for link in links)
    assert "000000000003" in granted
    assert "3 " not in after


async def test_an_account_that_retires_has_the_regions_that_it_had() -> None:
    """It is not asked any more, and what is in place there is taken away."""
    listed = fleet_text("1>2", "2>3").replace('regions = ["eu-west-1"]', 'regions = "enabled"')
    listed = listed.replace('"] }', '"], regions = ["eu-west-1"] }')
    retired = listed.replace('id = "000000000002"', 'id = "000000000002"\nstate = "retired"')
    retired = retired.replace('000000000002"], regions', '000000000004"], regions')
    async with simulate(listed) as fleet:
        await fleet.applied()
        assert fleet.links(2) == {"3 "}
        report = await fleet.applied(retired, force=True)
        assert report.status is Status.OK
        assert fleet.links(2) == set()
        assert fleet.links(1) == {"4 "}


async def test_routes_that_match_nothing_because_an_account_is_silent() -> None:
    """The only source does not say its regions: whoever reads that its route matches nothing reads
    why as well."""
    silent = AccountScenario(id="000000000001", denied=True)
    async with simulate(text(regions='"enabled"'), scenario(4, accounts=(silent,))) as fleet:
        with pytest.raises(InventoryError) as raised:
            await discovered(fleet)
    route, reason = raised.value.problems
    assert (route.key, reason.key) == ("routes[0].from", "aws.regions")
    assert reason.message.startswith(
        "1 account did not say which regions are enabled, so they have no registries: account-1 "
        "(000000000001); the first one: AssumeRole: access-denied (AccessDenied): "
    )
    assert str(reason.remedy).startswith("see that arn:aws:iam::000000000001:role/fleet exists ")
    assert "\n" not in str(reason.remedy)


async def test_a_plan_is_of_the_accounts_of_its_day(tmp_path_factory: Any) -> None:
    """A kept plan is not applied to a fleet that another account has joined."""
    file = tmp_path_factory.mktemp("plans") / "org.plan"
    async with simulate(text(), scenario()) as fleet:
        async with fleet.connected() as connected:
            plan = await connected.plan()
        file.write_text(to_json(plan))
        kept = load_plan(file)
        assert kept.accounts == plan.accounts
        assert kept.accounts[0].id == "000000000001"
        with without(fleet, 24):
            async with fleet.connected() as connected:
                with pytest.raises(PlanError) as refused:
                    await connected.apply(kept)
        async with fleet.connected() as connected:
            assert (await connected.apply(kept)).status is Status.OK
    assert str(refused.value) == (
        "the plan was made for another fleet: since then account 000000000024 is gone\n"
        "    make a new one with fleet-repl plan --out"
    )
    altered = json.loads(to_json(plan))
    altered["accounts"][0]["labels"]["digest"] = ""
    file.write_text(json.dumps(altered))
    with pytest.raises(RefusedError, match="altered"):
        load_plan(file)


async def test_what_is_kept_is_read_back() -> None:
    """Byte by byte; a new account has the time of its first sight."""
    async with simulate(text(), scenario()) as fleet:
        with without(fleet, 24):
            await discovered(fleet)
        fleet.clock.seconds += 60
        inventory = await discovered(fleet)
        content = (fleet.state / "discovery.json").read_bytes()
    kept = parse_discovery(content, "org", where="here")
    assert discovery_content("org", kept) == content
    assert inventory.discovery is not None
    assert kept.members == inventory.discovery.members
    assert list(kept.first_seen) == ["000000000024"]
    assert kept.first_seen[AccountId("0" * 10 + "24")] == kept.at


async def test_an_inventory_that_lists_everything_is_left_alone() -> None:
    """Nothing is called."""
    listed = 'version = 1\nname = "f"\nroutes = []\n[aws]\nrole = "r"\nregions = ["eu-west-1"]\n'
    async with simulate(f'{listed}[[accounts]]\nid = "111111111111"\n') as fleet:
        assert await discovered(fleet) is fleet.inventory
        assert not fleet.world.calls
