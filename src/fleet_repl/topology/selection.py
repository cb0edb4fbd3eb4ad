"""Selection: the part of a fleet that a command may change, as its flags name it.

A flag that names nothing is an error: a typing slip must neither widen nor empty the scope.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.inventory import Account, External, Inventory
from fleet_repl.inventory.suggestions import Guesser
from fleet_repl.topology.index import registries
from fleet_repl.values.errors import SelectionError
from fleet_repl.values.names import Region, Registry
from fleet_repl.values.text import joined, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Alternatives per flag; the flags that are given must all match. Empty: everything."""

    accounts: tuple[str, ...] = ()
    """Ids or names."""
    labels: tuple[tuple[str, str], ...] = ()
    """Key and value."""
    regions: tuple[str, ...] = ()


EVERYTHING: Final = Selection()
"""The selection that narrows nothing."""


def select(
    inventory: Inventory, selection: Selection, *, with_unknown: bool = False
) -> frozenset[Registry]:
    """The managed registries that `selection` names. `with_unknown`: and one of each account that
    has not said which regions it has enabled.

    Raises SelectionError, with a line for every part of it that names nothing.
    """
    if with_unknown:
        inventory = _with_unknown(inventory, selection)
    known = {str(region) for account in inventory.accounts for region in account.regions}
    faults = [
        *_account_faults(inventory, selection.accounts),
        *_label_faults(inventory, selection.labels),
        *_unknown_names(selection.regions, known, "no account lists the region"),
    ]
    if faults:
        raise SelectionError("\n".join(faults))
    selected = frozenset(_matching(inventory, selection))
    if selected:
        return selected
    if selection == EVERYTHING:
        raise SelectionError(
            "the fleet has no registry: no account has said which regions it has enabled\n    "
            f"fleet-repl doctor {shlex.quote(inventory.path)} tells why"
        )
    raise SelectionError("no registry is of these accounts, labels and regions together")


def _with_unknown(inventory: Inventory, selection: Selection) -> Inventory:
    """The inventory with a region of each account that has not said any: one that is asked for, or
    one that every account has."""
    known = {region for account in inventory.accounts for region in account.regions}
    asked = (Region(region) for region in selection.regions if region in known)
    region = next(asked, inventory.aws.partition.first_region)
    accounts = (
        replace(account, regions=(region,))
        if account.asks_regions and not (account.regions or account.retired)
        else account
        for account in inventory.accounts
    )
    return replace(inventory, accounts=tuple(accounts))


def find_registry(inventory: Inventory, text: str) -> Registry:
    """The registry, managed or external, that `ACCOUNT/REGION` names, the account by id or name.
    Raises SelectionError, with what would be right."""
    listed: tuple[Account | External, ...] = (*inventory.accounts, *inventory.externals)
    name, slash, region = text.rpartition("/")
    if not slash:
        raise SelectionError(f"{quoted(text)} is no registry: write ACCOUNT/REGION")
    known = [known for account in listed for known in (account.id, account.name)]
    if faults := [*_unknown_names([name], known, "no account is called")]:
        raise SelectionError("\n".join(faults))
    account = next(account for account in listed if name in (account.id, account.name))
    if region not in account.regions:
        regions = joined(account.regions) if account.regions else "none"
        raise SelectionError(
            f"account {quoted(name)} lists no region {quoted(region)}, but {regions}"
        )
    return Registry(account.id, Region(region))


def check_labels(inventory: Inventory, labels: Sequence[tuple[str, str]]) -> None:
    """Raises SelectionError, with a line for every label that no account has."""
    faults = [*_label_faults(inventory, labels)]
    if faults:
        raise SelectionError("\n".join(faults))


def selected_accounts(inventory: Inventory, selection: Selection) -> tuple[Account, ...]:
    """The accounts that `selection` names by name, id or label, whatever their regions are."""
    names, labels = frozenset(selection.accounts), selection.labels
    return tuple(
        account
        for account in inventory.accounts
        if (not names or account.id in names or account.name in names)
        and (not labels or any(account.labels.get(key) == value for key, value in labels))
    )


def _matching(inventory: Inventory, selection: Selection) -> Iterator[Registry]:
    regions = frozenset(selection.regions)
    accounts = {account.id for account in selected_accounts(inventory, selection)}
    for registry in registries(inventory):
        if registry.account in accounts and (not regions or registry.region in regions):
            yield registry


def _account_faults(inventory: Inventory, texts: Sequence[str]) -> Iterator[str]:
    known = {text for account in inventory.accounts for text in (account.id, account.name)}
    external = {text for account in inventory.externals for text in (account.id, account.name)}
    for text in texts:
        if text in external:
            yield f"account {quoted(text)} is external: nothing of it is managed here"
    unknown = [text for text in texts if text not in external]
    yield from _unknown_names(unknown, known, "no account is called")


def _label_faults(inventory: Inventory, labels: Sequence[tuple[str, str]]) -> Iterator[str]:
    known = {
        f"{key}={value}" for account in inventory.accounts for key, value in account.labels.items()
    }
    texts = [f"{key}={value}" for key, value in labels]
    yield from _unknown_names(texts, known, "no account has the label")


def _unknown_names(texts: Sequence[str], known: Collection[str], fault: str) -> Iterator[str]:
    """Yields a message for each text that is not in `known`, with a guess at what was meant."""
    unknown = [text for text in texts if text not in known]
    guesser = Guesser(sorted(known) if unknown else ())
    for text in unknown:
        guess = guesser.guess(text)
        meant = f"; did you mean {quoted(guess)}?" if guess else ""
        yield f"{fault} {quoted(text)}{meant}"
