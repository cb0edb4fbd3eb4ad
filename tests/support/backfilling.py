"""A scripted ECR that runs backfills of one registry within its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.clock import NOON, VirtualClock

from fleet_repl.ecr.backfills import BackfillOutcome
from fleet_repl.engine.backfill.run import backfill
from fleet_repl.engine.backfill.start import BackfillContext
from fleet_repl.engine.stop import Stop
from fleet_repl.runs.events import Event
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

HUB = Registry(AccountId("1" * 12), Region("eu-west-1"))


def refusal(
    code: str, *, kind: FaultKind = FaultKind.INVALID, operation: str = "Start"
) -> CallError:
    return CallError(Fault(kind=kind, operation=operation, message=f"no: {code}", code=code))


def lost() -> CallError:
    fault = Fault(kind=FaultKind.NETWORK, operation="Start", message="the connection closed")
    return CallError(fault, transient=True, uncertain=True)


@dataclass
class Ecr:
    """Runs backfills for so many seconds each, within ECR's limits.

    Each entry of `script` is for one start: "ok", "lost" (started, the answer is lost),
    "dropped" (not started, the answer is lost too), "bare" (started, the answer says nothing),
    or an error.
    """

    clock: VirtualClock
    seconds: float = 100
    script: list[str | CallError] = field(default_factory=list)
    failing: dict[Registry, dict[str, int]] = field(default_factory=dict)
    ends: dict[Registry, str] = field(default_factory=dict)
    hidden: float = 0
    """For how long after its start a backfill is not listed."""
    listing: list[CallError | None] = field(default_factory=list)
    results_error: CallError | None = None
    calls: list[str] = field(default_factory=list)
    there: list[dict[str, Any]] = field(default_factory=list)
    on_list: Callable[[], object] = lambda: None

    def put(self, destination: Registry, ago: float = 0) -> None:
        """One that somebody has started."""
        self.there.append(
            {
                "id": f"id-{len(self.there)}",
                "destination": destination,
                "at": self.clock.seconds - ago,
            }
        )

    async def start_backfill(self, registry: Registry, destination: Registry) -> JsonObject:
        self.calls.append(f"start {destination}")
        how = self.script.pop(0) if self.script else "ok"
        if isinstance(how, CallError):
            raise how
        if how == "dropped":
            raise lost()
        active = [item for item in self.there if self._status(item) in ("PREPARING", "IN_PROGRESS")]
        if any(item["destination"].region == destination.region for item in active):
            raise refusal("ReplicationBackfillInProgressException")
        if len(active) >= 10:
            raise refusal("LimitExceededException")
        self.put(destination)
        if how == "lost":
            raise lost()
        if how == "bare":
            return {"replicationBackfillId": self.there[-1]["id"]}
        return self._shown(self.there[-1])

    async def list_backfills(self, registry: Registry) -> tuple[JsonObject, ...]:
        self.calls.append("list")
        self.on_list()
        error = self.listing.pop(0) if self.listing else None
        if error is not None:
            raise error
        now = self.clock.seconds
        return tuple(self._shown(item) for item in self.there if now - item["at"] >= self.hidden)

    async def backfill_results(
        self, registry: Registry, backfill_id: str
    ) -> tuple[JsonObject, ...]:
        self.calls.append(f"results {backfill_id}")
        if self.results_error is not None:
            raise self.results_error
        (backfill,) = [item for item in self.there if item["id"] == backfill_id]
        codes = self.failing.get(backfill["destination"], {})
        return tuple(
            {"status": "FAILED", "failureCode": code}
            for code, times in codes.items()
            for _ in range(times)
        )

    def started(self) -> list[str]:
        return [call for call in self.calls if call.startswith("start")]

    def _status(self, backfill: dict[str, Any]) -> str:
        age = self.clock.seconds - backfill["at"]
        if age < 1:
            return "PREPARING"
        end = self.ends.get(backfill["destination"], "COMPLETE")
        return "IN_PROGRESS" if age < self.seconds else end

    def _shown(self, backfill: dict[str, Any]) -> JsonObject:
        account, region = backfill["destination"]
        status, age = self._status(backfill), self.clock.seconds - backfill["at"]
        codes = self.failing.get(backfill["destination"], {})
        shown: dict[str, Any] = {
            "replicationBackfillId": backfill["id"],
            "destination": {"registryId": account, "region": region},
            "status": status,
            "startedAt": (NOON + timedelta(seconds=backfill["at"])).timestamp(),
        }
        if status != "PREPARING":
            share = min(age / self.seconds, 1)
            shown["progress"] = {
                "totalReplicationCount": 10,
                "completedReplicationCount": int(share * (10 - sum(codes.values()))),
                "failedReplicationCount": int(share * sum(codes.values())),
                "failureCodes": list(codes),
            }
        if age >= self.seconds:
            shown["endedAt"] = (NOON + timedelta(seconds=backfill["at"] + self.seconds)).timestamp()
        return shown


@dataclass
class Scene:
    ecr: Ecr
    clock: VirtualClock
    stop: Stop
    how: BackfillContext
    events: list[Event]

    async def run(
        self, *destinations: Registry, wait: bool = False, again: bool = False
    ) -> dict[Registry, BackfillOutcome]:
        wanted = {HUB: dict.fromkeys(destinations)}
        outcomes = await backfill(wanted, self.how, wait=wait, again=again)
        return {outcome.destination: outcome for outcome in outcomes}

    def seen(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
