"""Finds out who has changed the registries of a plan that are not as the fleet left them.

A plan without such registries costs nothing. Not knowing is no failure: CloudTrail is an optional
permission, and it lags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from fleet_repl.engine.attribution import OutsideChange, attribute
from fleet_repl.planning.attribution import Attribution, RecordedCall
from fleet_repl.planning.plan import RegistryPlan, Warning
from fleet_repl.runs.cloudtrail import REACH, is_fleet_repl, lookups
from fleet_repl.runs.drift import changed_outside
from fleet_repl.runs.history import Fingerprint, Fingerprints
from fleet_repl.runs.session_names import is_session_of
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext

MOST: Final = 50
"""Registries that a plan asks CloudTrail about: where more were changed, it is mostly the same
hand."""


async def with_attributions(
    registries: Sequence[RegistryPlan], fingerprints: Fingerprints, context: RunContext
) -> tuple[tuple[RegistryPlan, ...], tuple[Warning, ...]]:
    """Returns the registries of a plan, those that were changed outside with who changed them, and
    a warning where CloudTrail does not answer."""
    outside = [planned for planned in registries if planned.changed_outside is not None]
    if not outside:
        return tuple(registries), ()
    asked = {
        planned.registry: _change(planned, fingerprints[planned.registry], context)
        for planned in outside[:MOST]
    }
    # Importing the library loads no AWS code.
    from fleet_repl.aws.trail import AwsTrail  # noqa: PLC0415

    trail = AwsTrail(context.registries.calls)
    concurrency = context.inventory.apply.concurrency
    answers = await attribute(asked, trail, concurrency=concurrency, stop=context.stop)
    beyond = Attribution(unknown=f"CloudTrail is asked about {MOST} registries at the most")
    attributions = {planned.registry: beyond for planned in outside} | {
        registry: _attribution(answer) for registry, answer in answers.items()
    }
    faults = {registry: answer for registry, answer in answers.items() if isinstance(answer, Fault)}
    return _with(registries, attributions), _warnings(faults)


def _change(
    registry_plan: RegistryPlan, fingerprint: Fingerprint, context: RunContext
) -> OutsideChange:
    registry, oldest = registry_plan.registry, context.pace.clock.now() - REACH
    roles = {account.id: account.role for account in context.inventory.accounts}
    role = roles.get(registry.account)
    return OutsideChange(
        since=max(_whole_second(fingerprint.at), oldest),
        lookups=lookups(registry_plan, changed_outside(registry_plan, fingerprint)),
        known=context.known_calls.get(registry, ()),
        is_own=partial(_is_own, context, None if role is None else str(role)),
    )


def _is_own(context: RunContext, role: str | None, call: RecordedCall) -> bool:
    """Returns whether a run of this fleet made a call: its role session tells, if the session is of
    the account's `role`, as anybody may give the sessions of another role such names. An account
    without a role has no session of a run, so there every call of fleet-repl counts."""
    inventory = context.inventory
    fleets = (inventory.name, *inventory.ownership.formerly)
    if call.session is not None and is_session_of(call.session, fleets):
        return role is None or call.issuer in (None, role)
    return role is None and is_fleet_repl(call)


def _whole_second(moment: datetime) -> datetime:
    """CloudTrail's times have no fractions of a second."""
    return moment.replace(microsecond=0)


def _attribution(answer: Attribution | Fault) -> Attribution:
    return Attribution(unknown=str(answer)) if isinstance(answer, Fault) else answer


def _with(
    registries: Sequence[RegistryPlan], attributions: Mapping[Registry, Attribution]
) -> tuple[RegistryPlan, ...]:
    return tuple(
        replace(planned, moved=replace(planned.moved, attribution=attributions[planned.registry]))
        if planned.moved is not None and planned.registry in attributions
        else planned
        for planned in registries
    )


def _warnings(faults: Mapping[Registry, Fault]) -> tuple[Warning, ...]:
    """Returns one warning for all registries of which CloudTrail does not tell."""
    if not faults:
        return ()
    first, *_ = faults.values()
    accounts: set[AccountId] = {registry.account for registry in faults}
    message = (
        f"who changed {counted(len(faults), 'registry')} outside is not known, which changes "
        f"nothing else: {first}"
    )
    if "AccessDenied" in (first.code or ""):
        message += "; fleet-repl bootstrap --with cloudtrail prints the permission, an optional one"
    about = tuple(frozenset({account}) for account in sorted(accounts))
    return (Warning(kind="unknown-caller", message=message, about=about),)
