"""The texts by which the operator's file names accounts, labels and regions.

A text that refers to the environment, such as `${ACCOUNT}`, stays a reference: an import never
writes the value that was filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from fleet_repl.inventory import Account, External, Inventory
from fleet_repl.inventory.variables import holds_reference
from fleet_repl.values.names import AccountId, Region

_Named = TypeVar("_Named")


class FileTexts:
    """The texts as they stand in one file. `document` is the parsed file with its references."""

    def __init__(self, inventory: Inventory, document: Mapping[str, object]) -> None:
        self._ids: dict[AccountId, str] = {}
        self._names: dict[AccountId, str] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._regions: dict[Region, str] = {}
        tables = list(_tables(document.get("accounts")))
        others = _tables(document.get("external"))
        # Accounts that were discovered come after those that the file lists.
        in_file = inventory.accounts[: len(tables)]
        listed: tuple[Account | External, ...] = (*in_file, *inventory.externals)
        for entry, table in zip(listed, (*tables, *others), strict=True):
            _learn(self._ids, entry.id, table.get("id"))
            _learn(self._names, entry.id, table.get("name"))
        shared = _table(document.get("aws")).get("regions")
        for account, table in zip(in_file, tables, strict=True):
            texts = table.get("regions", shared)
            if isinstance(texts, list) and len(texts) == len(account.regions):
                for region, text in zip(account.regions, texts, strict=True):
                    _learn(self._regions, region, text)
            for label, text in _table(table.get("labels")).items():
                _learn(self._labels, (label, account.labels[label]), text)

    def id(self, account: AccountId) -> str:
        return self._ids.get(account, account)

    def account(self, account: AccountId) -> str:
        """The text by which selectors name an account: its name if it has one, otherwise its id."""
        return self._names.get(account, self.id(account))

    def value(self, label: str, value: str) -> str:
        return self._labels.get((label, value), value)

    def region(self, region: Region) -> str:
        return self._regions.get(region, region)


def _learn(texts: dict[_Named, str], named: _Named, text: object) -> None:
    """Keeps the text for `named`. A plain text replaces a reference that stands for the same."""
    if isinstance(text, str) and (named not in texts or holds_reference(texts[named])):
        texts[named] = text


def _tables(value: object) -> Iterable[Mapping[str, object]]:
    return map(_table, value if isinstance(value, list) else ())


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
