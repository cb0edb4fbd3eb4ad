"""A queue of SQS, read as the base identity: it may be of any account and region."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from fleet_repl.aws.answers import body, objects
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.configuration import Endpoint
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.identity import open_service
from fleet_repl.aws.request import Answer, Call
from fleet_repl.engine.ports import QueueMessage
from fleet_repl.values.canonical_json import JsonObject

if TYPE_CHECKING:
    from fleet_repl.aws.credentials import Source
    from fleet_repl.engine.ports import EventSink
    from fleet_repl.engine.retry import Pace
    from fleet_repl.inventory.settings import Aws
    from fleet_repl.values.names import Region
    from fleet_repl.values.queues import QueueAddress

T = TypeVar("T")

BATCH: Final = 10
"""Messages that SQS takes or gives at once (its service model)."""
_WAIT: Final = 20
"""Seconds of a long poll, the most that SQS waits for a message."""
_CONNECTIONS: Final = 2


class AwsQueue:
    """One queue. Made by `open_queue`. Every method raises CallError, which is never transient."""

    def __init__(self, caller: Caller, base: Source, region: Region, url: str) -> None:
        self._caller = caller
        self._base = base
        self._region = region
        self._url = url

    async def receive(self, *, wait: bool = True) -> tuple[QueueMessage, ...]:
        """Returns up to ten messages, which come again unless they are deleted; none where the
        queue stays empty for 20 seconds, or without `wait` is empty now."""
        seconds = _WAIT if wait else 0
        parameters = {"MaxNumberOfMessages": BATCH, "WaitTimeSeconds": seconds}
        return await self._persist("ReceiveMessage", parameters, _messages, float(seconds))

    async def delete(self, messages: Sequence[QueueMessage]) -> int:
        """Deletes at most ten messages; returns how many were not: they come again."""
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt}
            for number, message in enumerate(messages)
        ]
        failed = partial(_listed, "Failed")
        return len(await self._persist("DeleteMessageBatch", {"Entries": entries}, failed))

    async def _persist(
        self,
        operation: str,
        parameters: JsonObject | dict[str, object],
        read: Callable[[Answer, Call], T],
        patience: float = 0.0,
    ) -> T:
        call = Call(
            service="sqs",
            operation=operation,
            region=self._region,
            parameters={"QueueUrl": self._url, **parameters},
            patience=patience,
        )
        return await self._caller.persist(call, lambda: self._caller.once(call, self._base, read))


@asynccontextmanager
async def open_queue(
    aws: Aws,
    address: QueueAddress,
    *,
    pace: Pace,
    on_event: EventSink,
    endpoint: Endpoint | None = None,
) -> AsyncIterator[AwsQueue]:
    """The queue at an address, or on the simulated AWS at `endpoint`. Nothing is called yet.

    The timeout of `pace` has to be longer than a long poll. Raises IdentityError for a base
    identity or settings of the SDK that cannot be used.
    """
    async with open_service(
        aws,
        "sqs",
        address.region,
        pace=pace,
        endpoint=endpoint,
        on_event=on_event,
        concurrency=_CONNECTIONS,
    ) as (caller, base, region):
        yield AwsQueue(caller, base, region, address.url)


def _messages(answer: Answer, call: Call) -> tuple[QueueMessage, ...]:
    """The messages of an answer; an empty queue's is `{}`, or has an empty list."""
    return tuple(_message(item, answer, call) for item in _listed("Messages", answer, call))


def _message(item: JsonObject, answer: Answer, call: Call) -> QueueMessage:
    match item:
        case {"MessageId": str(name), "ReceiptHandle": str(receipt), "Body": str(text)}:
            return QueueMessage(id=name, receipt=receipt, body=text)
        case _:
            because = "the answer holds a message without an id, a receipt or a body"
            raise garbage(call, because, answer.request_id)


def _listed(member: str, answer: Answer, call: Call) -> tuple[JsonObject, ...]:
    document = body(answer, call)
    return objects(document, member, answer, call) if member in document else ()
