"""The accounts of an organization, as AWS Organizations lists them.

Which accounts there are is known in full or not at all: the first call that fails for good fails
the discovery.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from fleet_repl.aws.answers import body
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Source
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.pages import PagedList, Reader, pages_of
from fleet_repl.aws.request import Answer, Call
from fleet_repl.engine.workers import work_through
from fleet_repl.inventory import Member, Organization
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import moment
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import AccountId, Region, RoleArn, is_account_id

T = TypeVar("T")

_CONCURRENCY: Final = 32
"""Calls in flight at once: Organizations throttles early, and everybody in it alike."""
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


def _listing(member: str, *texts: str, page_size: int | None = 20) -> PagedList:
    return PagedList(
        member=member, texts=texts, page_size=page_size, most_pages=10_000, capitalized=True
    )


# `Status`, which some answers still have, was retired in September 2026.
_ACCOUNTS: Final = _listing("Accounts", "Id", "Name", "State")
_ROOTS: Final = _listing("Roots", "Id")
_UNITS: Final = _listing("OrganizationalUnits", "Id", "Name")
_PARENTS: Final = _listing("Parents", "Id")
_TAGS: Final = _listing("Tags", "Key", "Value", page_size=None)

_Units: TypeAlias = tuple[str, ...]
"""The names of units from the root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """The accounts and units found so far below the roots or units that were asked for."""

    members: dict[AccountId, Member] = field(default_factory=dict)
    units: dict[str, _Units] = field(default_factory=dict)
    """The id of a root or unit → the names from the root to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organizations:
    """Organizations, asked by one identity. Its methods raise CallError, never a transient one."""

    caller: Caller
    source: Source
    region: Region
    account: AccountId
    """The account of the identity."""
    role: RoleArn | None = None
    """The role of the identity; None for the base identity."""

    async def organization_id(self) -> str:
        """The id of the organization that the identity's account is a member of."""
        return await self._read("DescribeOrganization", partial(_named, "Organization", "Id"))

    async def members(self, organization: Organization) -> tuple[Member, ...]:
        """The accounts below the units of `organization`, or all of them, in order of the id."""
        walk = _Walk()
        if organization.ous:
            for unit in organization.ous:
                walk.units[unit] = await self._path(unit)
        else:
            for root in await self._list("ListRoots", _ROOTS):
                walk.units[str(root["Id"])] = ()
        looked_into: set[str] = set()
        while level := [unit for unit in walk.units if unit not in looked_into]:
            looked_into.update(level)
            await _each(level, lambda parent: self._look_into(parent, walk))
        if not organization.ous:
            await self._add_missing(walk)
        members = dict(sorted(walk.members.items()))
        if organization.labels_from_tags:
            await _each(list(members), lambda account: self._add_tags(account, members))
        return tuple(members.values())

    async def _look_into(self, parent: str, walk: _Walk) -> None:
        """Add the accounts in a root or unit, and its units."""
        asked, units = {"ParentId": parent}, walk.units[parent]
        for account in await self._list("ListAccountsForParent", _ACCOUNTS, asked):
            member = _member(account, units)
            walk.members[member.id] = member
        for unit in await self._list("ListOrganizationalUnitsForParent", _UNITS, asked):
            walk.units[str(unit["Id"])] = (*units, str(unit["Name"]))

    async def _add_missing(self, walk: _Walk) -> None:
        """Add the accounts of the organization that were moved while its units were looked into."""
        missing = [
            account
            for account in await self._list("ListAccounts", _ACCOUNTS)
            if str(account["Id"]) not in walk.members
        ]
        for account in missing:
            member = _member(account, await self._path(str(account["Id"])))
            walk.members[member.id] = member

    async def _add_tags(self, account: AccountId, members: dict[AccountId, Member]) -> None:
        tags = await self._list("ListTagsForResource", _TAGS, {"ResourceId": account})
        values = {str(tag["Key"]): str(tag["Value"]) for tag in tags}
        members[account] = replace(members[account], tags=values)

    async def _path(self, child: str) -> _Units:
        """The names of the units from the root to an account or a unit, that of the unit included.
        Raises CallError."""
        names: list[str] = []
        while True:
            if child.startswith("ou-"):
                asked = {"OrganizationalUnitId": child}
                read = partial(_named, "OrganizationalUnit", "Name")
                names.append(await self._read("DescribeOrganizationalUnit", read, asked))
            parents = await self._list("ListParents", _PARENTS, {"ChildId": child})
            child = str(parents[0]["Id"]) if parents else ""
            if not child.startswith("ou-"):
                return tuple(reversed(names))

    async def _list(
        self, operation: str, listing: PagedList, parameters: Mapping[str, object] = _NOTHING
    ) -> list[JsonObject]:
        async def read(reader: Reader[T], page: Mapping[str, object]) -> T:
            return await self._read(operation, reader, page)

        items = [item async for page in pages_of(listing, parameters, read) for item in page]
        invalid = [
            item for item in items if listing is _ACCOUNTS and not is_account_id(str(item["Id"]))
        ]
        if invalid:
            raise garbage(self._call(operation, parameters), "the answer's Accounts have bad ids")
        return items

    async def _read(
        self, operation: str, read: Reader[T], parameters: Mapping[str, object] = _NOTHING
    ) -> T:
        call = self._call(operation, parameters)
        return await self.caller.persist(call, lambda: self.caller.once(call, self.source, read))

    def _call(self, operation: str, parameters: Mapping[str, object]) -> Call:
        return Call(
            service="organizations",
            operation=operation,
            region=self.region,
            account=self.account,
            role=self.role,
            parameters=parameters,
        )


async def _each(items: Sequence[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do `work` on every item. Raises the first CallError, and starts nothing after it."""
    failures: list[CallError] = []

    async def attempt(item: T) -> None:
        if not failures:
            try:
                await work(item)
            except CallError as error:
                failures.append(error)

    await work_through(items, attempt, concurrency=_CONCURRENCY, stop=None)
    if failures:
        raise failures[0]


def _member(account: JsonObject, units: _Units) -> Member:
    return Member(
        id=AccountId(str(account["Id"])),
        name=str(account["Name"]),
        state=str(account["State"]),
        units=units,
        joined=moment(account.get("JoinedTimestamp")),
    )


def _named(member: str, key: str, answer: Answer, call: Call) -> str:
    match body(answer, call).get(member):
        case dict(members) if isinstance(text := members.get(key), str):
            return text
        case _:
            raise garbage(call, f"the answer holds no {member} with its {key}", answer.request_id)
