"""Organizations: its calls, as functions on a world, and the organization that they are about.

Only the management account and delegated administrators may call. Without an organization in the
scenario, the inventory's accounts are members of one, all below its root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.pages import UPPER, page
from fleet_repl.sandbox.scenario_contents import (
    MemberScenario,
    OrganizationScenario,
    UnitScenario,
)
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Partition

ROOT: Final = "r-sbox"
_PAGE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Accounts and organizational units below one root."""

    scenario: OrganizationScenario
    partition: Partition
    began: datetime
    """The time when the sandbox was started."""
    seconds: Callable[[], float]
    """Seconds since then."""

    @property
    def members(self) -> Mapping[str, MemberScenario]:
        """The members that there are now, as they are now."""
        now = [member.at(self.seconds()) for member in self.scenario.members]
        return {member.id: member for member in now if member is not None}

    def lets_in(self, account: AccountId) -> bool:
        """Returns whether the account may ask about the organization."""
        return account in (self.scenario.management, *self.scenario.delegated)

    def arn(self, kind: str, *path: str) -> str:
        parts = "/".join((kind, self.scenario.id, *path))
        return f"arn:{self.partition}:organizations::{self.scenario.management}:{parts}"

    def accounts(self, parent: str | None = None) -> Iterator[JsonObject]:
        """Yields the accounts in a unit or the root, or all of them, as ListAccounts shows them."""
        for member in self.members.values():
            if parent in (None, member.unit or ROOT):
                yield {
                    "Id": member.id,
                    "Arn": self.arn("account", member.id),
                    "Email": member.email or f"{member.id}@example.com",
                    "Name": member.name or member.id,
                    "State": member.state,
                    "JoinedMethod": "CREATED",
                    "JoinedTimestamp": self._joined(member).timestamp(),
                }

    def _joined(self, member: MemberScenario) -> datetime:
        if not member.joins_after:
            return member.joined
        return self.began + timedelta(seconds=member.joins_after)

    def units(self, parent: str) -> Iterator[JsonObject]:
        for unit in self.scenario.units:
            if parent == (unit.parent or ROOT):
                yield self.unit(unit.id)

    def unit(self, unit_id: str) -> JsonObject:
        """Returns a unit. Raises AwsError where there is none of that id."""
        for unit in self.scenario.units:
            if unit.id == unit_id:
                return {"Id": unit.id, "Arn": self.arn("ou", unit.id), "Name": unit.name}
        raise _missing("OrganizationalUnitNotFoundException", unit_id)

    def parent(self, child: str) -> str:
        """Returns what holds an account or a unit. Raises AwsError where neither has that id."""
        parents = {unit.id: unit.parent for unit in self.scenario.units}
        parents |= {member.id: member.unit for member in self.members.values()}
        if child not in parents:
            raise _missing("ChildNotFoundException", child)
        return parents[child] or ROOT

    def check_parent(self, parent: str) -> None:
        """Raises AwsError where neither the root nor a unit has that id."""
        if parent != ROOT and all(unit.id != parent for unit in self.scenario.units):
            raise _missing("ParentNotFoundException", parent)


def organization_of(
    inventory: Inventory,
    scenario: OrganizationScenario | None,
    base: AccountId,
    *,
    began: datetime,
    seconds: Callable[[], float],
) -> Organization:
    """Returns the scenario's organization, or an organization of the inventory's accounts. Its id
    is the id that the inventory expects, unless the scenario has its own."""
    discovered = inventory.organization
    if scenario is None:
        scenario = _organization_of_accounts(inventory, base)
    if discovered is not None and discovered.id and "id" not in scenario.model_fields_set:
        scenario = scenario.model_copy(update={"id": discovered.id})
    return Organization(
        scenario=scenario, partition=inventory.aws.partition, began=began, seconds=seconds
    )


def _organization_of_accounts(inventory: Inventory, base: AccountId) -> OrganizationScenario:
    discovered = inventory.organization
    lister = None if discovered is None else discovered.role
    management = base if lister is None else lister.account
    units = () if discovered is None else discovered.ous
    accounts = {account.id: account.name for account in inventory.accounts}
    return OrganizationScenario(
        management=management,
        units=tuple(UnitScenario(id=unit, name=unit) for unit in units),
        members=tuple(
            MemberScenario(id=account, name=name, unit=next(iter(units), None))
            for account, name in ({management: "management"} | accounts).items()
        ),
    )


