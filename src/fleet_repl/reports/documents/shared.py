"""What several documents have in common: field types, faults, notes, held links, inventories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fleet_repl.planning.plan import HeldLink
from fleet_repl.reports.documents.fields import prefix_list
from fleet_repl.reports.documents.reader import REGISTRY, Document, MalformedError, shown
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Region, Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes

_END: Final = r"$(?!\n)"
"""Python's `$` matches before a last newline too. Schemas are published without the rest."""
_TIME: Final = "a time such as 2026-11-23T08:00:00Z"

_T = TypeVar("_T")

Account: TypeAlias = Annotated[
    AccountId, Meta(title="an account id", pattern=f"^{ACCOUNT_ID}{_END}")
]
RegionName: TypeAlias = Annotated[
    Region, Meta(title="a region", pattern=f"^[0-9a-z-]{{2,25}}{_END}")
]
RegistryName: TypeAlias = Annotated[
    str,
    Meta(
        title=REGISTRY,
        pattern=f"^{ACCOUNT_ID}/[0-9a-z-]{{2,25}}{_END}",
        description="A registry: account, slash, region.",
    ),
]
Timestamp: TypeAlias = Annotated[
    str,
    Meta(
        title=_TIME,
        pattern=f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z{_END}",
        description="RFC 3339, in UTC, to the second.",
        extra_json_schema={"format": "date-time"},
    ),
]
Instant: TypeAlias = Annotated[
    str,
    Meta(
        title=_TIME,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z"
        f"{_END}",
    ),
]
"""To the second or to the millisecond."""
Digest: TypeAlias = Annotated[
    str,
    Meta(
        description="SHA-256 over canonical JSON: keys sorted, no white space, UTF-8.",
        extra_json_schema={"pattern": "^sha256:[0-9a-f]{64}$"},
    ),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
AwsDocument: TypeAlias = Annotated[
    Mapping[str, Any] | None,
    Meta(description="The AWS document, a policy as an object; null where there is none."),
]
PrefixList: TypeAlias = Annotated[
    tuple[Annotated[str, Meta(extra_json_schema={"minLength": 1})], ...] | None,
    Meta(
        description="Repository prefixes, sorted, none covering another; null for every "
        "repository.",
        extra_json_schema={"minItems": 1, "uniqueItems": True},
    ),
]
Acknowledged: TypeAlias = Annotated[
    Annotated[int, Meta(ge=1)] | UnsetType,
    Meta(
        description="How many warnings the inventory acknowledges; they are not listed. Missing "
        "where there are none.",
    ),
]
AccountName: TypeAlias = Annotated[str, Meta(description="The account's name in the inventory.")]
UNIQUE: Final[Mapping[str, Any]] = {"uniqueItems": True}
"""Published of lists that name nothing twice."""
OBJECTIONS: Final = (
    "foreign-rules",
    "max-removals",
    "max-changed",
    "max-unreadable",
    "protected",
    "unknown-rule",
    "rolled-back",
)


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

    def link(self) -> HeldLink:
        return HeldLink(
            destination=self.registry,
            prefixes=prefixes_of(self.prefixes),
            because=self.because,
        )


def fault_document(fault: Fault | None) -> Json:
    """A failed call as an object; null for none."""
    found: Json = msgspec.to_builtins(recast_or_none(fault, ErrorDocument))
    return found


def given(value: _T | UnsetType) -> _T | None:
    """The value of a member that may be missing; None for one that is."""
    return None if value is UNSET else value


def recast(value: object, kind: type[_T]) -> _T:
    """A value as one of another class whose members have the same names, or fewer of them."""
    return msgspec.convert(value, kind, from_attributes=True)


def recast_or_none(value: object | None, kind: type[_T]) -> _T | None:
    """The same where there may be nothing."""
    return None if value is None else recast(value, kind)


def held_documents(links: Iterable[HeldLink]) -> tuple[HeldDocument, ...]:
    """Links that are left out, in order of their destinations."""
    return tuple(
        HeldDocument(
            account=link.destination.account,
            region=link.destination.region,
            prefixes=prefix_list(link.prefixes),
            because=link.because,
        )
        for link in sorted(links, key=lambda link: (link.destination, link.prefixes, link.because))
    )


def prefixes_of(listed: Prefixes | None) -> Prefixes:
    """The prefixes of a document's list."""
    return EVERY_REPOSITORY if listed is None else listed


def registry_named(name: str) -> Registry:
    """The registry of a name that is known to be one."""
    account, _, region = name.partition("/")
    return Registry(AccountId(account), Region(region))


def zoned(text: str, path: str) -> datetime:
    """A time that says how far it is from UTC, in any such spelling. Raises MalformedError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min
    if found.tzinfo is None:
        raise MalformedError(path, f"{_TIME} is needed, not {shown(text)}")
    return found


def plain(text: str, path: str, *, least: int = 0, most: int = 300) -> str:
    """A text of a length between these that is fit for a terminal. Raises MalformedError."""
    if not least <= len(text) <= most:
        raise MalformedError(path, f"{least} to {most} characters are needed, not {len(text)}")
    if not text.isprintable():
        raise MalformedError(path, "control characters are not allowed")
    return text


def expect_fleet(fleet: str, found: str) -> None:
    """Raises MalformedError for a document of another fleet."""
    if found != fleet:
        raise MalformedError("", f"it is of fleet {found!r}")


def moment(text: str | None, path: str) -> datetime:
    """A time of the right shape. Raises MalformedError for none, and for one that never is."""
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        raise MalformedError(path, f"{_TIME} is needed, not {shown(text)}") from None
