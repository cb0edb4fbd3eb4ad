"""Log lines of a machine that nobody watches: one JSON object each, for CloudWatch to search.

Pure but for writing a line. Reads and writes that succeed without a change are no news.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from datetime import datetime
from typing import Literal

from fleet_repl.runs.events import CallRetried, Event, RegistryRead, WaveFinished, WriteSettled
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.text import instant
from fleet_repl.watch import Told


def told_of(event: Event) -> Told | None:
    """The line of an event of a run, or None where it is worth none."""
    match event:
        case RegistryRead(registry=registry, error=Fault() as error):
            return _of("registry-unreadable", registry, str(error), error)
        case WriteSettled(registry=registry, resource=resource, outcome=outcome, error=error):
            why = f": {error}" if error is not None else ""
            return _of("write-settled", registry, f"{resource} {outcome}{why}", error)
        case CallRetried(error=error, attempt=attempt, delay=delay):
            return Told(
                level="warning",
                event="call-retried",
                message=f"{event.account or 'base identity'}: {error}; attempt {attempt} failed, "
                f"next in {delay:.1f} s",
                fields={"account": event.account, **_fault(error)},
            )
        case WaveFinished(wave=wave, because=str(because)):
            fields: JsonObject = {"wave": wave}
            return Told(level="error", event="wave-finished", message=because, fields=fields)
        case _:
            return None


def line(told: Told, moment: datetime, fields: JsonObject) -> str:
    """One line of JSON; `fields` are those that every line of an invocation has."""
    document: dict[str, Json] = {
        "time": instant(moment),
        "level": told.level,
        "event": told.event,
        "message": told.message,
        **fields,
        **told.fields,
    }
    return json.dumps(document)


def write(text: str) -> None:
    """On stdout, which Lambda keeps as the function's log. A round does not depend on that."""
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _of(event: str, registry: Registry, message: str, error: Fault | None) -> Told:
    level: Literal["info", "error"] = "info" if error is None else "error"
    place: JsonObject = {"account": registry.account, "region": registry.region}
    return Told(
        level=level,
        event=event,
        message=f"{registry}: {message}",
        fields={**place, **(_fault(error) if error is not None else {})},
    )


def _fault(fault: Fault) -> JsonObject:
    return {
        "kind": fault.kind.value,
        "operation": fault.operation,
        "code": fault.code,
        "aws_request_id": fault.request_id,
    }
