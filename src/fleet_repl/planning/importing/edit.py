"""The operator's own file: what importing takes out of it and changes in it.

Comments, order and `${…}` stay. An external id that is spelled out is the one thing that is
changed without need: no output ever shows one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import tomlkit
from tomlkit.items import Whitespace

from fleet_repl.inventory import Account, Inventory

REMARK: Final = "Imported by fleet-repl: "
"""The prefix of the comments of an import."""

_Table: TypeAlias = MutableMapping[str, Any]

_EARLIER_REMARKS: Final = re.compile(rf"(?m)^# {REMARK}.*\n(?:#.*\n?)*\n*")
_NO_VARIABLE: Final = re.compile(r"[^A-Za-z0-9_]")
_REFERENCES: Final = re.compile(r"(?:\$\{[A-Za-z_][A-Za-z0-9_]*\})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The rest of a file, for tables to be appended to."""

    text: str
    ownership: Mapping[str, str | bool]
    """The content of [ownership], where the file has no such table."""
    notes: tuple[str, ...]
    """Further changes, and what to do about them."""


def edited(text: str, before: Inventory, after: Inventory) -> Edited:
    """`text` is the file that `before` was read from; routes and externals are taken out."""
    document = tomlkit.parse(_EARLIER_REMARKS.sub("", text.replace("\r\n", "\n")))
    notes = tuple(_without_secrets(document))
    for key in ("routes", "external"):
        _take_out(document, key)
    tables = document.get("accounts", ())
    for account, table in zip(after.accounts, tables, strict=False):
        table.pop("rules", None)
        if account.rules == "additive":
            table["rules"] = "additive"
    _list_additive(document, after.accounts[len(tables) :])
    ownership = _ownership(before, after)
    if "ownership" in document:
        document["ownership"].pop("rules", None)
        document["ownership"].update(ownership)
        if not document["ownership"]:
            _take_out(document, "ownership", with_remark=True)
        ownership = {}
    if not after.routes:
        document["routes"] = tomlkit.array()
    return Edited(text=tomlkit.dumps(document).rstrip(), ownership=ownership, notes=notes)


def _list_additive(document: tomlkit.TOMLDocument, discovered: Sequence[Account]) -> None:
    """Add entries for accounts that the file does not list, and whose rules are not all its own."""
    for account in discovered:
        if account.rules == "additive":
            table = tomlkit.table()
            table.update({"id": str(account.id), "rules": "additive"})
            document.setdefault("accounts", tomlkit.aot()).append(table)


def _take_out(document: tomlkit.TOMLDocument, key: str, *, with_remark: bool = False) -> None:
    """Comments at the end of a table are about what comes next, and stay. `with_remark`: so the
    comment right above the table goes, which is about it."""
    if key not in document:
        return
    places = (at for at, (name, _) in enumerate(document.body) if name and name.key == key)
    place, tables = next(places), _tables(document[key])
    comments = "".join(_last_comments(f"\n{table.as_string()}") for table in tables)
    document.pop(key)
    if with_remark:
        _take_out_remark(document.body, place)
    if comments:
        document.body[place] = (None, Whitespace(comments))


def _take_out_remark(body: list[Any], end: int) -> None:
    """Take out the comment lines that stand last before `end`. They belong to the table above."""
    for at in range(end - 1, -1, -1):
        item = body[at][1]
        if isinstance(item, tomlkit.items.Comment):
            body[at] = (None, Whitespace(""))
            continue
        if at == end - 1 and (tables := _tables(item)):
            within = tables[-1].value.body
            _take_out_remark(within, len(within))
        return


def _tables(value: Any) -> list[Any]:  # noqa: ANN401 - whatever TOML can hold
    if isinstance(value, tomlkit.items.AoT):
        return list(value)
    return [value] if isinstance(value, tomlkit.items.Table) else []


def _last_comments(text: str) -> str:
    """The comment lines that a text ends in, after a blank line, and what separates them from the
    next table."""
    _, blank, comments = text.rstrip().rpartition("\n\n")
    lines = comments.splitlines()
    separating = text[len(text.rstrip()) :] or "\n"
    return comments + separating if blank and all(line.startswith("#") for line in lines) else ""


def _ownership(before: Inventory, after: Inventory) -> dict[str, str | bool]:
    """Only what differs: whatever else a file says stays."""
    now: dict[str, str | bool] = {
        "grants": after.ownership.grants,
        "create_repositories": after.ownership.create_repositories,
    }
    return {key: value for key, value in now.items() if value != getattr(before.ownership, key)}


def _without_secrets(document: _Table) -> Iterator[str]:
    """Put a variable wherever an external id is spelled out; what to set it to."""
    tables = {"FLEET_EXTERNAL_ID": document.get("aws", {})}
    for table in document.get("accounts", ()):
        tables[f"EXTERNAL_ID_{_NO_VARIABLE.sub('_', table['id'])}"] = table
    for name, table in tables.items():
        # One that is variables and nothing else shows nothing.
        if "external_id" in table and not _REFERENCES.fullmatch(str(table["external_id"])):
            table["external_id"] = f"${{{name}}}"
            yield (
                f"an external id that the file spells out is a variable here, because none is "
                f"ever shown: set {name} to it, or write it back"
            )
