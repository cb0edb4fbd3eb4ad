"""The accounts that were discovered last, as a document and back.

A document that cannot be understood is never taken for "nothing was discovered yet": nothing would
then notice that accounts are lost.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.engine.stores import Store
from fleet_repl.inventory import Discovery, Member
from fleet_repl.reports.documents.member_types import Account, RegionName, Timestamp
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.shared import expect_fleet, moment
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.values.errors import StateError
from fleet_repl.values.text import timestamp

DISCOVERY_SCHEMA: Final = "fleet-repl/discovery/1"
DISCOVERY_NAME: Final = "discovery.json"


class MemberDocument(Document, frozen=True, kw_only=True):
    """An account of the organization."""

    name: str
    state: Annotated[str, Meta(description="As Organizations spells it.")]
    units: tuple[str, ...] | UnsetType = UNSET
    tags: dict[str, str] | UnsetType = UNSET
    joined: Timestamp | UnsetType = UNSET
    first_seen: Timestamp | UnsetType = UNSET


class DiscoveryDocument(
    Document, frozen=True, kw_only=True, tag_field="schema", tag=DISCOVERY_SCHEMA
):
    """The accounts of an organization, and the regions that accounts have enabled."""

    fleet: str
    at: Timestamp
    organization: str | None
    ous: tuple[str, ...]
    tagged: (
        Annotated[bool, Meta(description="True where tags were asked for and no account has any.")]
        | UnsetType
    ) = UNSET
    accounts: dict[Account, MemberDocument]
    regions: dict[Account, tuple[RegionName, ...]]


async def read_discovery(store: Store, fleet: str) -> Discovery | None:
    """Returns the last discovery, or None where there was none. Raises StateError."""
    name = discovery_name(fleet)
    content = await store.read(name)
    return None if content is None else parse_discovery(content, fleet, where=f"{store}/{name}")


async def write_discovery(store: Store, fleet: str, discovery: Discovery) -> None:
    """Keep what was discovered, in place of an earlier discovery. Raises StateError."""
    await store.replace(discovery_name(fleet), discovery_content(fleet, discovery))


def discovery_name(fleet: str) -> str:
    """The name of the document in a store."""
    return f"{fleet}/{DISCOVERY_NAME}"


def discovery_content(fleet: str, discovery: Discovery) -> bytes:
    """The document; the same discovery gives the same text."""
    return line_in_utf8(
        DiscoveryDocument(
            fleet=fleet,
            at=timestamp(discovery.at),
            organization=discovery.organization,
            ous=discovery.ous,
            # Tags themselves say it, as they did in earlier versions.
            tagged=(discovery.tagged and not any(member.tags for member in discovery.members))
            or UNSET,
            accounts={
                member.id: MemberDocument(
                    name=member.name,
                    state=member.state,
                    units=member.units or UNSET,
                    tags=dict(sorted(member.tags.items())) or UNSET,
                    joined=UNSET if member.joined is None else timestamp(member.joined),
                    first_seen=timestamp(discovery.first_seen[member.id])
                    if member.id in discovery.first_seen
                    else UNSET,
                )
                for member in discovery.members
            },
            regions=dict(sorted(discovery.regions.items())),
        )
    )


def parse_discovery(content: bytes, fleet: str, *, where: str) -> Discovery:
    """The discovery in a document. Raises StateError, naming it as `where`."""
    try:
        document = read(content, DiscoveryDocument)
        expect_fleet(fleet, document.fleet)
        accounts = sorted(document.accounts.items())
        return Discovery(
            at=moment(document.at, "at"),
            organization=document.organization,
            ous=document.ous,
            members=tuple(
                Member(
                    id=account,
                    name=member.name,
                    state=member.state,
                    units=member.units or (),
                    tags=member.tags or {},
                    joined=None
                    if member.joined is UNSET
                    else moment(member.joined, f"accounts.{account}.joined"),
                )
                for account, member in accounts
            ),
            tagged=bool(document.tagged) or any(member.tags for _, member in accounts),
            regions=document.regions,
            first_seen={
                account: moment(member.first_seen, f"accounts.{account}.first_seen")
                for account, member in accounts
                if member.first_seen is not UNSET
            },
        )
    except MalformedError as malformed:
        raise StateError(
            f"the discovered accounts that were kept cannot be used: {where}: {malformed}\n"
            "    move it away to go on without it: nothing then notices if accounts are lost"
        ) from None
