"""The record of a replication backfill: images to copy, images copied, and how it ended.

`backfill_runner` updates the record. Statuses and members are those of ECR's model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry

_JUDGED_FROM: Final = 100
"""Images after which ECR stops a backfill if half of them failed."""


class Status(StrEnum):
    PREPARING = "PREPARING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


ACTIVE: Final = frozenset({Status.PREPARING, Status.IN_PROGRESS, Status.STOPPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One replication of a backfill: an image under one of its tags, or without any."""

    repository: str
    digest: str
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    item: Item
    failure: str | None
    """ECR's failure code; None: it was copied."""

    @property
    def status(self) -> str:
        return "COMPLETE" if self.failure is None else "FAILED"

    def shown(self) -> JsonObject:
        image_id = {"imageDigest": self.item.digest, "imageTag": self.item.tag}
        return _present(
            {
                "repositoryName": self.item.repository,
                "imageId": _present(image_id),
                "status": self.status,
                "failureCode": self.failure,
            }
        )


@dataclass(slots=True, kw_only=True)
class Backfill:
    id: str
    source: Registry
    destination: Registry
    started_at: datetime
    status: Status = Status.PREPARING
    ended_at: datetime | None = None
    failure_code: str | None = None
    total: int | None = None
    """Number of replications; None while the backfill prepares."""
    waiting: deque[Item] = field(default_factory=deque)
    results: list[Result] = field(default_factory=list)
    _failed: int = 0

    def note(self, result: Result) -> None:
        """Record the result of one replication."""
        self.results.append(result)
        self._failed += result.failure is not None

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def failing(self) -> bool:
        """Returns whether so many replications failed that ECR stops the backfill."""
        return len(self.results) >= _JUDGED_FROM and 2 * self._failed >= len(self.results)

    def shown(self) -> JsonObject:
        """Returns the members that every call on backfills answers with, without empty ones."""
        account, region = self.destination
        return _present(
            {
                "replicationBackfillId": self.id,
                "destination": {"region": region, "registryId": account},
                "status": self.status,
                "failureCode": self.failure_code,
                "progress": None if self.total is None else self._progress(self.total),
                "startedAt": self.started_at.timestamp(),
                "endedAt": None if self.ended_at is None else self.ended_at.timestamp(),
            }
        )

    def _progress(self, total: int) -> JsonObject:
        return {
            "totalReplicationCount": total,
            "completedReplicationCount": len(self.results) - self._failed,
            "failedReplicationCount": self._failed,
            "failureCodes": sorted({result.failure for result in self.results if result.failure}),
        }


def _present(members: JsonObject) -> JsonObject:
    return {name: value for name, value in members.items() if value is not None}
