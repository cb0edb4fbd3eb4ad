"""The discovery that was kept last time: what it adds to the present one, what it may stand in for,
and whether so much of it is gone that the fleet must not shrink to what is left.

Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from fleet_repl.inventory import Discovery, Inventory
from fleet_repl.planning.discovery import GONE, NOT_YET, SHOWN
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted, day_and_time, listed

MOST_LOST: Final = 0.1
"""The share of the accounts seen last time that may be gone without a refusal."""


def continued(
    now: Discovery, kept: Discovery | None, retired: Collection[AccountId] = ()
) -> Discovery:
    """Returns the discovery with the facts that only an earlier discovery knows: when accounts were
    first seen, and the regions of accounts that do not answer, or are `retired` and not asked: what
    is in place there is still to be taken away.

    When the accounts of the very first discovery came is not known, nor is it of those in units
    that nobody asked for before. An account that is not active yet has not come.
    """
    if kept is None:
        return now
    before, ids = _active(kept), _active(now)
    came = ids - before if before and kept.ous == now.ous else frozenset()
    return replace(
        now,
        first_seen={
            account: kept.first_seen.get(account, now.at)
            for account in sorted(ids)
            if account in came or account in kept.first_seen
        },
        regions={
            **{
                account: kept.regions[account]
                for account in (*now.unanswered, *retired)
                if account in kept.regions
            },
            **now.regions,
        },
    )


def lost_too_many(
    now: Discovery, kept: Discovery | None, left_out: Collection[AccountId] = ()
) -> str | None:
    """Returns why the fleet must not shrink to the accounts discovered now; None where it may.

    Only an account that is no longer listed is lost. An account that is listed as closed is not
    lost, and neither is an account of a unit that the inventory no longer names. It is looked at
    without the accounts that are `left_out` of the fleet, too: many of them would hide that most of
    the fleet is gone.

    Example: 40 accounts were there last time. With 36 of them listed now the fleet shrinks, as four
    are a tenth; with 35 it does not.
    """
    if kept is None or kept.ous != now.ous:
        return None
    seen = [member.id for member in kept.members if member.state not in GONE]
    left = {member.id for member in now.members}
    for before in (seen, [account for account in seen if account not in left_out]):
        lost = [account for account in before if account not in left]
        # A lost account takes its links with it, and a list may be short only because whoever lists
        # the organization may not see all of it.
        if len(lost) > MOST_LOST * len(before):
            return (
                f"{counted(len(lost), 'account')} of {len(before):,} that were there on "
                f"{day_and_time(kept.at)} are not listed any more: {listed(lost, SHOWN)}"
            )
    return None


def unlike(kept: Discovery, inventory: Inventory) -> str | None:
    """Returns why a kept discovery is not of the accounts that the inventory asks for, or None."""
    organization = inventory.organization
    if organization is None:
        return None
    if organization.id not in (None, kept.organization):
        return f"it is of {kept.organization or 'no organization'}, not of {organization.id}"
    if kept.organization is None:
        return "it is of no organization"
    if kept.ous != tuple(sorted(organization.ous)):
        asked = f"the units {', '.join(kept.ous)}" if kept.ous else "the whole organization"
        return f"it is of {asked}, and [organization] ous asks for others"
    if organization.labels_from_tags and not kept.tagged:
        return "no tags were asked for, and [organization] labels_from_tags asks for some"
    return None


def _active(discovery: Discovery) -> frozenset[AccountId]:
    return frozenset(member.id for member in discovery.members if member.state != NOT_YET)
