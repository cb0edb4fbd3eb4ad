"""Enrolment: an account is often in the organization before its role is, and that is no failure.

Pure. It decides how long an account counts as joining, and what of it is no failure meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from fleet_repl.inventory import Discovery, Inventory
from fleet_repl.planning.observed import Observation, refused_accounts
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import day_and_time

JOINING: Final = timedelta(hours=24)
"""The time for which an account whose role is refused counts as joining."""
NONE_JOINING: Final[Mapping[AccountId, str]] = MappingProxyType({})


def newcomers(discovery: Discovery, now: datetime) -> Mapping[AccountId, datetime]:
    """The accounts that came less than a day ago, and when that was.

    An account came when it became a member of the organization or, if that was later, when it was
    first seen: it may have been moved into the units of the fleet. For example, an account that was
    created in 2020 and is first seen today came today, and one of the very first discovery that was
    created this morning came this morning. A time that is a day or more ahead is that of a clock
    that was wrong, and makes no account joining.
    """
    seen = discovery.first_seen
    times = {
        member.id: [time for time in (member.joined, seen.get(member.id)) if time is not None]
        for member in discovery.members
    }
    came = {account: max(known) for account, known in times.items() if known}
    return {account: time for account, time in came.items() if abs(now - time) < JOINING}


def joining_until(inventory: Inventory, now: datetime) -> Mapping[AccountId, datetime]:
    """The accounts of a fleet that are joining if AWS refuses their roles, and until when.

    An account of the inventory's file never is: somebody has vouched that its role is there.
    """
    if inventory.discovery is None:
        return {}
    in_file = {table.id for table in inventory.listed}
    fleet = {account.id for account in inventory.accounts if not account.retired} - in_file
    came = newcomers(inventory.discovery, now)
    return {account: came[account] + JOINING for account in came.keys() & fleet}


def joining_sentence(joining: Mapping[AccountId, str], *ends: Registry) -> str | None:
    """Returns the sentence about the first registry whose account is joining, or None."""
    return next((joining[end.account] for end in ends if end.account in joining), None)


def young_accounts(
    inventory: Inventory, now: datetime, written: Iterable[Registry] = ()
) -> Mapping[AccountId, str]:
    """The accounts that are joining if AWS refuses their roles, each with a sentence that says so
    of an account whose role was refused.

    `written`: the registries that earlier runs have written. Their accounts have had their roles,
    so that one which is refused now has been taken away.
    """
    reached = {registry.account for registry in written}
    return {
        account: _sentence(account, until, now)
        for account, until in joining_until(inventory, now).items()
        if account not in reached
    }


def joining_accounts(
    observation: Observation, young: Mapping[AccountId, str]
) -> Mapping[AccountId, str]:
    """The accounts that are joining: those of `young` whose roles AWS has refused in this run."""
    refused = refused_accounts(observation, young)
    return {account: young[account] for account in refused}


def _sentence(account: AccountId, until: datetime, now: datetime) -> str:
    minutes = max(0, int((now - (until - JOINING)).total_seconds())) // 60
    ago = f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
    return (
        f"account {account} joined {ago} ago; its role cannot be assumed yet, which is a failure "
        f"from {day_and_time(until)} on"
    )


def excused(planned: RegistryPlan, joining: Mapping[AccountId, str]) -> RegistryPlan:
    """Returns the plan with the accounts that are joining: neither that a registry of theirs was
    not read, nor that a link to it is held, is a failure."""
    held = tuple(
        replace(link, joining=link.destination.account in joining) for link in planned.held
    )
    return replace(planned, joining=joining.get(planned.registry.account), held=held)
