"""Near misses: what a selector almost matches, and why a selector matches nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from fleet_repl.inventory import Inventory, Match, Selector
from fleet_repl.inventory.suggestions import closest
from fleet_repl.topology.index import Fleet
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted, quoted

COMPARE: Final = "compare its conditions with the labels and regions of the accounts"
_MOST_GUESSED: Final = 1_000
"""With more known values than this, no guess is made: it would take too long."""


def near_misses(
    fleet: Fleet, selector: Selector, within: Collection[AccountId] | None = None
) -> tuple[str, ...]:
    """Returns sentences about near matches of the selector; `within`: in these accounts."""
    match = selector.match
    accounts = {*fleet.managed(match), *fleet.named_externals(match)}
    if within is not None:
        accounts.intersection_update(within)
    missed = [*_labels(fleet, match), *_named(fleet, match)]
    if not accounts and not missed:
        missed.append("no account has all of this together")
    exclude = selector.exclude
    without = fleet.matched(exclude) if exclude and exclude.regions is None else ()
    kept = accounts.difference(without)
    if accounts and not kept:
        missed.append(f"`not` takes away all {len(accounts):,} that match")
    return (*missed, *_regions(fleet, match, kept))


def unmatched(key: str, selector: Selector, inventory: Inventory, fleet: Fleet) -> Problem:
    """Returns the problem with a selector that matches nothing, written at `key`. An empty match is
    always a mistake: it never means "all"."""
    return unmatched_because(key, near_misses(fleet, selector), inventory)


def unmatched_because(key: str, misses: Sequence[str], inventory: Inventory) -> Problem:
    """Returns the problem of a selector that matches nothing, with sentences about near matches."""
    reasons = f": {'; '.join(misses)}" if misses else ""
    return inventory.problem(key, f"matches no registry{reasons}", COMPARE)


def _labels(fleet: Fleet, match: Match) -> Iterator[str]:
    """Yields the labels and values that no account has. Most are typing mistakes."""
    for label, values in sorted(match.labels.items()):
        known = fleet.labels.get(label)
        if known is None:
            yield f"no account has a label {_key(label)}{_guess(label, fleet.labels)}"
            continue
        for value in sorted(values - known.keys()):
            yield f"no account has {_key(label)} = {quoted(value)}{_guess(value, known)}"


def _named(fleet: Fleet, match: Match) -> Iterator[str]:
    """Yields how many accounts are named but lack the labels that are asked for."""
    if match.accounts is None or not match.labels:
        return
    lacking = match.accounts - {*fleet.managed(match)}
    if lacking:
        verb = "is" if len(lacking) == 1 else "are"
        yield f"{counted(len(lacking), 'account')} {verb} named but without these labels"


def _regions(fleet: Fleet, match: Match, accounts: Collection[AccountId]) -> Iterator[str]:
    """Yields the regions that accounts would have to list in order to match."""
    for region in sorted(match.regions or ()):
        if region not in fleet.regions:
            yield f"no account lists {region}{_guess(region, fleet.regions)}"
        elif lacking := sum(
            all(registry.region != region for registry in fleet.registries[account])
            for account in accounts
        ):
            verbs = "matches but lists" if lacking == 1 else "match but list"
            yield f"{counted(lacking, 'account')} {verbs} no {region}"


def _guess(text: str, known: Collection[str]) -> str:
    guess = closest(text, known) if len(known) <= _MOST_GUESSED else None
    return f" (did you mean {quoted(guess)}?)" if guess else ""


def _key(label: str) -> str:
    return label if label.isidentifier() and label.isascii() else quoted(label)
