"""A set of grants that is asked many times: one look-up each, however many grants there are.

A statement of 100 principals and 100 resources is 20,000 grants in one policy. To compare each
with every other takes seconds; by account and action, each meets a few prefixes only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from fleet_repl.grants.model import Grant
from fleet_repl.names import AccountId
from fleet_repl.prefixes import NOTHING, Prefixes, covers_at_once, reduce


class GrantIndex:
    """The prefixes of grants by account and action."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        found: dict[tuple[AccountId, str], list[str]] = defaultdict(list)
        for source, prefix, action in grants:
            found[source, action].append(prefix)
        self._prefixes: Mapping[tuple[AccountId, str], Prefixes] = {
            key: reduce(prefixes) for key, prefixes in found.items()
        }

    def __iter__(self) -> Iterator[tuple[AccountId, str]]:
        """The accounts and actions that there are grants for."""
        return iter(self._prefixes)

    def prefixes(self, source: AccountId, action: str) -> Prefixes:
        """What an account may do one thing with."""
        return self._prefixes.get((source, action), NOTHING)

    def covers(self, grant: Grant) -> bool:
        """Whether the grants give all that one gives."""
        return covers_at_once(self.prefixes(grant.source, grant.action), grant.prefix)
