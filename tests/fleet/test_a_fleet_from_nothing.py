"""The first days of a platform team: from no file to four hundred accounts that are looked after.

Each step is a command line, run in this process against one simulated AWS over HTTP, in which the
printed policies are in force. The days pass on a clock that nobody waits for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from anyio.from_thread import start_blocking_portal
from tests.support.clock import VirtualClock
from tests.support.guard import Guard

from fleet_repl import Fleet, Inventory, connect, discover, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.cli.app import run
from fleet_repl.cli.library import Library
from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    MemberScenario,
    Mishap,
    OrganizationScenario,
    Scenario,
    UnitScenario,
    World,
    serve,
    world_of,
)
from fleet_repl.sandbox.faults import Faults
from fleet_repl.values.names import AccountId, Region, Registry, Secret

ACCOUNTS: Final = 400
NEW: Final = ACCOUNTS + 1
"""The account that joins on the second day."""
DAY: Final = 24 * 60 * 60
SOURCE: Final = f"{1:012}"
SHOPS: Final = tuple(f"{n:012}" for n in range(21, NEW, 20))
"""The accounts that pull images at first. The first one closes on the second day."""
ENDS: Final = f"fleet.toml --account {SOURCE} --account {NEW:012}"
"""The inventory, narrowed to a new link: there is nothing to do for the other accounts."""
MANAGEMENT: Final = "9" * 12
FOREIGN: Final = "7" * 12
WEST: Final = Region("eu-west-1")
ROLE: Final = "arn:aws:iam::ACCOUNT:role/fleet-replication"
UNITS: Final = tuple(
    UnitScenario(
        id=f"ou-test-unit{number:04}",
        name="shop" if number == 12 else f"unit-{number:02}",
        # Units 3, 6, 9 and 12 lie within the unit before them.
        parent=None if number % 3 else f"ou-test-unit{number - 1:04}",
    )
    for number in range(1, 13)
)


EDITED: Final = {
    # Everywhere is more than a source may replicate to.
    "to = {}": 'to = { labels = { ou = "shop" } }',
    # Nothing replicates there, and StackSets make no role there.
    '# exclude = ["333333333333"]': f'exclude = ["{MANAGEMENT}"]',
    # A call for each account, that no route needs.
    'labels_from_tags = ["env", "team"]': "",
}
"""What the team changes in its first file."""


def number(n: int) -> str:
    return f"{n:012}"


def member(n: int) -> MemberScenario:
    """An account of one of the twelve units."""
    account, later = number(n), {}
    if account == SHOPS[0]:
        later = {"closes_after": DAY}
    if n == NEW:
        later = {"joins_after": DAY, "role_after": DAY + DAY // 8}
    unit = UNITS[11 if n == NEW or account in SHOPS else n % 11]
    return MemberScenario(id=account, name=f"account-{n}", unit=unit.id, **later)


ORGANIZATION: Final = OrganizationScenario(
    management=MANAGEMENT,
    units=UNITS,
    members=(MemberScenario(id=MANAGEMENT), *(member(n) for n in range(1, NEW + 1))),
    empty_pages=True,
)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Three accounts that are broken in the same way, and what has to be reported of them."""

    first: int
    kind: str
    message: str
    paste: str
    """The last line of the remedy."""
    how: dict[str, Any] | None = None
    mishap: Mishap | None = None
    operation: str = "GetRegistryPolicy"

    @property
    def accounts(self) -> list[str]:
        return [number(n) for n in range(self.first, self.first + 3)]

    def reported(self) -> tuple[str, str, list[str], str]:
        """The kind, the message, the accounts and the last line of the remedy."""
        return self.kind, self.message, self.accounts, self.paste


def statement(*actions: str) -> str:
    action = json.dumps(actions[0] if len(actions) == 1 else actions, separators=(",", ":"))
    return f'{{"Effect":"Allow","Action":{action},"Resource":"*"}}'


