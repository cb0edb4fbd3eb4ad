"""The accounts of a fleet as a page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.accounts import AccountsDocument, FleetAccountDocument
from fleet_repl.reports.documents.shared import given, recast
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.model import Block, Fact, Page, Row
from fleet_repl.reports.html.problems import warning_problems
from fleet_repl.reports.html.run_head import mark_tile, tile
from fleet_repl.reports.html.table import table_of
from fleet_repl.values.text import counted

_ACTIVE: Final = Mark(word="active", symbol="●", tone=Tone.GOOD)
_JOINING: Final = Mark(word="joining", symbol="○", tone=Tone.HELD)
_RETIRED: Final = Mark(word="retired", symbol="\N{MINUS SIGN}", tone=Tone.REMOVED)


def accounts_page(document: AccountsDocument) -> Page:
    """Returns the page of the accounts of a fleet."""
    accounts, warnings = document.accounts, document.warnings
    counts = Counter(map(_mark, accounts))
    registries = sum(len(account.regions) for account in accounts)
    warned = Mark(word=counted(len(warnings), "warning"), symbol="!", tone=Tone.CHANGED)
    return Page(
        kind="Accounts",
        fleet=document.fleet,
        status=warned if warnings else Mark(word="listed", symbol="✓", tone=Tone.GOOD),
        sentence=f"{counted(len(accounts), 'account')} with {counted(registries, 'registry')}.",
        facts=tuple(_facts(document)),
        tiles=(
            *(mark_tile(mark, counts[mark], "accounts") for mark in (_ACTIVE, _JOINING, _RETIRED)),
            tile(len(warnings), "warnings", Tone.CHANGED, "about the discovery"),
        ),
        timeline=(),
        problems=tuple(
            warning_problems([recast(warning, Warning) for warning in warnings], acknowledged=0)
        ),
        matrix=None,
        drawing=None,
        table=table_of("account", accounts, lambda account: _mark(account).tone, _row),
    )


def _mark(account: FleetAccountDocument) -> Mark:
    if account.state == "retired":
        return _RETIRED
    return _JOINING if given(account.joining_until) else _ACTIVE


def _facts(document: AccountsDocument) -> Iterator[Fact]:
    if document.organization is not None:
        yield Fact(term="Organization", value=document.organization)
    if document.discovered_at is not None:
        yield Fact(term="Discovered", value=document.discovered_at)


def _row(account: FleetAccountDocument) -> Row:
    mark = _mark(account)
    until = given(account.joining_until)
    return Row(
        mark=mark,
        name=account.name,
        account=account.id,
        region=", ".join(account.regions),
        wave=None,
        summary=f"until {until}" if until else "",
        outcomes=(mark.word,),
        labels=tuple(f"{label}={value}" for label, value in account.labels.items()),
        blocks=(Block(title="The account", facts=tuple(_origins(account))),),
    )


def _origins(account: FleetAccountDocument) -> Iterator[Fact]:
    """Yields where each fact about an account comes from, and the role."""
    origins = account.origins
    yield Fact(term="Role", value=account.role or "none: the base identity")
    for term, origin in (
        ("Listed by", origins.id),
        ("Name from", origins.name),
        ("State from", origins.state),
        ("Regions from", origins.regions),
        *((f"Label {label} from", origin) for label, origin in origins.labels.items()),
    ):
        yield Fact(term=term, value=origin.value)
