"""The order in which the registries of many accounts are read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, islice
from operator import attrgetter

from fleet_repl.values.names import Registry


def with_sessions_ahead(registries: Sequence[Registry], early: int) -> list[Registry]:
    """Registries that are sorted by account, with the first registry of each account about `early`
    registries early, as many as are read beside it. It has the account's session assumed, for which
    all others of the account would have to wait.

    Example: A1 A2 B1 B2 C1 C2, two regions of three accounts, becomes A1 B1 A2 C1 B2 C2 where two
    are read at a time, and stays as it is where one is.
    """
    groups = [list(group) for _, group in groupby(registries, attrgetter("account"))]
    firsts = iter([first for first, *_ in groups])
    order = [*islice(firsts, -(-early * len(groups) // max(1, len(registries))))]
    for _, *others in groups:
        order += [*islice(firsts, 1), *others]
    return order
