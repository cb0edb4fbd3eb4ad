"""The accounts of a fleet, and where each fact about them comes from, as `fleet-repl/accounts/1`.

Pure; the keys are a promise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from fleet_repl.inventory import Inventory
from fleet_repl.planning.account_facts import AccountFacts
from fleet_repl.planning.discovery import Origin
from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.member_types import Account, RegionName, Timestamp
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import WarningDocument, recast
from fleet_repl.values.text import timestamp

ACCOUNTS_SCHEMA: Final = "fleet-repl/accounts/1"


class OriginsDocument(Document, frozen=True, kw_only=True):
    """Where the facts about an account come from. file: the inventory. organization: AWS
    Organizations. tag, ou, name: a tag, the unit or the name of the account there. account: the
    account itself was asked."""

    id: Origin
    name: Origin
    regions: Origin
    state: Origin
    labels: dict[str, Origin]


class FleetAccountDocument(Document, frozen=True, kw_only=True):
    """An account of the fleet."""

    id: Account
    name: str
    regions: tuple[RegionName, ...]
    labels: dict[str, str]
    role: Annotated[str | None, Meta(description="Its ARN; null for the base identity.")]
    state: Literal["active", "retired"]
    origins: OriginsDocument
    joining_until: Annotated[
        Timestamp | UnsetType,
        Meta(
            description="Until when it is no failure that its role cannot be assumed, where the "
            "account has joined the fleet less than a day ago. Missing otherwise."
        ),
    ] = UNSET

    @classmethod
    def of(cls, facts: AccountFacts) -> FleetAccountDocument:
        account = facts.account
        return cls(
            id=account.id,
            name=account.name,
            regions=account.regions,
            labels=dict(sorted(account.labels.items())),
            role=None if account.role is None else str(account.role),
            state="retired" if account.retired else "active",
            origins=OriginsDocument(
                id=facts.listed,
                name=facts.name,
                regions=facts.regions,
                state=facts.state,
                labels=dict(sorted(facts.labels.items())),
            ),
            joining_until=UNSET if facts.joining_until is None else timestamp(facts.joining_until),
        )


class AccountsDocument(
    Document, frozen=True, kw_only=True, tag_field="schema", tag=ACCOUNTS_SCHEMA
):
    """The accounts of a fleet in order of the id."""

    fleet: str
    organization: Annotated[
        str | None, Meta(description="The id of the organization that was asked, if one was.")
    ]
    discovered_at: Annotated[
        Timestamp | None, Meta(description="Null where the inventory says everything itself.")
    ]
    accounts: tuple[FleetAccountDocument, ...]
    warnings: tuple[WarningDocument, ...]


def accounts_document(
    inventory: Inventory, accounts: Iterable[AccountFacts], warnings: Iterable[Warning]
) -> AccountsDocument:
    """Returns the document of these accounts of a fleet, with warnings about its discovery."""
    discovery = inventory.discovery
    return AccountsDocument(
        fleet=inventory.name,
        organization=None if discovery is None else discovery.organization,
        discovered_at=None if discovery is None else timestamp(discovery.at),
        accounts=tuple(map(FleetAccountDocument.of, accounts)),
        warnings=tuple(recast(warning, WarningDocument) for warning in warnings),
    )
