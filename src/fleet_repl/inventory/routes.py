"""Routes: [[routes]], and the selectors that say which registries they lead from and to.

An account that is listed nowhere is a problem: a typing slip must not send images to somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from fleet_repl.inventory.fields import Name, RegionName, check_names, duration
from fleet_repl.inventory.findings import BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import NOT_EMPTY, ONE_OR_MANY, Context, Kind, Switch
from fleet_repl.inventory.repositories import PrefixList, RepositoryList
from fleet_repl.inventory.shares import Objective
from fleet_repl.inventory.tables import Table, part_of
from fleet_repl.values.names import AccountId
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes, reduce, selects
from fleet_repl.values.repositories import folder_of, lists, lists_some
from fleet_repl.values.text import listed, quoted

if TYPE_CHECKING:
    from pydantic import ValidationInfo


def _account(text: str, info: ValidationInfo[Context]) -> AccountId | None:
    """The id of the account with an id or name that is listed."""
    names = info.context.names
    if names.is_unlisted(text):
        guess = names.guess(text)
        if names.discovered:
            raise BadValueError(
                "is not the id or name of an account that is listed or was discovered",
                "see fleet-repl accounts INVENTORY; accounts of the same name go by their ids",
                meant=f"did you mean {quoted(guess)}?" if guess else None,
            )
        raise BadValueError(
            "is not the id or name of an account that is listed",
            "list it under [[accounts]], or under [[external]] if it is not yours",
            meant=f"did you mean {quoted(guess)}?" if guess else None,
        )
    return names.by_name.get(text)


def _selected_account(text: str, info: ValidationInfo[Context]) -> AccountId | None:
    """Checks the account of a selector itself, and not of its `not`."""
    if info.context.no_externals is not None and info.context.names.is_external(text):
        raise BadValueError(info.context.no_externals)
    return _account(text, info)


def _same_as_source(value: bool, info: ValidationInfo[Context]) -> bool:  # noqa: FBT001 - as read
    if value and info.context.no_externals is not None:
        raise BadValueError("means the source's, so it belongs in `to`")
    return value


_Account: TypeAlias = Annotated[AccountId, Kind(_account, reads=str)]
_SelectedAccount: TypeAlias = Annotated[AccountId, Kind(_selected_account, reads=str)]
_SameAsSource: TypeAlias = Annotated[Switch, Kind(_same_as_source)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Table):
    """Conditions on a registry. Every key given must match; a list matches any of its items."""

    accounts: Annotated[frozenset[_Account], NOT_EMPTY, ONE_OR_MANY] | None = None
    """Ids or names of accounts; one or a list of them."""
    labels: Mapping[str, Annotated[frozenset[str], NOT_EMPTY, ONE_OR_MANY]] = field(
        default_factory=dict
    )
    """Labels of the account; each with one value or a list of them."""
    regions: Annotated[frozenset[RegionName], NOT_EMPTY, ONE_OR_MANY] | None = None
    """Regions; one or a list of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """The registries that a route starts from or leads to."""

    match: Match = Match()
    exclude: Match | None = None
    """`not`: what matches it is taken away."""
    same_account: bool = False
    same_region: bool = False


def _with_condition(match: Match) -> Match:
    if match == Match():
        raise BadValueError(
            "takes every registry away, because it has no condition",
            "give it accounts, labels or regions, or leave it out",
        )
    return match


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorTable(Match):
    """The registries that a route starts from or leads to. {} matches every managed registry."""

    accounts: Annotated[frozenset[_SelectedAccount], NOT_EMPTY, ONE_OR_MANY] | None = None
    """Ids or names of accounts; one or a list of them."""
    exclude: Annotated[Match, Kind(_with_condition)] | None = field(
        default=None, metadata={"alias": "not"}
    )
    """Registries that match this are taken away."""
    same_account: _SameAsSource = False
    """Only in `to`: registries of the source's own account."""
    same_region: _SameAsSource = False
    """Only in `to`: registries in the source's own region."""


def _selector(no_externals: str | None = None) -> Kind:
    """Reads a Selector. Where `no_externals` says why, only managed registries may be named, and
    there is no source to be the same as."""

    def read(
        value: object, handler: Callable[[object], SelectorTable], info: ValidationInfo[Context]
    ) -> Selector:
        info.context.no_externals = no_externals
        try:
            table = handler(value)
        finally:
            info.context.no_externals = None
        return Selector(
            match=part_of(table, Match),
            exclude=table.exclude,
            same_account=table.same_account,
            same_region=table.same_region,
        )

    return Kind(read, mode="Wrap", reads=SelectorTable)


