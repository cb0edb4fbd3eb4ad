"""The whole file: all its tables as one table, and the Inventory that is made of them.

Read, fill in, then each table; all problems are collected on the way. Calls nothing and shows
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, BinaryIO, Final, TypeAlias, cast

from fleet_repl.inventory.accounts import (
    Account,
    AccountDefaults,
    AccountNames,
    AccountTable,
    External,
    list_accounts,
)
from fleet_repl.inventory.acknowledgements import WarningsTable
from fleet_repl.inventory.discovered import Discovery
from fleet_repl.inventory.fields import FleetName, check_names
from fleet_repl.inventory.findings import MISSING, SECRET, Findings, KeyPath
from fleet_repl.inventory.freshness import text_digests
from fleet_repl.inventory.kinds import Context, number
from fleet_repl.inventory.lines import Lines
from fleet_repl.inventory.model import Inventory, Reading
from fleet_repl.inventory.organization import Organization, check_organization
from fleet_repl.inventory.policies import Policies
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.routes import Route
from fleet_repl.inventory.safety import Safety, Wave, check_waves
from fleet_repl.inventory.settings import (
    Apply,
    Aws,
    AwsTable,
    Limits,
    Ownership,
    StateTable,
    check_session_tags,
    located,
)
from fleet_repl.inventory.tables import Table, columns, part_of, read_table
from fleet_repl.inventory.templates import Template, TemplateTable, resolve_templates
from fleet_repl.inventory.toml_file import read
from fleet_repl.inventory.variables import fill, holds_reference
from fleet_repl.values import canonical_json as canonical
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.names import AccountId, Partition, Region, Secret

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
        metadata={"missing": "write routes = [] if nothing shall replicate"}
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


def parse(
    text_path: str | Path,
    *,
    environ: Mapping[str, str],
    routes_required: bool = True,
    secrets_required: bool = True,
    stdin: BinaryIO | None = None,
) -> Inventory:
    """Read and check an inventory file; `${NAME}` in its values is looked up in `environ`.

    With `stdin` it is read from there, and `text_path` only names it: what it says of other
    files and folders is seen from the folder of that path.

    Without `routes_required` a file may have no `routes` at all. That says nothing about what
    shall replicate: its inventory is good for looking at a fleet, and not for plans. Without
    `secrets_required` external ids may be missing whose variables are not set: `unset` of the
    inventory has them.

    Raises InventoryError, whose `problems` name everything wrong with the file, by line. Whether
    its routes match anything is for `topology` to say.
    """
    path = str(text_path)
    text, parsed = read(path, stdin)
    findings = Findings(path, parsed, lines := Lines(text))
    _check_version(parsed, findings)
    filled = parsed
    if holds_reference(text):
        filled = fill(parsed, environ, findings, secrets_required=secrets_required)
    policies = Policies(path, findings)
    contents = _read(filled, findings, policies, routes_required=routes_required)
    document = contents.document
    reading = Reading(
        document=parsed,
        filled=filled,
        routes_required=routes_required,
        defaults=contents.defaults,
        policies=policies.files,
    )
    texts = {path: text} if stdin is None else {}
    return Inventory(
        path=path,
        # The tables allow nothing that JSON has no form for.
        digest=canonical.digest(cast(JsonObject, policies.inlined(parsed))),
        name=document.name,
        aws=part_of(document.aws, Aws),
        accounts=contents.accounts,
        externals=contents.externals,
        routes=document.routes,
        templates=contents.templates,
        ownership=document.ownership,
        apply=document.apply,
        limits=document.limits,
        state=located(document.state.location, Path(path).parent, shared=document.state.shared),
        waves=document.waves,
        safety=document.safety,
        acknowledged=document.warnings.acknowledged,
        organization=document.organization,
        listed=document.accounts if contents.is_discovered else (),
        unset=findings.unset,
        lines=lines,
        text=None if stdin is None else text,
        files=text_digests({**texts, **policies.files}),
        reading=reading if contents.is_discovered else None,
        external_ids=_spelled_external_ids(parsed, document),
    )


def _spelled_external_ids(
    parsed: Mapping[str, object], document: Document
) -> dict[AccountId | None, Secret]:
    """The external ids as the file spells them, by account; under None that of [aws]."""
    accounts = parsed.get("accounts", [])
    tables: list[tuple[AccountId | None, object]] = [(None, parsed.get("aws"))]
    if isinstance(accounts, list):
        tables += zip((account.id for account in document.accounts), accounts, strict=True)
    return {
        account: Secret(spelled)
        for account, table in tables
        if isinstance(table, dict) and isinstance(spelled := table.get(SECRET), str)
    }


def with_discovery(
    inventory: Inventory, accounts: Sequence[AccountTable], discovery: Discovery
) -> Inventory:
    """The inventory of a fleet that was discovered: `accounts` are those of the file, in its order,
    and then those that it does not list.

    Raises InventoryError for what is wrong with the file now that the accounts are known.
    """
    reading = inventory.reading
    if reading is None:
        return inventory
    findings = Findings(inventory.path, reading.document, inventory.lines)
    contents = _read(
        reading.filled,
        findings,
        Policies(inventory.path, findings, reading.policies),
        routes_required=reading.routes_required,
        discovered=(accounts, discovery.regions),
    )
    return replace(
        inventory,
        accounts=contents.accounts,
        externals=contents.externals,
        routes=contents.document.routes,
        templates=contents.templates,
        waves=contents.document.waves,
        safety=contents.document.safety,
        discovery=discovery,
    )


def unlisted_accounts(inventory: Inventory, ids: Iterable[AccountId]) -> tuple[Account, ...]:
    """Accounts that the file does not list, with what [aws] says for all of them; none where no
    accounts are discovered."""
    reading = inventory.reading
    if reading is None or inventory.organization is None:
        return ()
    names = AccountNames(Findings(inventory.path, {}, {}))
    context = Context(regions=Regions(inventory.aws.partition), names=names)
    tables: list[tuple[KeyPath, AccountTable]] = [
        (("organization", account), AccountTable(id=account)) for account in ids
    ]
    return list_accounts(tables, (), reading.defaults, context)[0]


def _check_version(parsed: Mapping[str, object], findings: Findings) -> None:
    """Refuse a file of another version at once, because no other rule here holds for it."""
    version = parsed.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        fault = f"is not known here: this program reads version {VERSION}"
        findings.report(("version",), fault)
        raise InventoryError(findings.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
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


_Discovered: TypeAlias = tuple[Sequence[AccountTable], Mapping[AccountId, tuple[Region, ...]]]
"""Every account of the fleet, those of the file first, and the regions that accounts have."""


def _read(
    filled: Mapping[str, object],
    findings: Findings,
    policies: Policies,
    *,
    routes_required: bool,
    discovered: _Discovered | None = None,
) -> _Contents:
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
    check_names("routes", [route.name for route in document.routes or ()], "route", findings)
    check_session_tags(members.aws.session_tags, findings)
    check_waves(document.waves, findings)
    for index, name in enumerate(ownership.formerly):
        if name == document.name:
            where: KeyPath = ("ownership", "formerly", index)
            findings.report(where, "is the name that the fleet has now")
    templates = resolve_templates(document.templates, policies, findings)
    if findings.problems:
        raise InventoryError(findings.problems)
    return _Contents(
        document=document,
        accounts=accounts,
        externals=externals,
        templates=templates,
        defaults=defaults,
    )


def _accounts(
    members: _Members, defaults: AccountDefaults, context: Context, discovered: _Discovered | None
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
