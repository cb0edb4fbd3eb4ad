"""Accounts come, move, close and leave: what each event makes the handler do, over HTTP."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import given, strategies as st
from tests.support.clock import MachineClock
from tests.support.moto import moto_server
from tests.watch.functions.conftest import Deployed, deploy
from tests.watch.functions.test_what_events_ask_for import ANYTHING

from fleet_repl.sandbox import MemberScenario, OrganizationScenario, Scenario, UnitScenario
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.watch.aws_lambda import RoundError
from fleet_repl.watch.eventbridge import ACCOUNT_EVENTS, AccountChange, Ignored, target_of

EVENTS: Final = Path(__file__).parent / "events"
"""An event of each kind, as EventBridge delivers it."""
BASE: Final = "9" * 12
SHOP: Final = "2" * 12
BUILD: Final = Registry(AccountId("1" * 12), Region("eu-west-1"))
OUTSIDE: Final = "444444444444"
INVENTORY: Final = """\
version = 1
name = "prod"
[aws]
role = "fleet-replication"
regions = ["eu-west-1"]
[organization]
ous = ["ou-test-workloads"]
exclude = ["333333333333"]
[[routes]]
name = "golden"
from = { accounts = "build" }
to = { labels = { ou = "Production" } }
prefixes = ["base/"]
"""
HOUR: Final = 3600
UNITS: Final = (
    UnitScenario(id="ou-test-workloads", name="Workloads"),
    UnitScenario(id="ou-test-production", name="Production", parent="ou-test-workloads"),
)

moto = pytest.fixture(scope="module")(moto_server)


def sample(name: str, account: str = SHOP) -> Any:
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace(SHOP, account))


def organization() -> Scenario:
    """Twelve accounts, one outside the fleet's units, and one that joins, closes, and leaves."""
    inside = "ou-test-workloads"
    idle = (f"{number:012}" for number in range(1, 12))
    members = (
        MemberScenario(id=BASE, name="management"),
        MemberScenario(id=OUTSIDE, name="outside"),
        MemberScenario(id=BUILD.account, name="build", unit=inside),
        *(MemberScenario(id=account, name=f"idle-{account}", unit=inside) for account in idle),
        MemberScenario(id="000000000012", name="spare", unit="ou-test-production"),
        MemberScenario(
            id=SHOP,
            name="shop",
            unit="ou-test-production",
            joins_after=HOUR,
            role_after=2 * HOUR,
            closes_after=3 * HOUR,
        ),
    )
    listed = OrganizationScenario(management=BASE, units=UNITS, members=members)
    return Scenario(organization=listed)


class Organized:
    """The function of a fleet that is discovered, at a time of its AWS."""

    def __init__(self, function: Deployed, clock: MachineClock) -> None:
        self.function = function
        self._clock = clock

    def at(self, hours: float) -> None:
        self._clock.ahead = hours * HOUR

    def invoke(self, event: object) -> dict[str, Any]:
        return self.function.invoke(event)

    def links(self) -> set[str]:
        """The accounts that build replicates to."""
        rules: Any = self.function.world.replication(BUILD)["rules"]
        return {end["registryId"] for rule in rules for end in rule["destinations"]}

    def change(self, *gone: str, **changed: Any) -> None:
        """Take accounts out of the organization, or change what is there of the shop."""
        organization = self.function.world.organization
        left = tuple(
            member.model_copy(update=changed) if member.id == SHOP else member
            for member in organization.scenario.members
            if member.id not in gone
        )
        scenario = organization.scenario.model_copy(update={"members": left})
        self.function.world.organization = replace(organization, scenario=scenario)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(line["event"], line["message"]) for line in self.function.lines]


@pytest.fixture
def fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moto: str
) -> Iterator[Organized]:
    """A function that corrects, after its first scheduled round."""
    path = tmp_path / "inventory.toml"
    path.write_text(INVENTORY)
    bucket, clock = f"accounts-{uuid4().hex}", MachineClock()
    urllib.request.urlopen(urllib.request.Request(f"{moto}/{bucket}", method="PUT")).close()
    with deploy(path, monkeypatch, capsys, organization(), clock) as function:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
        monkeypatch.setenv("FLEET_REPL_STATE", f"s3://{bucket}/fleet-repl")
        monkeypatch.setenv("FLEET_REPL_FIX", "1")
        organized = Organized(function, clock)
        assert organized.invoke({})["verdict"] == "corrected"
        yield organized


@pytest.mark.parametrize("name", sorted(ACCOUNT_EVENTS))
def test_an_event_names_its_account(name: str) -> None:
    """Each of the samples, as it is delivered."""
    assert target_of(sample(name)) == AccountChange(account=AccountId(SHOP), event=name)


@pytest.mark.parametrize("name", ["CreateAccountResult", "CreateManagedAccount"])
def test_what_has_failed_is_ignored(name: str) -> None:
    """No account was created, or not as it was to be."""
    assert target_of(sample(f"{name}-failed")) == Ignored(
        because=f"what {name} tells of has not succeeded, so it changed nothing"
    )


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"errorCode": "AccessDenied"}, "the call failed, so it changed nothing"),
        ({"requestParameters": None}, "MoveAccount names no account"),
        ({"requestParameters": {"accountId": "2222"}}, "MoveAccount names no account"),
        ({"requestParameters": {"accountId": [SHOP]}}, "MoveAccount names no account"),
        (
            {"eventName": "CreateOrganizationalUnit"},
            "it brings no account into the organization, out of it or elsewhere",
        ),
    ],
)
def test_calls_that_say_nothing_are_ignored(changed: dict[str, Any], because: str) -> None:
    """With a reason that repeats no text of theirs but the event's known name."""
    event = sample("MoveAccount")
    event["detail"] |= changed
    assert target_of(event) == Ignored(because=because)


