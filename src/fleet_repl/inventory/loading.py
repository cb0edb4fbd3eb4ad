"""Loading: an inventory file → the frozen core value, or every problem with it at once.

Read, fill in, check the shape, then the meaning; each step goes on with what the one before
could make out. Calls nothing and shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from fleet_repl import canonical
from fleet_repl.errors import InventoryError
from fleet_repl.inventory import schema
from fleet_repl.inventory.account_roles import AccountRoles
from fleet_repl.inventory.accounts import resolve_accounts
from fleet_repl.inventory.acknowledgements import resolve_acknowledged
from fleet_repl.inventory.attachments import Attachments
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.freshness import fingerprints
from fleet_repl.inventory.lines import Lines
from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.reading import read
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.routes import resolve_routes, tell_missing_routes
from fleet_repl.inventory.selectors import Selectors
from fleet_repl.inventory.settings import (
    known_partition,
    resolve_apply,
    resolve_aws,
    resolve_limits,
    resolve_ownership,
    resolve_state,
)
from fleet_repl.inventory.shape import check_shape
from fleet_repl.inventory.templates import resolve_templates
from fleet_repl.inventory.texts import MISSING, check_fleet_name
from fleet_repl.inventory.variables import fill
from fleet_repl.inventory.waves import resolve_safety, resolve_waves

VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    path: str
    text: str
    parsed: Mapping[str, object]
    lines: Mapping[str, int]
    is_kept: bool
    """Whether it can be read again."""


def load(
    text_path: str | Path,
    *,
    environ: Mapping[str, str],
    routes_required: bool,
    secrets_required: bool = True,
    stdin: BinaryIO | None = None,
) -> Inventory:
    """What `parse` of the package gives."""
    text, parsed = read(str(text_path), stdin)
    file = _File(
        path=str(text_path), text=text, parsed=parsed, lines=Lines(text), is_kept=stdin is None
    )
    findings = Findings(file.path, parsed, file.lines)
    _check_version(parsed, findings)
    filled = fill(parsed, environ, findings, secrets_required=secrets_required)
    document = check_shape(filled, findings)
    if routes_required and document.routes is None:
        tell_missing_routes(findings)
    inventory = _resolve(document, file, findings)
    if inventory is None:
        raise InventoryError(findings.problems)
    return inventory


def _check_version(parsed: Mapping[str, object], findings: Findings) -> None:
    """A file of another version is not judged further: nothing known here holds for it."""
    version = parsed.get("version")
    if version is None:
        findings.tell(("version",), MISSING, remedy=f"write version = {VERSION} at the top")
    elif isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        findings.tell(("version",), f"is not known here: this program reads version {VERSION}")
        raise InventoryError(findings.problems)


def _resolve(document: schema.Document, file: _File, findings: Findings) -> Inventory | None:
    """The core value, or None where anything is wrong."""
    name = _fleet_name(document, findings)
    partition = known_partition(document, findings)
    regions = Regions(partition, findings)
    table = document.aws or schema.AwsTable()
    aws, defaults = resolve_aws(table, regions, partition, findings)
    roles = AccountRoles(defaults.role, partition, findings)
    listing = resolve_accounts(document, defaults, roles, regions, findings)
    selectors = Selectors(listing, regions, findings)
    routes = resolve_routes(document.routes, selectors, findings)
    attachments = Attachments(file.path, findings)
    templates = resolve_templates(document.templates, selectors, partition, attachments, findings)
    waves = resolve_waves(document.waves, selectors, findings)
    safety = resolve_safety(document.safety, selectors, findings)
    acknowledged = resolve_acknowledged(
        document.warnings.acknowledged if document.warnings else None, findings
    )
    apply = resolve_apply(document.apply or schema.ApplyTable(), findings)
    ownership = resolve_ownership(document.ownership or schema.OwnershipTable(), name, findings)
    state = resolve_state(document.state or schema.StateTable(), file.path, findings)
    if findings.problems:
        return None
    return Inventory(
        path=file.path,
        # The shape allows nothing that JSON has no form for.
        digest=canonical.digest(cast(canonical.JsonObject, attachments.inlined(file.parsed))),
        name=name,
        aws=aws,
        accounts=listing.accounts,
        externals=listing.externals,
        routes=routes,
        templates=templates,
        ownership=ownership,
        apply=apply,
        limits=resolve_limits(document.limits or schema.LimitsTable()),
        state=state,
        waves=waves,
        safety=safety,
        acknowledged=acknowledged,
        unset=findings.unset,
        lines=file.lines,
        text=None if file.is_kept else file.text,
        files=fingerprints(
            {**({file.path: file.text} if file.is_kept else {}), **attachments.files}
        ),
    )


def _fleet_name(document: schema.Document, findings: Findings) -> str:
    name = document.name or ""
    if document.name is None:
        findings.tell(("name",), MISSING, remedy='give the fleet a name: name = "prod"')
    else:
        check_fleet_name(("name",), name, findings)
    return name
