"""ECR's calls on replication backfills: start, list, describe and stop.

ECR's limits are here: a destination has to be in a rule, ten backfills may be active in a
registry, and one for a destination region. Ended backfills are forgotten after ninety days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError, absent, invalid_parameter
from fleet_repl.sandbox.backfills import Backfill, Status
from fleet_repl.sandbox.pages import page
from fleet_repl.sandbox.rules import all_destinations
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.limits import ACTIVE_BACKFILLS
from fleet_repl.values.names import AccountId, Region, Registry

_KEPT: Final = timedelta(days=90)
_LISTED: Final = 25
"""Backfills on a page where the request has no maxResults."""
_NOT_OF_ANSWERS: Final = ("failureCode", "progress", "endedAt")
"""Members that the answers to a start and a stop do not have."""


def start_backfill(world: World, registry: Registry, request: Structure) -> JsonObject:
    named = request.inner("destination")
    destination = Registry(AccountId(named.text("registryId")), Region(named.text("region")))
    state = world.registries[registry]
    if destination not in all_destinations(state.replication.latest):
        raise invalid_parameter(
            "destination",
            "The destination must be in the replication configuration of the registry",
        )
    active = [backfill for backfill in state.backfills if backfill.active]
    if any(backfill.destination.region == destination.region for backfill in active):
        raise AwsError(
            "ReplicationBackfillInProgressException",
            "A replication backfill is already in progress for the destination region "
            f"'{destination.region}' in the registry with id '{registry.account}'",
        )
    if len(active) >= ACTIVE_BACKFILLS:
        raise AwsError(
            "LimitExceededException",
            f"The registry with id '{registry.account}' already has the maximum of "
            f"{ACTIVE_BACKFILLS} replication backfills in progress",
        )
    return _brief(registry, world.start_backfill(registry, destination))


def list_backfills(world: World, registry: Registry, request: Structure) -> JsonObject:
    backfills, more = page(_kept(world, registry), request, usual=_LISTED)
    shown = [backfill.shown() for backfill in backfills]
    return {"registryId": registry.account, "backfills": shown, **more}


def describe_results(world: World, registry: Registry, request: Structure) -> JsonObject:
    backfill = _existing(world, registry, request)
    status = request.optional("resultStatusFilter")
    # ECR shows no results before the end of a backfill.
    results = [] if backfill.active else backfill.results
    shown = [result.shown() for result in results if status in (None, result.status)]
    items, more = page(shown, request)
    return {"registryId": registry.account, **backfill.shown(), "results": items, **more}


def stop_backfill(world: World, registry: Registry, request: Structure) -> JsonObject:
    backfill = _existing(world, registry, request)
    if backfill.status not in (Status.PREPARING, Status.IN_PROGRESS):
        raise AwsError(
            "ReplicationBackfillInvalidStatusException",
            f"The replication backfill with id '{backfill.id}' cannot be stopped: its status is "
            f"{backfill.status}",
        )
    world.backfill_runner.stop(backfill)
    return _brief(registry, backfill)


def _kept(world: World, registry: Registry) -> list[Backfill]:
    """Returns the backfills that ECR still knows, oldest first."""
    forgotten = world.clock.now() - _KEPT
    return [
        backfill
        for backfill in world.registries[registry].backfills
        if backfill.ended_at is None or backfill.ended_at > forgotten
    ]


def _existing(world: World, registry: Registry, request: Structure) -> Backfill:
    """Returns the backfill that a call names; raises AwsError where there is none."""
    id_ = request.text("replicationBackfillId")
    for backfill in _kept(world, registry):
        if backfill.id == id_.lower():
            return backfill
    subject = f"The replication backfill with id '{id_}'"
    raise absent("ReplicationBackfillNotFoundException", subject, registry.account)


def _brief(registry: Registry, backfill: Backfill) -> JsonObject:
    shown = {name: value for name, value in backfill.shown().items() if name not in _NOT_OF_ANSWERS}
    return {"registryId": registry.account, **shown}