AGAIN: Final = "fleet-repl doctor fleet.toml --account ACCOUNT"
BROKEN: Final = (
    Broken(
        first=10,
        how={"denied": True},
        kind="role-refused",
        message="AccessDenied on AssumeRole: trust policy, external id, SCP or RCP",
        paste="fleet-repl bootstrap fleet.toml",
    ),
    Broken(
        first=20,
        how={"answers_as": FOREIGN},
        kind="wrong-account",
        message="another account answers AssumeRole: account ACCOUNT was meant, and it is account "
        f"{FOREIGN}",
        paste=f"aws sts assume-role --role-arn {ROLE} --role-session-name doctor",
    ),
    Broken(
        first=30,
        how={"disabled_regions": (WEST,)},
        kind="region-disabled",
        message="UnrecognizedClientException: the account has not enabled the region",
        paste="aws account enable-region --account-id ACCOUNT --region-name REGION",
    ),
    Broken(
        first=40,
        how={"denied_actions": ("ecr:DescribeRegistry",)},
        kind="read-denied",
        message="AccessDeniedException on DescribeRegistry",
        paste=statement("ecr:DescribeRegistry"),
    ),
    Broken(
        first=50,
        how={"denied_actions": ("ecr:Get*",)},
        kind="read-denied",
        message="AccessDeniedException on GetRegistryPolicy",
        paste=statement("ecr:GetRegistryPolicy"),
    ),
    Broken(
        first=60,
        how={"denied_actions": ("ecr:PutRegistryPolicy", "ecr:DeleteRegistryPolicy")},
        kind="write-denied",
        message=f"{ROLE} lacks ecr:PutRegistryPolicy, ecr:DeleteRegistryPolicy",
        paste=statement("ecr:PutRegistryPolicy", "ecr:DeleteRegistryPolicy"),
    ),
    Broken(
        first=70,
        how={"denied_actions": ("ecr:PutReplicationConfiguration",)},
        kind="write-denied",
        message=f"{ROLE} lacks ecr:PutReplicationConfiguration",
        paste=statement("ecr:PutReplicationConfiguration"),
    ),
    Broken(
        first=80,
        mishap=Mishap.GARBAGE,
        kind="read-failed",
        message="service on GetRegistryPolicy: the answer is no JSON object",
        paste=AGAIN,
    ),
    Broken(
        first=90,
        mishap=Mishap.SERVER_ERROR,
        kind="read-failed",
        message="ServerException on GetRegistryPolicy",
        paste=AGAIN,
    ),
    Broken(
        first=100,
        mishap=Mishap.DROPPED,
        operation="AssumeRole",
        kind="role-failed",
        message="network on AssumeRole: the connection broke before the whole answer came",
        paste=AGAIN,
    ),
)


class Team(Library):
    """The library on the simulated AWS, and on the clock of the test."""

    def __init__(self, endpoint: Endpoint, clock: VirtualClock) -> None:
        self._how: dict[str, Any] = {"endpoint": endpoint, "clock": clock}

    async def discover(self, inventory: Inventory, **how: Any) -> Inventory:
        return await discover(inventory, **{**how, **self._how})

    def connect(self, inventory: Inventory, **how: Any) -> AbstractAsyncContextManager[Fleet]:
        return connect(inventory, **{**how, **self._how})


@dataclass(kw_only=True)
class Desk:
    """Where the team types its commands."""

    library: Team
    world: World
    clock: VirtualClock
    capsys: pytest.CaptureFixture[str]

    def __call__(self, line: str) -> tuple[int, str, str]:
        """A command line: its exit code, standard output and error."""
        code = run(line.split(), self.library)
        out, err = self.capsys.readouterr()
        return code, out, err

    def document(self, line: str, code: int = 0) -> Any:
        """The JSON that a command prints."""
        ended, out, err = self(f"{line} --format json --quiet")
        assert ended == code, err
        return json.loads(out)

    def destinations(self) -> set[str]:
        """The accounts that the source replicates to."""
        rules: Any = self.world.replication(Registry(AccountId(SOURCE), WEST))["rules"]
        return {end["registryId"] for rule in rules for end in rule["destinations"]}


def reported(problem: Any) -> tuple[str, str, list[str], str]:
    """The same of a problem in a document."""
    *_, paste = problem["remedy"].splitlines()
    return problem["kind"], problem["message"], problem["accounts"], paste


