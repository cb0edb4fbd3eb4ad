"""The accounts of a fleet for people, and as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from fleet_repl.inventory import Inventory
from fleet_repl.planning.account_facts import AccountFacts
from fleet_repl.planning.discovery import Origin, discovery_warnings
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import add_warnings
from fleet_repl.values.text import counted, day_and_time, timestamp, visible

_COLUMNS = (
    *("id", "name", "state", "regions", "role", "labels"),
    *("id_from", "name_from", "state_from", "regions_from", "labels_from", "joining_until"),
)
_FORMULA = ("=", "+", "-", "@")
"""The first characters that make a spreadsheet calculate a cell."""


def accounts_text(
    inventory: Inventory,
    accounts: Sequence[AccountFacts],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """A block for each account: what it is, and in brackets where each fact comes from."""
    page = Page(full=True)
    registries = sum(len(facts.account.regions) for facts in accounts)
    amounts = f"{counted(len(accounts), 'account')}, {counted(registries, 'registry')}"
    page.add((f"Fleet {inventory.name}: {amounts}", Style.HEADING))
    discovery = inventory.discovery
    if discovery is not None:
        where = "" if discovery.organization is None else f" in {discovery.organization}"
        page.add(f"discovered{where} on {day_and_time(discovery.at)}", indent=1)
    if accounts:
        page.gap()
    names = max((cell_len(visible(facts.account.name)) for facts in accounts), default=0)
    for facts in accounts:
        _add(page, facts, names)
    add_warnings(page, tuple(discovery_warnings(inventory)), 0)
    return page.render(colour=colour, width=width)


def accounts_csv(accounts: Sequence[AccountFacts]) -> str:
    """A line for each account; lists are separated by blanks, and labels spelled `env=prod`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for facts in accounts:
        account = facts.account
        cells = (
            account.id,
            account.name,
            "retired" if account.retired else "active",
            " ".join(account.regions),
            "" if account.role is None else str(account.role),
            _pairs(account.labels),
            facts.listed,
            facts.name,
            facts.state,
            facts.regions,
            _pairs(facts.labels),
            "" if facts.joining_until is None else timestamp(facts.joining_until),
        )
        writer.writerow(map(_cell, cells))
    return file.getvalue()


def _add(page: Page, facts: AccountFacts, names: int) -> None:
    account = facts.account
    name = visible(account.name)
    state: str | tuple[str, Style] = ""
    if account.retired:
        state = f"  retired ({facts.state})", Style.REMOVED
    elif facts.joining_until is not None:
        state = f"  joining until {day_and_time(facts.joining_until)}", Style.CHANGED
    page.add(
        (account.id, Style.HEADING),
        f"  {name}{' ' * (names - cell_len(name))}  ({_sources(facts)})",
        state,
    )
    regions = ", ".join(account.regions) or "none"
    page.add(f"regions  {regions} ({facts.regions})", indent=1)
    labels = (
        f"{label}={value} ({facts.labels[label]})"
        for label, value in sorted(account.labels.items())
    )
    if account.labels:
        page.add(f"labels   {', '.join(labels)}", indent=1)


def _sources(facts: AccountFacts) -> str:
    """Returns the origin of the account, and of its name if that is another."""
    if facts.name is facts.listed:
        return facts.listed
    return f"{facts.listed}, name: {facts.name}"


def _pairs(values: Mapping[str, str | Origin]) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(values.items()))


def _cell(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
