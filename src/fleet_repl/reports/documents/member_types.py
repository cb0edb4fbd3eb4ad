"""The types that members of several documents have.

A `title` is checked when a document is read, and names in messages what is needed. An
`extra_json_schema` is published only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta, UnsetType

from fleet_repl.reports.documents.reader import REGISTRY
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Region

TIME: Final = "a time such as 2026-11-23T08:00:00Z"
EARLIER: Final = "Missing in documents of earlier versions."

_END: Final = r"$(?!\n)"
"""Python's `$` matches before a last newline too. Schemas are published without the rest."""

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
        title=TIME,
        pattern=f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z{_END}",
        description="RFC 3339, in UTC, to the second.",
        extra_json_schema={"format": "date-time"},
    ),
]
Instant: TypeAlias = Annotated[
    str,
    Meta(
        title=TIME,
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
Labels: TypeAlias = Annotated[
    dict[Account, dict[str, str]] | UnsetType,
    Meta(
        description="The labels of the accounts in scope that have any. Missing where none has, "
        "in a plan that has `accounts`, and in documents of earlier versions.",
        extra_json_schema={"minProperties": 1},
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
    "collateral",
)
Allowed: TypeAlias = Annotated[
    tuple[
        Annotated[
            str, Meta(extra_json_schema={"enum": ["collateral", "protected", "unknown-fields"]})
        ],
        ...,
    ],
    Meta(description="What was allowed beside that.", extra_json_schema={"uniqueItems": True}),
]