Destination: TypeAlias = Annotated[Selector, _selector()]
Source: TypeAlias = Annotated[
    Selector, _selector("is an external account, and those only receive images")
]
Select: TypeAlias = Annotated[
    Selector, _selector("is an external account, and nothing of it is managed")
]
"""The accounts and regions that a setting applies to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Table):
    """What replicates where: every matching source to every matching destination."""

    name: Name = field(metadata={"missing": "give each route a name of its own"})
    """A unique name, shown with every link."""
    source: Source = field(
        metadata={"alias": "from", "missing": "write from = {} for every registry"}
    )
    """The registries that images are pushed to."""
    destination: Destination = field(
        metadata={"alias": "to", "missing": "write to = {} for every registry"}
    )
    """The registries that receive the images."""
    prefixes: PrefixList = EVERY_REPOSITORY
    """What the names of the replicated repositories start with. Default: every repository."""
    exclude: RepositoryList = ()
    """Repositories that are not replicated, by whole names: base/java is that repository and those
    below it, base/java/ only those below it. Default: none."""
    only: RepositoryList = ()
    """The only repositories that are replicated, by whole names as in exclude; in place of
    prefixes. Default: all that prefixes match."""
    new_repositories: Literal["include", "leave"] = "include"
    """With exclude or only: whether the rules follow when a new repository changes what they have
    to be. Default: include."""
    replicate_deletes: Switch = False
    """Whether deletions travel to the destinations as well, those by lifecycle policies among
    them. Default: false."""
    backfill: Literal["off", "new-links"] = "off"
    """new-links: after an apply has added links, the images that were there before are replicated
    too. Default: off."""
    complete: Objective | None = None
    """The share of what is to be replicated that has to be there, such as 100%: an objective of
    coverage. Default: no objective."""
    deliver_within: Annotated[float, duration(1, 24 * 3600)] | None = None
    """How long an image may take to arrive, up to 24h: an objective of watched deliveries. Default:
    no objective."""

    @property
    def by_name(self) -> bool:
        """Returns whether its prefixes depend on which repositories there are."""
        return bool(self.exclude or self.only)

    @property
    def bounds(self) -> Prefixes:
        """What each repository that it asks for starts with, whichever repositories there are."""
        return reduce(self.only) if self.only else self.prefixes

    def wants(self, repository: str) -> bool:
        """Returns whether the route asks for a repository, by its full name."""
        return (
            selects(self.prefixes, repository)
            and not lists(self.exclude, repository)
            and (not self.only or lists(self.only, repository))
        )


def check_routes(routes: Sequence[Route], findings: Findings) -> None:
    """Report names that repeat, and keys of a route that do not go together."""
    check_names("routes", [route.name for route in routes], "route", findings)
    for index, route in enumerate(routes):
        path: KeyPath = ("routes", index)
        if not findings.raw((*path, "exclude")) and not findings.raw((*path, "only")):
            if findings.raw((*path, "new_repositories")) is not None:
                findings.report(
                    (*path, "new_repositories"),
                    "says nothing without exclude or only",
                    remedy="take it out: whatever starts with a prefix is replicated",
                )
        else:
            _check_lists(route, path, findings)


def _check_lists(route: Route, path: KeyPath, findings: Findings) -> None:
    if any(findings.has_problem((*path, key)) for key in ("prefixes", "exclude", "only")):
        return
    if route.only and findings.raw((*path, "prefixes")) is not None:
        findings.report(
            (*path, "only"),
            "says which repositories are replicated, and prefixes says it too",
            remedy="keep prefixes for all names that start with a text, or only for whole names",
        )
        return
    for index, entry in enumerate(route.exclude):
        if not any(lists_some(entry, prefix) for prefix in route.prefixes):
            findings.report(
                (*path, "exclude", index),
                "excludes nothing: no such repository is within the prefixes of the route",
                remedy=f"exclude what starts with {listed(route.prefixes, 3)}, or take it out",
            )
    excluded = tuple(folder_of(entry) for entry in route.exclude)
    wanted = set(route.only) - set(route.exclude) if route.only else route.prefixes
    if all(start.startswith(excluded) for start in wanted):
        findings.report(
            (*path, "exclude"),
            "excludes everything that the route replicates",
            remedy="exclude less, or take the route out",
        )
