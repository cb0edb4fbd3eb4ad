"""An inventory file → an Inventory, or every problem of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from fleet_repl.inventory.accounts import Account, AccountNames, AccountTable, list_accounts
from fleet_repl.inventory.discovered import Discovery
from fleet_repl.inventory.document import VERSION, Contents, Document, read_contents
from fleet_repl.inventory.findings import SECRET, Findings, KeyPath
from fleet_repl.inventory.freshness import text_digests
from fleet_repl.inventory.kinds import Context
from fleet_repl.inventory.lines import Lines
from fleet_repl.inventory.model import Inventory, Reading
from fleet_repl.inventory.policies import Policies
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.settings import Aws, located
from fleet_repl.inventory.tables import part_of
from fleet_repl.inventory.toml_file import read
from fleet_repl.inventory.variables import fill, holds_reference
from fleet_repl.values import canonical_json as canonical
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import InventoryError
from fleet_repl.values.names import AccountId, Secret


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
    contents = read_contents(filled, findings, policies, routes_required=routes_required)
    document = contents.document
    reading = Reading(
        document=parsed,
        filled=filled,
        routes_required=routes_required,
        defaults=contents.defaults,
        policies=policies.files,
    )
    texts = {path: text} if stdin is None else {}
    inventory = Inventory(
        path=path,
        # The tables allow nothing that JSON has no form for.
        digest=canonical.digest(cast(JsonObject, policies.inlined(parsed))),
        name=document.name,
        aws=part_of(document.aws, Aws),
        accounts=contents.accounts,
        ownership=document.ownership,
        apply=document.apply,
        limits=document.limits,
        state=located(document.state.location, Path(path).parent, shared=document.state.shared),
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
    return _resolved(inventory, contents)


def _resolved(inventory: Inventory, contents: Contents) -> Inventory:
    """The inventory with everything that depends on which accounts there are."""
    document = contents.document
    return replace(
        inventory,
        accounts=contents.accounts,
        externals=contents.externals,
        routes=document.routes,
        templates=contents.templates,
        waves=document.waves,
        safety=document.safety,
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
    contents = read_contents(
        reading.filled,
        findings,
        Policies(inventory.path, findings, reading.policies),
        routes_required=reading.routes_required,
        discovered=(accounts, discovery.regions),
    )
    return replace(_resolved(inventory, contents), discovery=discovery)


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