def call_organizations(
    organization: Organization, caller: Identity, operation: str, body: JsonObject
) -> JsonObject:
    """Returns the members of the answer. Raises AwsError."""
    may = caller.may(f"organizations:{operation}", "*")
    if not (may and organization.lets_in(caller.account)):
        raise AwsError(
            "AccessDeniedException", "You don't have permissions to access this resource."
        )
    try:
        request = read(body, f"organizations.{operation}Request")
        return _OPERATIONS[operation](organization, request)
    except AwsError as error:
        if error.code != "InvalidParameterException":
            raise
        # Shapes and pages are refused in ECR's words elsewhere.
        raise AwsError("InvalidInputException", error.message) from error


def _describe_organization(organization: Organization, _request: Structure) -> JsonObject:
    management = organization.scenario.management
    return {
        "Organization": {
            "Id": organization.scenario.id,
            "Arn": organization.arn("organization"),
            "FeatureSet": "ALL",
            "MasterAccountArn": organization.arn("account", management),
            "MasterAccountId": management,
            "MasterAccountEmail": f"{management}@example.com",
        }
    }


def _list_roots(organization: Organization, request: Structure) -> JsonObject:
    root: JsonObject = {"Id": ROOT, "Arn": organization.arn("root", ROOT), "Name": "Root"}
    return _listed(organization, request, "Roots", [root])


def _list_units(organization: Organization, request: Structure) -> JsonObject:
    parent = request.text("ParentId")
    organization.check_parent(parent)
    return _listed(organization, request, "OrganizationalUnits", [*organization.units(parent)])


def _describe_unit(organization: Organization, request: Structure) -> JsonObject:
    return {"OrganizationalUnit": organization.unit(request.text("OrganizationalUnitId"))}


def _list_parents(organization: Organization, request: Structure) -> JsonObject:
    parent = organization.parent(request.text("ChildId"))
    kind = "ROOT" if parent == ROOT else "ORGANIZATIONAL_UNIT"
    return _listed(organization, request, "Parents", [{"Id": parent, "Type": kind}])


def _list_accounts(organization: Organization, request: Structure) -> JsonObject:
    return _listed(organization, request, "Accounts", [*organization.accounts()])


def _list_accounts_of(organization: Organization, request: Structure) -> JsonObject:
    parent = request.text("ParentId")
    organization.check_parent(parent)
    return _listed(organization, request, "Accounts", [*organization.accounts(parent)])


def _list_tags(organization: Organization, request: Structure) -> JsonObject:
    member = organization.members.get(request.text("ResourceId"))
    if member is None:
        raise _missing("TargetNotFoundException", request.text("ResourceId"))
    tags: list[JsonObject] = [{"Key": key, "Value": value} for key, value in member.tags.items()]
    return _listed(organization, request, "Tags", tags)


def _listed(
    organization: Organization, request: Structure, member: str, items: Sequence[JsonObject]
) -> JsonObject:
    """Returns a page. Where the scenario has empty pages, one comes before each page with items:
    AWS documents that a page may hold nothing and still lead on."""
    token = request.optional("NextToken")
    if organization.scenario.empty_pages and (token is None or not token.startswith("+")):
        return {member: [], "NextToken": f"+{token or ''}"}
    start = (token or "").removeprefix("+")
    members = {**request.members, "NextToken": start}
    query = Structure({name: value for name, value in members.items() if value})
    shown, more = page(items, query, usual=_PAGE, names=UPPER)
    return {member: shown, **more}


def _missing(code: str, noun: str) -> AwsError:
    return AwsError(code, f"You specified {noun}, which doesn't exist.")


_Operation: TypeAlias = Callable[[Organization, Structure], JsonObject]
_OPERATIONS: Final[dict[str, _Operation]] = {
    "DescribeOrganization": _describe_organization,
    "DescribeOrganizationalUnit": _describe_unit,
    "ListAccounts": _list_accounts,
    "ListAccountsForParent": _list_accounts_of,
    "ListOrganizationalUnitsForParent": _list_units,
    "ListParents": _list_parents,
    "ListRoots": _list_roots,
    "ListTagsForResource": _list_tags,
}
