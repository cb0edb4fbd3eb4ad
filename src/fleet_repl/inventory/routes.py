"""Routes: [[routes]], and the selectors that say which registries they lead from and to.

An account that is listed nowhere is a problem: a typing slip must not send images to a stranger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from fleet_repl.inventory.fields import NAME, REGION_TEXT
from fleet_repl.inventory.findings import Findings, KeyPath
from fleet_repl.inventory.kinds import TEXT, Context, ListOf, MapOf, OneOrMany, Text, elements
from fleet_repl.inventory.tables import Key, part_of, table
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, reduce
from fleet_repl.values.text import quoted


class _AccountName(Text):
    """The id or name of an account that is listed; read as its id."""

    def _read(self, text: str, path: KeyPath, context: Context) -> AccountId | None:
        names, findings = context.names, context.findings
        if names is None:
            return None
        if names.is_stranger(text):
            # No guess is made from or to a text that came out of the environment.
            guess = names.guess(text) if findings.raw(path) == text else None
            findings.report(
                path,
                "is not the id or name of an account that is listed",
                remedy=f"did you mean {quoted(guess)}?"
                if guess
                else "list it under [[accounts]], or under [[external]] if it is not yours",
            )
        return names.by_name.get(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Conditions on a registry. Every key given must match; a list matches any of its items."""

    accounts: Annotated[frozenset[AccountId] | None, OneOrMany(_AccountName())] = None
    """Ids or names of accounts; one or a list of them."""
    labels: Annotated[Mapping[str, frozenset[str]], MapOf(OneOrMany(TEXT))] = field(
        default_factory=dict
    )
    """Labels of the account; each with one value or a list of them."""
    regions: Annotated[frozenset[Region] | None, OneOrMany(REGION_TEXT)] = None
    """Regions; one or a list of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which registries a route starts from or leads to."""

    match: Match = Match()
    exclude: Match | None = None
    """`not`: what matches it is taken away."""
    same_account: bool = False
    same_region: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorTable(Match):
    """Which registries a route starts from or leads to. {} matches every managed registry."""

    exclude: Annotated[Match | None, Key("not")] = None
    """Registries that match this are taken away."""
    same_account: bool = False
    """Only in `to`: registries of the source's own account."""
    same_region: bool = False
    """Only in `to`: registries in the source's own region."""


@dataclass(frozen=True, slots=True)
class _SelectorKind:
    """Reads a Selector. Where `no_externals` says why, only managed registries may be named, and
    there is no source to be the same as."""

    no_externals: str | None = None

    def read(self, value: object, path: KeyPath, context: Context) -> Selector:
        found = table(SelectorTable).read(value, path, context)
        if isinstance(value, dict) and self.no_externals is not None:
            self._check_managed(value, path, context)
        if found.exclude == Match() and not context.findings.has_problem((*path, "not")):
            context.findings.report(
                (*path, "not"),
                "takes every registry away, because it has no condition",
                remedy="give it accounts, labels or regions, or leave it out",
            )
        return Selector(
            match=part_of(found, Match),
            exclude=found.exclude,
            same_account=found.same_account,
            same_region=found.same_region,
        )

    def schema(self) -> JsonObject:
        return table(SelectorTable).schema()

    def _check_managed(self, value: Mapping[str, object], path: KeyPath, context: Context) -> None:
        for key in ("same_account", "same_region"):
            if value.get(key) is True:
                context.findings.report((*path, key), "means the source's, so it belongs in `to`")
        for place, text in elements((*path, "accounts"), value.get("accounts", [])):
            if context.names is not None and context.names.is_external(text):
                context.findings.report(place, self.no_externals or "")


TO: Final = _SelectorKind()
FROM: Final = _SelectorKind("is an external account, and those only receive images")
SELECT: Final = _SelectorKind("is an external account, and nothing of it is managed")
"""What the fleet does something to."""


def _check_prefix(path: KeyPath, text: str, findings: Findings) -> None:
    shortest, longest = limits.FILTER_LENGTH
    if not shortest <= len(text) <= longest:
        findings.report(path, f"must be {shortest} to {longest} characters long")
    elif limits.FILTER_PATTERN.fullmatch(text) is None:
        raw = findings.raw(path)
        bare = raw.rstrip("*") if isinstance(raw, str) else ""
        findings.report(
            path,
            "is not a prefix that ECR takes",
            remedy=f"write {quoted(bare)}: a prefix needs no *"
            if bare != raw and limits.FILTER_PATTERN.fullmatch(bare)
            else "only lower-case letters, digits, single / and . _ - within names",
        )


_PREFIX: Final = Text(_check_prefix, limits.FILTER_PATTERN.pattern, limits.FILTER_LENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What replicates where: every matching source to every matching destination."""

    name: Annotated[str, NAME, Key(missing="give each route a name of its own")]
    """A unique name, shown with every link."""
    source: Annotated[Selector, FROM, Key("from", "write from = {} for every registry", Selector())]
    """The registries that images are pushed to."""
    destination: Annotated[Selector, TO, Key("to", "write to = {} for every registry", Selector())]
    """The registries that receive the images."""
    prefixes: Annotated[Prefixes, ListOf(kind=_PREFIX, make=reduce)] = EVERY_REPOSITORY
    """What the names of the replicated repositories start with. Default: every repository."""
    replicate_deletes: bool = False
    """Whether deletions travel to the destinations as well, those by lifecycle policies among
    them. Default: false."""
    backfill: Literal["off", "new-links"] = "off"
    """new-links: after an apply has added links, the images that were there before are replicated
    too. Default: off."""
