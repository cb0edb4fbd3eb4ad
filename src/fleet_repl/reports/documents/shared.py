"""The parts of several documents: registries, faults, objections, warnings, held links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.change import HeldLink
from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.member_types import (
    OBJECTIONS,
    TIME,
    Account,
    AccountName,
    Digest,
    PrefixList,
    RegionName,
)
from fleet_repl.reports.documents.reader import Document, MalformedError, shown
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes

_T = TypeVar("_T")


class InventoryDocument(Document, frozen=True):
    path: str
    digest: Annotated[
        Digest, Meta(description="Over the parsed inventory before variables were filled in.")
    ]


class ErrorDocument(Document, frozen=True):
    """A failed call to AWS."""

    kind: FaultKind
    operation: Annotated[str, Meta(description="The API call.")]
    code: Annotated[str | None, Meta(description="AWS's error code, where AWS answered.")]
    message: str
    request_id: str | None
    hint: Annotated[str | None, Meta(description="What the reader can do.")]


class ObjectionDocument(Document, frozen=True):
    """A reason to refuse the plan as a whole."""

    kind: Annotated[str, Meta(extra_json_schema={"enum": list(OBJECTIONS)})]
    message: str


class WarningDocument(Document, frozen=True):
    """Something to know that stops nothing."""

    kind: Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"})]
    message: str


RegionsWarnings: TypeAlias = Annotated[
    tuple[WarningDocument, ...] | UnsetType,
    Meta(
        description="About accounts that did not say which regions they have enabled, so that "
        "registries of theirs may be missing here. Missing where there are none."
    ),
]


def warning_documents(warnings: Iterable[Warning]) -> tuple[WarningDocument, ...] | UnsetType:
    """Returns the documents of warnings; UNSET for none."""
    return tuple(recast(warning, WarningDocument) for warning in warnings) or UNSET


class PlaceDocument(Document, frozen=True):
    """An object about a registry, which its account and its region name."""

    account: Account
    region: RegionName

    @property
    def registry(self) -> Registry:
        return Registry(self.account, self.region)


class NamedPlaceDocument(PlaceDocument, frozen=True):
    """An object about a registry, with the name of its account."""

    name: AccountName


class EndDocument(NamedPlaceDocument, frozen=True):
    """The source or the destination of a link."""


class HeldDocument(PlaceDocument, frozen=True):
    """A link that is left out because its destination does not grant it; account and region are
    the destination's."""

    prefixes: PrefixList
    because: str
    joining: Annotated[
        bool | UnsetType,
        Meta(
            description="True where the account of the destination is joining, so that it is no "
            "failure. Missing otherwise."
        ),
    ] = UNSET

    def link(self) -> HeldLink:
        return HeldLink(
            destination=self.registry,
            prefixes=prefixes_of(self.prefixes),
            because=self.because,
            joining=self.joining is True,
        )


def given(value: _T | UnsetType) -> _T | None:
    """Returns the value of a member; None where the member is missing."""
    return None if value is UNSET else value


def recast(value: object, kind: type[_T]) -> _T:
    """Returns a value as another class, whose members have the same names, or some of them."""
    return msgspec.convert(value, kind, from_attributes=True)


def recast_or_none(value: object | None, kind: type[_T]) -> _T | None:
    """Returns `recast` of a value; None for None."""
    return None if value is None else recast(value, kind)


def label_members(
    labels: Mapping[AccountId, Mapping[str, str]],
) -> dict[AccountId, dict[str, str]] | UnsetType:
    """Returns labels by account as documents have them: sorted, and UNSET where there are none."""
    return {account: dict(sorted(labels[account].items())) for account in sorted(labels)} or UNSET


def held_documents(links: Iterable[HeldLink]) -> tuple[HeldDocument, ...]:
    """Returns held links in the order of their destinations."""
    return tuple(
        HeldDocument(
            account=link.destination.account,
            region=link.destination.region,
            prefixes=prefix_list(link.prefixes),
            because=link.because,
            joining=link.joining or UNSET,
        )
        for link in sorted(links, key=lambda link: (link.destination, link.prefixes, link.because))
    )


def prefix_list(prefixes: Prefixes) -> Prefixes | None:
    """Returns prefixes as documents have them: a list, or None for every repository."""
    return None if prefixes == EVERY_REPOSITORY else prefixes


def prefixes_of(listed: Prefixes | None) -> Prefixes:
    """Returns the prefixes that a document's list stands for."""
    return EVERY_REPOSITORY if listed is None else listed


def registry_named(name: str) -> Registry:
    """Returns the registry of a name such as `111111111111/eu-west-1`, which is not checked."""
    account, _, region = name.partition("/")
    return Registry(AccountId(account), Region(region))


def zoned(text: str, path: str) -> datetime:
    """Returns a time with an offset from UTC, in any ISO 8601 spelling. Raises MalformedError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min
    if time.tzinfo is None:
        raise MalformedError(path, f"{TIME} is needed, not {shown(text)}")
    return time


def plain(text: str, path: str, *, least: int = 0, most: int = 300) -> str:
    """Returns a text of `least` to `most` characters, none of which is a control character.

    Raises MalformedError.
    """
    if not least <= len(text) <= most:
        raise MalformedError(path, f"{least} to {most} characters are needed, not {len(text)}")
    if not text.isprintable():
        raise MalformedError(path, "control characters are not allowed")
    return text


def expect_fleet(fleet: str, stated: str) -> None:
    """Raises MalformedError for a document of another fleet."""
    if stated != fleet:
        raise MalformedError("", f"it is of fleet {stated!r}")


def moment(text: str | None, path: str) -> datetime:
    """Returns the time in a member of type Timestamp or Instant.

    Raises MalformedError for null, and for a time that does not exist: 2026-02-30T00:00:00Z.
    """
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        raise MalformedError(path, f"{TIME} is needed, not {shown(text)}") from None
