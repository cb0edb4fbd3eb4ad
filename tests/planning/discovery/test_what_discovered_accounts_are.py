"""Which accounts a fleet has: what was discovered, and what its file says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st
from tests.support.clock import MORNING, NOON

from fleet_repl.inventory import Discovery, Inventory, Member, parse
from fleet_repl.planning.account_facts import account_facts
from fleet_repl.planning.discovery import discovery_warnings, resolved
from fleet_repl.values.errors import Fault, FaultKind, InventoryError
from fleet_repl.values.names import AccountId, Region

FILE: Final = """\
version = 1
name = "fleet"
routes = {routes}
[aws]
role = "replication"
regions = ["eu-west-1"]
[organization]
labels_from_tags = ["env"]
labels_from_name = "^(?P<team>[a-z]+)-(?P<env>[a-z]+)$"
{rest}
"""
NUMBERS: Final = st.integers(1, 9)
MEMBERS: Final = st.builds(
    Member,
    id=st.builds(lambda number: AccountId(f"{number:012}"), NUMBERS),
    name=st.sampled_from(["hub", "shop-prod", "shop-dev", "", "111111111111", "a\nb", "Ω"]),
    state=st.sampled_from(["ACTIVE", "SUSPENDED", "CLOSED", "PENDING_CLOSURE", "NEW_STATE"]),
    units=st.sampled_from([(), ("Workloads",), ("Workloads", "Prod"), ("a\tb",)]),
    tags=st.dictionaries(st.sampled_from(["env", "x"]), st.sampled_from(["prod", "\x1b", ""])),
)
ORGANIZATIONS: Final = st.lists(MEMBERS, max_size=9, unique_by=lambda member: member.id)
ENTRIES: Final = st.lists(
    st.tuples(NUMBERS, st.sampled_from(["hub", "other", None]), st.sampled_from(["prod", None])),
    max_size=4,
    unique_by=(lambda entry: entry[0], lambda entry: entry[1] or entry[0]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("discovery")


def inventory(folder: Path, rest: str = "", routes: str = "[]") -> Inventory:
    path = folder / "fleet.toml"
    path.write_text(FILE.format(rest=rest, routes=routes), encoding="utf-8")
    return parse(path, environ={})


def entry(number: int, name: str | None, env: str | None) -> str:
    lines = [f'[[accounts]]\nid = "{number:012}"']
    lines += [f'name = "{name}"'] if name else []
    lines += [f'labels = {{ env = "{env}" }}'] if env else []
    return "\n".join(lines)


def discovery(members: list[Member], **more: Any) -> Discovery:
    return Discovery(at=MORNING, organization="o-abcde12345", members=tuple(members), **more)


@given(members=ORGANIZATIONS, entries=ENTRIES)
def test_the_file_has_the_last_word(
    folder: Path, members: list[Member], entries: list[tuple[int, str | None, str | None]]
) -> None:
    """Whatever AWS says: every listed account is there with the facts that the file has, every
    discovered one is there once, names mean one account each, and every fact has an origin."""
    listed = {AccountId(f"{number:012}"): (name, env) for number, name, env in entries}
    file = inventory(folder, "\n".join(entry(*facts) for facts in entries))
    whole = resolved(file, discovery(members))
    accounts = {account.id: account for account in whole.accounts}
    assert len(accounts) == len(whole.accounts)
    assert accounts.keys() == listed.keys() | {member.id for member in members}
    assert len({account.name for account in whole.accounts}) == len(accounts)
    for account, (name, env) in listed.items():
        assert name is None or accounts[account].name == name
        assert env is None or accounts[account].labels["env"] == env
    for member in members:
        closed = member.state in ("SUSPENDED", "CLOSED", "PENDING_CLOSURE")
        assert accounts[member.id].retired is closed
        assert {"ou", "ou_path"} <= accounts[member.id].labels.keys()
    for facts in account_facts(whole, NOON):
        assert facts.labels.keys() == facts.account.labels.keys()


def test_where_facts_come_from(folder: Path) -> None:
    """A tag counts before the name, and the file before both; the root is called Root."""
    rest = '[[accounts]]\nid = "000000000002"\nname = "store"\nlabels = { env = "stage" }'
    members = [
        Member(
            id=AccountId("000000000001"),
            name="shop-dev",
            state="ACTIVE",
            units=("Workloads", "Prod"),
            tags={"env": "prod"},
        ),
        Member(id=AccountId("000000000002"), name="shop-dev", state="ACTIVE"),
        Member(id=AccountId("000000000003"), name="old", state="CLOSED"),
    ]
    origins = {
        facts.account.id[-1]: facts
        for facts in account_facts(resolved(inventory(folder, rest), discovery(members)), NOON)
    }
    assert origins["1"].account.name == "shop-dev"
    assert origins["1"].account.labels == {
        "ou": "Prod",
        "ou_path": "Workloads/Prod",
        "team": "shop",
        "env": "prod",
    }
    assert origins["1"].labels == {"ou": "ou", "ou_path": "ou", "team": "name", "env": "tag"}
    assert origins["2"].account.labels == {
        "ou": "Root",
        "ou_path": "Root",
        "team": "shop",
        "env": "stage",
    }
    assert (origins["2"].name, origins["2"].labels["env"]) == ("file", "file")
    assert (origins["3"].state, origins["3"].account.retired) == ("organization", True)


def test_accounts_that_are_left_out(folder: Path) -> None:
    """Excluded ones, those of partners, and those that are not active yet."""
    rest = 'exclude = ["000000000001"]\n[[external]]\nid = "000000000002"\nregions = ["eu-west-1"]'
    members = [
        Member(id=AccountId(f"{number:012}"), name="", state="ACTIVE") for number in (1, 2, 4)
    ]
    waiting = Member(id=AccountId("000000000003"), name="", state="PENDING_ACTIVATION")
    whole = resolved(inventory(folder, rest), discovery([*members, waiting]))
    assert [account.id for account in whole.accounts] == ["000000000004"]


def test_selectors_name_discovered_accounts(folder: Path) -> None:
    """By a name that is theirs alone; a name that nobody has is a problem at its line."""
    routes = '[{ name = "r", from = { accounts = ["hub"] }, to = {} }]'
    file = inventory(folder, routes=routes)
    hub = Member(id=AccountId("000000000001"), name="hub", state="ACTIVE")
    whole = resolved(file, discovery([hub]))
    assert whole.routes[0].source.match.accounts == frozenset({hub.id})
    another = replace(hub, id=AccountId("000000000002"))
    with pytest.raises(InventoryError) as raised:
        resolved(file, discovery([hub, another]))
    assert [str(problem).partition("fleet.toml")[2] for problem in raised.value.problems] == [
        (
            ":3: routes[0].from.accounts[0]: is not the id or name of an account that is listed "
            'or was discovered (found "hub")\n'
            "    see fleet-repl accounts INVENTORY; accounts of the same name go by their ids"
        )
    ]


def test_regions_that_are_not_known(folder: Path) -> None:
    """An account that does not answer keeps the regions it had, or has none; both are told."""
    path = folder / "enabled.toml"
    path.write_text(FILE.format(rest="", routes="[]").replace('["eu-west-1"]', '"enabled"'))
    members = [
        Member(id=AccountId(f"{number:012}"), name=name, state="ACTIVE")
        for number, name in enumerate(("one", "two", "three"), 1)
    ]
    discovered = discovery(
        members,
        regions={
            AccountId("000000000001"): (Region("eu-west-1"),),
            AccountId("000000000002"): (Region("eu-west-3"),),
        },
        unanswered={
            AccountId("000000000002"): Fault(
                kind=FaultKind.ACCESS_DENIED, operation="ListRegions", message="no"
            ),
            AccountId("000000000003"): None,
        },
    )
    whole = resolved(parse(path, environ={}), discovered)
    assert [account.regions for account in whole.accounts] == [("eu-west-1",), ("eu-west-3",), ()]
    assert [warning.message for warning in discovery_warnings(whole)] == [
        (
            "1 account did not say which regions are enabled, so the regions that they had enabled "
            "last count: two (000000000002); the first one: ListRegions: access-denied: no"
        ),
        (
            "1 account did not say which regions are enabled, so they have no registries in this "
            "run, and links to them stay as they are: three (000000000003); the first one: it was "
            "not asked before"
        ),
    ]