@contextmanager
def desk(inventory: Inventory, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A simulated AWS for an inventory, in which thirty accounts are broken."""
    scenario = Scenario(
        organization=ORGANIZATION,
        other_accounts=(FOREIGN,),
        accounts=tuple(
            AccountScenario(id=account, **broken.how)
            for broken in BROKEN
            for account in broken.accounts
            if broken.how is not None
        ),
        faults=tuple(
            FaultRule(
                kind=broken.mishap,
                rate=1,
                operations=(broken.operation,),
                accounts=tuple(broken.accounts),
            )
            for broken in BROKEN
            if broken.mishap is not None
        ),
    )
    clock = VirtualClock(datetime.now(UTC).replace(microsecond=0))
    world = world_of(inventory, scenario=scenario, clock=clock)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(world)) as at:
        endpoint = Endpoint(
            url=at.url,
            access_key_id=at.access_key_id,
            secret_access_key=Secret(at.secret_access_key),
            region=at.region,
            world="sim",
        )
        yield Desk(library=Team(endpoint, clock), world=world, clock=clock, capsys=capsys)


def test_from_nothing_to_a_fleet_that_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty broken accounts of ten kinds are reported rightly and mended, the plan is applied, an
    account joins, one closes, and a discovery that lost half of them is refused."""
    monkeypatch.chdir(tmp_path)
    file = Path("fleet.toml")
    assert run(["init", "fleet.toml", "--organization", f"--source={SOURCE}"], Library()) == 0
    text = file.read_text()
    for before, after in EDITED.items():
        assert before in text
        text = text.replace(before, after)
    file.write_text(text)
    capsys.readouterr()
    with desk(load_inventory(file, environ={}), capsys) as at_desk:
        base = at_desk.world.directory.base.arn
        code, printed, err = at_desk(f"bootstrap fleet.toml --format iam --principal {base}")
        assert code == 0, err
        guard = Guard(json.loads(printed))
        with guard.in_force(at_desk.world):
            examine(at_desk)
            first_day(at_desk)
            next_day(at_desk)
            half_a_discovery(at_desk)
        assert guard.refused == []


def examine(desk: Desk) -> None:
    """Each account is listed with its unit, and each broken one is reported until it is mended."""
    listed = desk.document("accounts fleet.toml")["accounts"]
    assert [account["id"] for account in listed] == [number(n) for n in range(1, NEW)]
    assert {account["labels"]["ou"] for account in listed} == {unit.name for unit in UNITS}
    problems = desk.document("doctor fleet.toml --cached", code=4)["problems"]
    assert sorted(map(reported, problems)) == sorted(broken.reported() for broken in BROKEN)
    assert desk.world.writes == []
    desk.world.directory._peculiar.clear()
    desk.world.faults = Faults(Scenario())
    mended = " ".join(f"--account {account}" for broken in BROKEN for account in broken.accounts)
    assert desk.document(f"doctor fleet.toml --cached {mended}")["problems"] == []


def first_day(desk: Desk) -> None:
    """A plan is kept, and then carried out as it was kept."""
    plan = desk.document("plan fleet.toml --out first.plan")
    assert len(plan["accounts"]) == ACCOUNTS
    assert plan["summary"]["links_added"] == len(SHOPS)
    report = desk.document("apply --plan first.plan --yes")
    assert report["summary"]["applied"] == len(SHOPS) + 1
    assert desk.destinations() == {*SHOPS}
    desk.document(f"plan fleet.toml --account {SOURCE} --out evening.plan")


def next_day(desk: Desk) -> None:
    """An account has joined and one has closed: yesterday's plan is of another fleet."""
    desk.clock.seconds += DAY
    code, _, err = desk("apply --plan evening.plan --yes --quiet")
    assert code == 3
    assert err.startswith("fleet-repl: the plan was made for another fleet: since then ")
    assert f"account {number(NEW)} has come" in err
    report = desk.document(f"apply {ENDS} --yes")
    joining = [link for registry in report["registries"] for link in registry["held"]]
    assert [(link["account"], link["joining"]) for link in joining] == [(number(NEW), True)]
    assert desk.destinations() == {*SHOPS[1:]}
    desk.clock.seconds += DAY / 4
    desk.document(f"apply {ENDS} --yes")
    assert desk.destinations() == {*SHOPS[1:], number(NEW)}
    states = {
        item["id"]: item["state"] for item in desk.document("accounts fleet.toml")["accounts"]
    }
    assert [account for account, state in states.items() if state == "retired"] == [SHOPS[0]]
    assert len(states) == NEW


def half_a_discovery(desk: Desk) -> None:
    """Half of the accounts are not listed any more: refused, until somebody takes the kept ones."""
    left = ORGANIZATION.model_copy(update={"members": ORGANIZATION.members[: NEW // 2 + 1]})
    desk.world.organization = replace(desk.world.organization, scenario=left)
    code, out, err = desk(f"plan {ENDS}")
    assert (code, out) == (3, "")
    assert err.startswith(
        "fleet-repl: the discovery of fleet prod is refused: 201 accounts of 401 "
    )
    assert "--cached goes on with the accounts of that day" in err
    plan = desk.document(f"plan {ENDS} --cached")
    assert len(plan["accounts"]) == NEW
    assert [warning["kind"] for warning in plan["warnings"]] == ["cached-discovery"]
