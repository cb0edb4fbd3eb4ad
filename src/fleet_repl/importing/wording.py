"""How the operator's file spells what routes refer to: accounts, labels and regions.

What it reads from the environment stays a reference: nothing that was filled in is written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from fleet_repl.inventory import Account, External, Inventory
from fleet_repl.inventory.variables import holds_reference
from fleet_repl.names import AccountId, Region

_Known = TypeVar("_Known")


class Wording:
    """The texts of one file, as they stand in it. `document` is the parsed file, not filled in."""

    def __init__(self, inventory: Inventory, document: Mapping[str, object]) -> None:
        self._ids: dict[AccountId, str] = {}
        self._names: dict[AccountId, str] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._regions: dict[Region, str] = {}
        tables = tuple(_tables(document.get("accounts")))
        self._learn_names(inventory.accounts, tables)
        self._learn_names(inventory.externals, tuple(_tables(document.get("external"))))
        shared = _table(document.get("aws")).get("regions")
        for account, table in zip(inventory.accounts, tables, strict=True):
            self._learn_regions(account.regions, table.get("regions", shared))
            for label, raw in _table(table.get("labels")).items():
                _prefer(self._labels, (label, account.labels[label]), raw)

    def id(self, account: AccountId) -> str:
        """An account's id."""
        return self._ids.get(account, account)

    def account(self, account: AccountId) -> str:
        """What selectors call an account: its name, if it has one."""
        return self._names.get(account, self.id(account))

    def value(self, label: str, value: str) -> str:
        return self._labels[label, value]

    def region(self, region: Region) -> str:
        return self._regions.get(region, region)

    def _learn_names(
        self, accounts: Sequence[Account | External], tables: Sequence[Mapping[str, object]]
    ) -> None:
        for account, table in zip(accounts, tables, strict=True):
            _prefer(self._ids, account.id, table.get("id"))
            _prefer(self._names, account.id, table.get("name"))

    def _learn_regions(self, regions: Sequence[Region], raw: object) -> None:
        if isinstance(raw, list) and len(raw) == len(regions):
            for region, text in zip(regions, raw, strict=True):
                _prefer(self._regions, region, text)


def _prefer(known: dict[_Known, str], what: _Known, text: object) -> None:
    """A plain text rather than a reference that comes to the same."""
    if isinstance(text, str) and (what not in known or holds_reference(known[what])):
        known[what] = text


def _tables(value: object) -> Iterable[Mapping[str, object]]:
    return map(_table, value if isinstance(value, list) else ())


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
