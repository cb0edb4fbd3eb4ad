"""The organization of a scenario: its units, and the accounts that come and go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fleet_repl.sandbox.scenario_values import Account, Part, Seconds


class UnitScenario(Part):
    """An organizational unit."""

    id: Annotated[str, Field(pattern=r"^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$")]
    name: str
    parent: str | None = None
    """The unit that holds it; None: the root."""


class MemberScenario(Part):
    """An account of the organization."""

    id: Account
    name: str = ""
    email: str = ""
    state: Literal["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"] = (
        "ACTIVE"
    )
    unit: str | None = None
    """The unit that holds it; None: the root."""
    tags: dict[str, str] = Field(default_factory=dict)
    joined: AwareDatetime = datetime(2020, 1, 1, tzinfo=UTC)
    """Counts only for an account that is a member from the start."""
    joins_after: Seconds = 0
    """Seconds after the start at which it becomes a member."""
    role_after: Seconds = 0
    """Seconds after the start from which its role is there."""
    closes_after: Seconds | None = None
    """Seconds after the start at which it is closed; None: never."""

    def at(self, seconds: float) -> MemberScenario | None:
        """Returns the member as it is so many seconds after the start; None before it joins."""
        if seconds < self.joins_after:
            return None
        if self.closes_after is None or seconds < self.closes_after:
            return self
        return self.model_copy(update={"state": "CLOSED"})


class OrganizationScenario(Part):
    """An organization: its units and accounts, and who may ask about it."""

    id: Annotated[str, Field(pattern=r"^o-[a-z0-9]{10,32}$")] = "o-sandbox0001"
    management: Account
    delegated: tuple[Account, ...] = ()
    """Accounts that administer it beside the management account."""
    units: tuple[UnitScenario, ...] = ()
    members: tuple[MemberScenario, ...] = ()
    empty_pages: bool = False
    """True if an empty page comes before each page of a list."""
