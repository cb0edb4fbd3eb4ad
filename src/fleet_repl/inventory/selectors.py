"""Selectors: `from`, `to` and `not` as core values.

An account that is listed nowhere is a problem: a typing slip must not send images to a stranger.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleet_repl.inventory import schema
from fleet_repl.inventory.accounts import Listing
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.guessing import Guesser
from fleet_repl.inventory.model import Match, Selector
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.spelling import quoted
from fleet_repl.names import AccountId


class Selectors:
    """Resolves selectors against the accounts of one inventory."""

    def __init__(self, listing: Listing, regions: Regions, findings: Findings) -> None:
        self._listing = listing
        self._regions = regions
        self._findings = findings
        self._externals = frozenset(one.id for one in listing.externals)
        self._guesser: Guesser | None = None

    def source(self, path: KeyPath, table: schema.SelectorTable) -> Selector:
        """`from`: managed registries only, and nothing to be the same as."""
        return self._managed(path, table, "is an external account, and those only receive images")

    def select(self, path: KeyPath, table: schema.SelectorTable) -> Selector:
        """`select`: the same, for what the fleet does to registries."""
        return self._managed(path, table, "is an external account, and nothing of it is managed")

    def destination(self, path: KeyPath, table: schema.SelectorTable) -> Selector:
        """`to`: managed and external registries."""
        return Selector(
            match=self._match(path, table),
            exclude=self._exclude(path, table),
            same_account=bool(table.same_account),
            same_region=bool(table.same_region),
        )

    def _managed(self, path: KeyPath, table: schema.SelectorTable, no_externals: str) -> Selector:
        for key, given in (
            ("same_account", table.same_account),
            ("same_region", table.same_region),
        ):
            if given:
                self._findings.tell((*path, key), "means the source's, so it belongs in `to`")
        match = self._match(path, table)
        for where, text in self._each(path, "accounts", table.accounts):
            if self._listing.meant_by.get(text) in self._externals:
                self._findings.tell(where, no_externals)
        return Selector(match=match, exclude=self._exclude(path, table))

    def _exclude(self, path: KeyPath, table: schema.SelectorTable) -> Match | None:
        if table.exclude is None:
            return None
        path = (*path, "not")
        match = self._match(path, table.exclude)
        if match == Match() and not self._findings.about(path):
            self._findings.tell(
                path,
                "takes every registry away, because it has no condition",
                remedy="give it accounts, labels or regions, or leave it out",
            )
        return match

    def _match(self, path: KeyPath, table: schema.MatchTable) -> Match:
        accounts = [self._account(*one) for one in self._each(path, "accounts", table.accounts)]
        regions = [self._regions.one(*one) for one in self._each(path, "regions", table.regions)]
        return Match(
            accounts=None if table.accounts is None else frozenset(filter(None, accounts)),
            labels={key: frozenset(values) for key, values in (table.labels or {}).items()},
            regions=None if table.regions is None else frozenset(regions),
        )

    def _each(
        self, path: KeyPath, key: str, texts: list[str] | None
    ) -> Iterator[tuple[KeyPath, str]]:
        """The texts of a key with their places; a text may stand there without a list."""
        alone = isinstance(self._findings.raw((*path, key)), str)
        for index, text in enumerate(texts or ()):
            yield (*path, key) if alone else (*path, key, index), text

    def _account(self, path: KeyPath, text: str) -> AccountId | None:
        account = self._listing.meant_by.get(text)
        if self._listing.is_stranger(text):
            self._findings.tell(
                path,
                "is not the id or name of an account that is listed",
                remedy=self._guess(path, text),
            )
        return account

    def _guess(self, path: KeyPath, text: str) -> str:
        """Never from or to a text that came out of the environment."""
        if self._guesser is None:
            self._guesser = Guesser(
                [
                    name
                    for name, where in self._listing.places.items()
                    if self._findings.raw(where) == name
                ]
            )
        guess = self._guesser.guess(text) if self._findings.raw(path) == text else None
        return (
            f"did you mean {quoted(guess)}?"
            if guess
            else "list it under [[accounts]], or under [[external]] if it is not yours"
        )
