"""CloudTrail's event history of a registry's account and region."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.answers import body, objects
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.values.canonical_json import JsonObject, parse_json
from fleet_repl.values.names import Registry

_PAGE: Final = 50
"""The most events that LookupEvents returns at once (its service model)."""


class AwsTrail:
    """CloudTrail, asked with the credentials of each registry's account."""

    def __init__(self, calls: AccountCalls) -> None:
        self._calls = calls

    async def recorded_calls(
        self, registry: Registry, operation: str, since: datetime
    ) -> tuple[JsonObject, ...]:
        """Returns the records of one API call from a time on, newest first: one page, 50 at the
        most. Raises CallError."""
        attribute = {"AttributeKey": "EventName", "AttributeValue": operation}
        parameters = {"LookupAttributes": [attribute], "StartTime": since, "MaxResults": _PAGE}
        return await self._calls.read(
            registry, "LookupEvents", _records, parameters, service="cloudtrail"
        )


def _records(answer: Answer, call: Call) -> tuple[JsonObject, ...]:
    events = objects(body(answer, call), "Events", answer, call)
    return tuple(_record(event, answer, call) for event in events)


def _record(event: JsonObject, answer: Answer, call: Call) -> JsonObject:
    """Returns the record that an event holds as a text."""
    text = event.get("CloudTrailEvent")
    if isinstance(text, str):
        try:
            record = parse_json(text)
        except ValueError:
            record = None
        if isinstance(record, dict):
            return record
    raise garbage(call, "the answer holds an event without its record", answer.request_id)
