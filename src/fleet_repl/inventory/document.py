"""The whole file: all its tables as one table, and what they hold once accounts are resolved.

All problems are collected on the way. Calls nothing and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Final, TypeAlias

from fleet_repl.inventory.accounts import (
    Account,
    AccountDefaults,
    AccountNames,
    AccountTable,
    External,
    list_accounts,
)
from fleet_repl.inventory.acknowledgements import WarningsTable
from fleet_repl.inventory.fields import FleetName
from fleet_repl.inventory.findings import MISSING, Findings, KeyPath
from fleet_repl.inventory.kinds import Context, number
from fleet_repl.inventory.organization import Organization, check_organization
from fleet_repl.inventory.policies import Policies
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.routes import Route, check_routes
from fleet_repl.inventory.safety import Safety, Wave, check_waves
from fleet_repl.inventory.settings import (
    Apply,
    AwsTable,
    Limits,
    Ownership,
    StateTable,
    check_session_tags,
)
from fleet_repl.inventory.tables import Table, columns, read_table
from fleet_repl.inventory.templates import Template, TemplateTable, resolve_templates
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.names import AccountId, Partition, Region

VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Members(Table):
    """The keys that are read first, because selectors name accounts."""

    version: Annotated[int, number(VERSION, VERSION)] = field(
        metadata={"missing": f"write version = {VERSION} at the top"}
    )
    """The version of this format: 1."""
    name: FleetName = field(metadata={"missing": 'give the fleet a name: name = "prod"'})
    """The fleet's name: in session names, statement ids, reports and paths."""
    aws: AwsTable = field(default_factory=AwsTable)
    """How AWS is reached, and defaults for every account."""
    accounts: tuple[AccountTable, ...] = field(
        default=(), metadata={"json_schema_extra": {"minItems": 1}}
    )
    """The accounts whose registries are managed; with [organization], what is different for some of
    them."""
    external: tuple[External, ...] = ()
    """Accounts that may receive images but are not managed."""
    organization: Organization | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(_Members):
    """Which registries a fleet has, how to reach them, and what must replicate where. In any
    text ${NAME} is read from the environment, and $${ is a literal ${."""

    # Leaving them out could be a slip, and would take every link away.
    routes: tuple[Route, ...] = field(
        metadata={
            "missing": "write one under [[routes]], or routes = [] if nothing shall replicate"
        }
    )
    """What replicates where. An empty list says that nothing shall replicate."""
    templates: tuple[TemplateTable, ...] = ()
    """What ECR gives to repositories that it creates itself."""
    ownership: Ownership = field(default_factory=Ownership)
    waves: tuple[Wave, ...] = field(default=(), metadata={"min_length": 1})
    """In which order registries are written."""
    safety: Safety = field(default_factory=Safety)
    warnings: WarningsTable = field(default_factory=WarningsTable)
    apply: Apply = field(default_factory=Apply)
    state: StateTable = field(default_factory=StateTable)
    limits: Limits = field(default_factory=Limits)


def json_schema() -> JsonObject:
    """The schema (draft 2020-12) of the document that a TOML parser makes of an inventory.

    Looser than `parse`: a value with `${` in it passes, and nothing is compared across keys.
    """
    from fleet_repl.inventory.editor_schema import schema_of  # noqa: PLC0415 - only editors ask

    schema = schema_of(Document, f"fleet-repl inventory, version {VERSION}")
    return {**schema, "anyOf": [{"required": [key]} for key in ("accounts", "organization")]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The content of a file."""

    document: Document
    accounts: tuple[Account, ...]
    externals: tuple[External, ...]
    templates: tuple[Template, ...]
    defaults: AccountDefaults

    @property
    def is_discovered(self) -> bool:
        """Returns whether accounts or regions have to be asked for."""
        asking = any(account.asks_regions for account in self.accounts)
        return asking or self.document.organization is not None


Discovered: TypeAlias = tuple[Sequence[AccountTable], Mapping[AccountId, tuple[Region, ...]]]
"""Every account of the fleet, those of the file first, and the regions that accounts have."""


def read_contents(
    filled: Mapping[str, object],
    findings: Findings,
    policies: Policies,
    *,
    routes_required: bool,
    discovered: Discovered | None = None,
) -> Contents:
    """The tables of the file, its accounts resolved. Raises InventoryError."""
    context = Context(regions=Regions(_partition(filled)), names=AccountNames(findings))
    keys = columns(_Members)
    members = read_table(
        _Members, {key: value for key, value in filled.items() if key in keys}, findings, context
    )
    ownership = read_table(
        Ownership, filled.get("ownership", {}), findings, context, path=("ownership",)
    )
    defaults = AccountDefaults(
        aws=members.aws, rules=ownership.rules, enabled={} if discovered is None else discovered[1]
    )
    accounts, externals = _accounts(members, defaults, context, discovered)
    known = {column.name: getattr(members, column.name) for column in fields(members)}
    known["ownership"] = ownership
    if not routes_required and "routes" not in filled:
        known["routes"] = ()
    document = read_table(Document, {**filled, **known}, findings, context)
    _check(document, members, ownership, findings)
    templates = resolve_templates(document.templates, policies, findings)
    if findings.problems:
        raise InventoryError(findings.problems)
    return Contents(
        document=document,
        accounts=accounts,
        externals=externals,
        templates=templates,
        defaults=defaults,
    )


def _check(document: Document, members: _Members, ownership: Ownership, findings: Findings) -> None:
    """Report what tables that are right by themselves have wrong together."""
    check_routes(document.routes or (), findings)
    check_session_tags(members.aws.session_tags, findings)
    check_waves(document.waves, findings)
    for index, name in enumerate(ownership.formerly):
        if name == document.name:
            where: KeyPath = ("ownership", "formerly", index)
            findings.report(where, "is the name that the fleet has now")


def _accounts(
    members: _Members, defaults: AccountDefaults, context: Context, discovered: Discovered | None
) -> tuple[tuple[Account, ...], tuple[External, ...]]:
    """The accounts of the fleet and the external ones. Before accounts are discovered, any name may
    be that of one."""
    findings, organization = context.names.findings, members.organization
    tables = (members.accounts or ()) if discovered is None else discovered[0]
    in_file = range(len(members.accounts or ()))
    places: Iterator[KeyPath] = (("accounts", index) for index in in_file)
    placed = [(next(places, ("organization", table.id)), table) for table in tables]
    context.names.discovered = organization is not None and discovered is not None
    listed = list_accounts(placed, members.external, defaults, context)
    if organization is not None:
        partition = context.regions.partition
        check_organization(organization, listed[0], members.aws, findings, partition)
        if discovered is None:
            context.names.add_unread()
    elif not tables and findings.raw(("organization",)) is None:
        missing = findings.raw(("accounts",)) is None
        remedy = "list each account under [[accounts]]" if missing else None
        findings.report(("accounts",), MISSING if missing else "must not be empty", remedy=remedy)
    return listed


def _partition(filled: Mapping[str, object]) -> Partition | None:
    """The partition; None where the file has a bad partition."""
    aws = filled.get("aws", {})
    written = aws.get("partition", Partition.AWS) if isinstance(aws, dict) else None
    return next((partition for partition in Partition if partition == written), None)