@given(
    name=st.sampled_from(sorted(ACCOUNT_EVENTS)),
    changed=st.dictionaries(
        st.sampled_from(["serviceEventDetails", "requestParameters", "userIdentity", "eventName"]),
        ANYTHING,
    ),
)
def test_nothing_in_an_event_is_trusted(name: str, changed: dict[str, object]) -> None:
    """Whatever is in it: no crash, and an account only where it is an id."""
    event = sample(name)
    event["detail"] |= changed
    target = target_of(event)
    assert isinstance(target, Ignored) or (
        isinstance(target, AccountChange)
        and target.account.isdecimal()
        and len(target.account) == 12
    )


def test_an_account_joins_and_its_role_appears(fleet: Organized) -> None:
    """First it is joining, which is no failure; then its links are made. A second delivery of an
    event finds nothing to do."""
    fleet.at(1.1)
    result = fleet.invoke(sample("CreateAccountResult"))
    assert (result["verdict"], result["exit_code"]) == ("in-sync", 0)
    assert (result["summary"]["registries"], result["summary"]["joining"]) == (2, 1)
    assert result["text"] == "prod: in sync, 2 registries; 1 registry joining"
    message = f"CreateAccountResult of account {SHOP}: a round over 2 accounts"
    assert ("account-changed", message) in fleet.lines
    assert "error" not in {line["level"] for line in fleet.function.lines}
    fleet.at(2.1)
    assert fleet.invoke(sample("CreateManagedAccount"))["verdict"] == "corrected"
    assert fleet.links() == {SHOP, "000000000012"}
    writes = len(fleet.function.writes)
    assert fleet.invoke(sample("CreateManagedAccount"))["verdict"] == "in-sync"
    assert len(fleet.function.writes) == writes


def test_an_account_closes(fleet: Organized) -> None:
    """Its links go, and nothing else is looked at."""
    fleet.at(2.1)
    fleet.invoke(sample("CreateAccountResult"))
    fleet.at(3.1)
    result = fleet.invoke(sample("CloseAccountResult"))
    assert (result["verdict"], result["summary"]["registries"]) == ("corrected", 2)
    assert fleet.links() == {"000000000012"}


def test_an_account_moves(fleet: Organized) -> None:
    """Into the units of a route, and out of them."""
    fleet.at(2.1)
    fleet.change(unit="ou-test-workloads")
    result = fleet.invoke(sample("MoveAccount"))
    assert (result["verdict"], result["summary"]["registries"]) == ("in-sync", 1)
    fleet.change(unit="ou-test-production")
    assert fleet.invoke(sample("MoveAccount"))["verdict"] == "corrected"
    assert fleet.links() == {SHOP, "000000000012"}
    fleet.change(unit="ou-test-workloads")
    assert fleet.invoke(sample("MoveAccount"))["summary"]["registries"] == 2
    assert fleet.links() == {"000000000012"}


@pytest.mark.parametrize("name", ["LeaveOrganization", "RemoveAccountFromOrganization"])
def test_an_account_leaves(fleet: Organized, name: str) -> None:
    """By itself, or removed. Who it was linked with is known from the discovery before."""
    fleet.at(2.1)
    fleet.invoke(sample("CreateAccountResult"))
    fleet.change(SHOP)
    result = fleet.invoke(sample(name))
    assert (result["verdict"], result["summary"]["registries"]) == ("corrected", 1)
    assert fleet.links() == {"000000000012"}
    assert fleet.invoke(sample(name)) == {
        "ignored": True,
        "because": f"account {SHOP} is not in the fleet prod, and nothing is linked with it",
    }


def test_no_event_removes_an_account(fleet: Organized) -> None:
    """It is still there: the event was wrong. Many are gone: the discovery is refused."""
    fleet.at(2.1)
    fleet.invoke(sample("CreateAccountResult"))
    assert fleet.invoke(sample("LeaveOrganization"))["verdict"] == "in-sync"
    assert fleet.links() == {SHOP, "000000000012"}
    fleet.change(SHOP, "000000000001", "000000000012")
    with pytest.raises(RoundError, match="3 accounts of 14 that were there"):
        fleet.invoke(sample("LeaveOrganization"))
    with pytest.raises(RoundError, match="3 accounts of 14 that were there"):
        fleet.invoke({})
    assert fleet.links() == {SHOP, "000000000012"}


@pytest.mark.parametrize(
    ("account", "because"),
    [
        (OUTSIDE, "account 444444444444 is not in the fleet prod, and nothing is linked with it"),
        ("333333333333", "account 333333333333 is excluded from the fleet prod"),
    ],
)
def test_accounts_of_others_are_ignored(fleet: Organized, account: str, because: str) -> None:
    """Outside the units of the fleet, or excluded: said, logged, and nothing is read of them."""
    reads = fleet.function.world.calls["DescribeRegistry"]
    assert fleet.invoke(sample("MoveAccount", account)) == {"ignored": True, "because": because}
    assert fleet.lines == [("ignored", f"the event is ignored: {because}")]
    assert fleet.function.world.calls["DescribeRegistry"] == reads


def test_a_fleet_that_lists_its_accounts_takes_no_such_events(deployed: Deployed) -> None:
    """Nobody is asked."""
    result = deployed.invoke(sample("CreateAccountResult"))
    assert result == {"ignored": True, "because": "the fleet prod discovers no accounts"}
    assert not deployed.world.calls
    assert "FLEET_REPL_STATE" not in os.environ
