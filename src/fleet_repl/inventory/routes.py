"""Routes: [[routes]] as core values."""

from __future__ import annotations

import re
from typing import Final

from fleet_repl import limits
from fleet_repl.inventory import schema
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.model import Route, Selector
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.patterns import PREFIX
from fleet_repl.inventory.selectors import Selectors
from fleet_repl.inventory.spelling import quoted
from fleet_repl.inventory.texts import MISSING, check_own_name
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes, reduce

_PREFIX: Final = re.compile(PREFIX)


def tell_missing_routes(findings: Findings) -> None:
    """Leaving them out could be a slip, and would take every link away."""
    findings.tell(("routes",), MISSING, remedy="write routes = [] if nothing shall replicate")


def resolve_routes(
    tables: list[schema.RouteTable] | None, selectors: Selectors, findings: Findings
) -> tuple[Route, ...]:
    """Every route, in the file's order."""
    names: dict[str, KeyPath] = {}
    routes = []
    for index, table in enumerate(tables or []):
        where: KeyPath = ("routes", index)
        check_own_name((*where, "name"), table.name, names, "route", findings)
        routes.append(
            Route(
                name=table.name or "",
                source=_source((*where, "from"), table.source, selectors, findings),
                destination=_destination((*where, "to"), table.to, selectors, findings),
                prefixes=_prefixes((*where, "prefixes"), table.prefixes, findings),
                replicate_deletes=bool(table.replicate_deletes),
                backfill=table.backfill or "off",
            )
        )
    return tuple(routes)


def _source(
    path: KeyPath, table: schema.SelectorTable | None, selectors: Selectors, findings: Findings
) -> Selector:
    if table is not None:
        return selectors.source(path, table)
    findings.tell(path, MISSING, remedy="write from = {} for every registry")
    return Selector()


def _destination(
    path: KeyPath, table: schema.SelectorTable | None, selectors: Selectors, findings: Findings
) -> Selector:
    if table is not None:
        return selectors.destination(path, table)
    findings.tell(path, MISSING, remedy="write to = {} for every registry")
    return Selector()


def _prefixes(path: KeyPath, texts: list[str] | None, findings: Findings) -> Prefixes:
    if texts is None:
        return EVERY_REPOSITORY
    for index, text in enumerate(texts):
        _check_prefix((*path, index), text, findings)
    return reduce(texts)


def _check_prefix(path: KeyPath, text: str, findings: Findings) -> None:
    shortest, longest = limits.FILTER_LENGTH
    if not shortest <= len(text) <= longest:
        findings.tell(path, f"must be {shortest} to {longest} characters long")
    elif _PREFIX.fullmatch(text) is None:
        raw = findings.raw(path)
        bare = raw.rstrip("*") if isinstance(raw, str) else ""
        findings.tell(
            path,
            "is not a prefix that ECR takes",
            remedy=f"write {quoted(bare)}: a prefix needs no *"
            if bare != raw and _PREFIX.fullmatch(bare)
            else "only lower-case letters, digits, single / and . _ - within names",
        )
