"""The log entry of each event about images: of backfills, deliveries, waits and repairs. Pure."""

from __future__ import annotations

from typing import TypeAlias

from fleet_repl.reports.log_entry import LogEntry, fault_fields, place_fields
from fleet_repl.runs.events import (
    BackfillEnded,
    BackfillStarted,
    ImageArrived,
    ImageFound,
    ImagePut,
    VerifyFinished,
    VerifyStarted,
)
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, elapsed

ImageEvent: TypeAlias = (
    BackfillStarted
    | BackfillEnded
    | VerifyStarted
    | VerifyFinished
    | ImageFound
    | ImageArrived
    | ImagePut
)


def image_entry(event: ImageEvent) -> LogEntry:
    """Returns the entry of an event about images."""
    match event:
        case BackfillStarted() | BackfillEnded():
            return _of_backfill(event)
        case VerifyStarted() | VerifyFinished():
            return _of_verify(event)
        case _:
            return _of_image(event)


def _of_backfill(event: BackfillStarted | BackfillEnded) -> LogEntry:
    match event:
        case BackfillStarted(source=source, backfill=backfill):
            return LogEntry(
                event="backfill-started",
                message=f"{source}: backfill to {backfill.destination} started",
                fields={**_between(source, backfill.destination), "id": backfill.id},
            )
        case BackfillEnded(outcome=outcome):
            error = outcome.error
            why = f": {error or outcome.because}" if error or outcome.because else ""
            failed = outcome.backfill is not None and outcome.backfill.failed > 0
            return LogEntry(
                level="error" if error else "warning" if failed or outcome.because else "info",
                event="backfill-ended",
                message=f"{outcome.source}: backfill to {outcome.destination} {outcome.state}{why}",
                fields={
                    **_between(outcome.source, outcome.destination),
                    "state": outcome.state.value,
                    **(fault_fields(error) if error else {}),
                },
            )


def _of_verify(event: VerifyStarted | VerifyFinished) -> LogEntry:
    match event:
        case VerifyStarted(run_id=run_id, sources=sources):
            return LogEntry(
                event="verify-started",
                message=f"run {run_id}: images of {counted(len(sources), 'registry')}",
                fields={"run_id": run_id, "sources": len(sources)},
            )
        case VerifyFinished(report=report):
            return LogEntry(
                event="verify-finished",
                message=f"run {report.run_id}: {report.status}",
                fields={"run_id": report.run_id, "status": report.status},
            )


def _of_image(event: ImageFound | ImageArrived | ImagePut) -> LogEntry:
    match event:
        case ImagePut(source=source, what=what, tag=tag, error=error):
            put = f"put as {tag}" if error is None else f"not put again: {error}"
            fields = {**place_fields(source), "what": what, "tag": tag}
            return LogEntry(
                level="error" if error else "info",
                event="image-put",
                message=f"{source}: {what} {put}",
                fields=fields if error is None else {**fields, **fault_fields(error)},
            )
        case ImageArrived(destination=destination, seconds=seconds):
            return LogEntry(
                event="image-arrived",
                message=f"{destination}: {event.what} is there after {elapsed(seconds)}",
                fields={
                    **place_fields(destination),
                    "what": event.what,
                    "seconds": round(seconds, 3),
                },
            )
        case ImageFound(source=source, digest=digest, before=before):
            moved = "" if before is None else f" and no longer {before}: waiting for the new image"
            return LogEntry(
                level="info" if before is None else "warning",
                event="image-found" if before is None else "tag-moved",
                message=f"{source}: {event.what} is {digest}{moved}",
                fields={
                    **place_fields(source),
                    "what": event.what,
                    "digest": digest,
                    "before": before,
                },
            )


def _between(source: Registry, destination: Registry) -> JsonObject:
    return {
        **place_fields(source),
        "to_account": destination.account,
        "to_region": destination.region,
    }
