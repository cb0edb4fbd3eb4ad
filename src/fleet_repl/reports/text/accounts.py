"""The accounts of a fleet for people."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len

from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.accounts import AccountsDocument, FleetAccountDocument
from fleet_repl.reports.documents.shared import given, recast
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import add_warnings
from fleet_repl.values.text import counted, day_and_time, visible


def accounts_text(
    document: AccountsDocument, *, colour: bool = False, width: int | None = None
) -> str:
    """A block for each account: what it is, and in brackets where each fact comes from."""
    page = Page(full=True)
    accounts = document.accounts
    registries = sum(len(account.regions) for account in accounts)
    amounts = f"{counted(len(accounts), 'account')}, {counted(registries, 'registry')}"
    page.add((f"Fleet {document.fleet}: {amounts}", Style.HEADING))
    if document.discovered_at is not None:
        where = "" if document.organization is None else f" in {document.organization}"
        when = day_and_time(datetime.fromisoformat(document.discovered_at))
        page.add(f"discovered{where} on {when}", indent=1)
    if accounts:
        page.gap()
    names = max((cell_len(visible(account.name)) for account in accounts), default=0)
    for account in accounts:
        _add(page, account, names)
    add_warnings(page, [recast(warning, Warning) for warning in document.warnings], 0)
    return page.render(colour=colour, width=width)


def _add(page: Page, account: FleetAccountDocument, names: int) -> None:
    name, origins = visible(account.name), account.origins
    state: str | tuple[str, Style] = ""
    if account.state == "retired":
        state = f"  retired ({origins.state})", Style.REMOVED
    elif joining_until := given(account.joining_until):
        until = day_and_time(datetime.fromisoformat(joining_until))
        state = f"  joining until {until}", Style.CHANGED
    page.add(
        (account.id, Style.HEADING),
        f"  {name}{' ' * (names - cell_len(name))}  ({_sources(account)})",
        state,
    )
    page.add(f"regions  {', '.join(account.regions) or 'none'} ({origins.regions})", indent=1)
    labels = (
        f"{label}={value} ({origins.labels[label]})" for label, value in account.labels.items()
    )
    if account.labels:
        page.add(f"labels   {', '.join(labels)}", indent=1)


def _sources(account: FleetAccountDocument) -> str:
    """Returns the origin of the account, and of its name if that is another."""
    origins = account.origins
    return origins.id if origins.name is origins.id else f"{origins.id}, name: {origins.name}"
