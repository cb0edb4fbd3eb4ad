"""ECR's calls on replication backfills: start, list, describe and stop.

ECR's limits are here: a destination has to be in a rule, ten backfills may be active in a
registry, and one for a destination region. What ended is forgotten after ninety days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.backfills import Backfill, Status
from fleet_repl.sandbox.paging import page
from fleet_repl.sandbox.rule_documents import REGION, REGISTRY_ID
from fleet_repl.sandbox.selection import all_destinations
from fleet_repl.sandbox.shapes import Structure, Text
from fleet_repl.sandbox.world import World

MOST_ACTIVE: Final = 10
_KEPT: Final = timedelta(days=90)
_ID: Final = Text(
    pattern=re.compile(
        r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    )
)
_RESULT: Final = Text(values=("COMPLETE", "FAILED"))
_START: Final = frozenset({"registryId", "destination"})
_LIST: Final = frozenset({"registryId", "maxResults", "nextToken"})
_STOP: Final = frozenset({"registryId", "replicationBackfillId"})
_DESCRIBE: Final = _LIST | _STOP | {"resultStatusFilter"}
_USUAL_PAGE: Final = 25
_LONGEST_PAGE: Final = 50
_NOT_OF_ANSWERS: Final = ("failureCode", "progress", "endedAt")
"""Members that the answers to a start and a stop do not have."""


def start_backfill(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    destination = _destination(Structure.read(body, _START))
    rules = world.registries[registry].replication.latest
    if destination not in all_destinations(rules):
        raise invalid_parameter(
            "destination",
            "The destination must be in the replication configuration of the registry",
        )
    active = [one for one in world.registries[registry].backfills if one.active]
    if any(one.destination.region == destination.region for one in active):
        raise AwsError(
            "ReplicationBackfillInProgressException",
            "A replication backfill is already in progress for the destination region "
            f"'{destination.region}' in the registry with id '{registry.account}'",
        )
    if len(active) >= MOST_ACTIVE:
        raise AwsError(
            "LimitExceededException",
            f"The registry with id '{registry.account}' already has the maximum of {MOST_ACTIVE} "
            "replication backfills in progress",
        )
    return _told(registry, world.start_backfill(registry, destination))


def list_backfills(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _LIST)
    kept = [*_kept(world, registry)]
    found, more = page(kept, asked, usual=_USUAL_PAGE, longest=_LONGEST_PAGE)
    backfills: list[Json] = [one.shown() for one in found]
    return {"registryId": registry.account, "backfills": backfills, **more}


def describe_results(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, _DESCRIBE)
    backfill = _existing(world, registry, asked)
    wanted = asked.optional_text("resultStatusFilter", _RESULT)
    # Results are told once there will be no more of them.
    results = [] if backfill.active else backfill.results
    found, more = page([one for one in results if wanted in (None, one.status)], asked)
    shown: list[Json] = [one.shown() for one in found]
    return {"registryId": registry.account, **backfill.shown(), "results": shown, **more}


def stop_backfill(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    backfill = _existing(world, registry, Structure.read(body, _STOP))
    if backfill.status not in (Status.PREPARING, Status.IN_PROGRESS):
        raise AwsError(
            "ReplicationBackfillInvalidStatusException",
            f"The replication backfill with id '{backfill.id}' cannot be stopped: its status is "
            f"{backfill.status}",
        )
    world.backfilling.stop(backfill)
    return _told(registry, backfill)


def _destination(asked: Structure) -> Registry:
    wanted = asked.inner("destination", frozenset({"region", "registryId"}))
    region, account = wanted.text("region", REGION), wanted.text("registryId", REGISTRY_ID)
    return Registry(AccountId(account), Region(region))


def _kept(world: World, registry: Registry) -> Iterable[Backfill]:
    forgotten = world.clock.now() - _KEPT
    for one in world.registries[registry].backfills:
        if one.ended_at is None or one.ended_at > forgotten:
            yield one


def _existing(world: World, registry: Registry, asked: Structure) -> Backfill:
    wanted = asked.text("replicationBackfillId", _ID)
    for one in _kept(world, registry):
        if one.id == wanted.lower():
            return one
    raise AwsError(
        "ReplicationBackfillNotFoundException",
        f"The replication backfill with id '{wanted}' does not exist in the registry with id "
        f"'{registry.account}'",
    )


def _told(registry: Registry, backfill: Backfill) -> JsonObject:
    shown = {name: value for name, value in backfill.shown().items() if name not in _NOT_OF_ANSWERS}
    return {"registryId": registry.account, **shown}
