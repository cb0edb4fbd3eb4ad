"""The result of a discovery: the accounts of an organization, and the regions of accounts.

Values as they were read, before anything is decided about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account of an organization."""

    id: AccountId
    name: str
    state: str
    """The state in Organizations' spelling: ACTIVE, SUSPENDED, CLOSED, …"""
    units: tuple[str, ...] = ()
    """The names of the organizational units that hold it, from the root."""
    tags: Mapping[str, str] = field(default_factory=dict)
    joined: datetime | None = None
    """The time when it became a member; None where AWS does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The accounts and regions that one discovery found."""

    at: datetime
    organization: str | None = None
    """The id of the organization; None where none was asked."""
    ous: tuple[str, ...] = ()
    """The units that were asked for, sorted; none: the whole organization."""
    members: tuple[Member, ...] = ()
    """In order of the id."""
    tagged: bool = False
    """True if the tags of the members were asked for."""
    regions: Mapping[AccountId, tuple[Region, ...]] = field(default_factory=dict)
    """The enabled regions of each account that was asked, as it last answered."""
    unanswered: Mapping[AccountId, Fault | None] = field(default_factory=dict)
    """Accounts that did not tell their regions this time, with the call's fault; None: unasked."""
    first_seen: Mapping[AccountId, datetime] = field(default_factory=dict)
    """The time when each account was first discovered."""
    cached: bool = False
    """True for an earlier discovery that the caller asked for."""
    not_kept: str | None = None
    """The reason why the discovery could not be kept for the next time; None where it is kept."""
