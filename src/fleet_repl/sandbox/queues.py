"""SQS: the queues of a scenario, into which the replication of images is reported.

ECR reports a copy at its destination, by EventBridge; that a rule there leads to a queue is taken
for granted. A queue delivers at least once: a message that is received and not deleted comes again.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, TypeAlias
from uuid import UUID, uuid5

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.scenario_contents import QueueScenario
from fleet_repl.sandbox.shapes import Structure, read
from fleet_repl.values.canonical_json import Json, JsonObject, compact_json
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import Partition, Region, Registry, repositories_arn

_NAMESPACE: Final = UUID(int=1)
_MOST: Final = 10
"""Messages that a call takes or deletes at the most (the service's documentation)."""
_LONGEST: Final = 20
"""Seconds that ReceiveMessage waits at the most (likewise)."""
_VISIBILITY: Final = 30
"""Seconds for which a message that was received is not received again, by default."""


@dataclass(slots=True, kw_only=True)
class _Message:
    id: str
    body: str
    received: int = 0
    visible_from: float = 0.0
    """On the monotonic clock."""
    receipt: str = ""
    """The receipt of the last time that it was received."""


@dataclass(slots=True, kw_only=True)
class Queue:
    scenario: QueueScenario
    clock: Clock
    messages: deque[_Message] = field(default_factory=deque)
    _numbers: count[int] = field(default_factory=count)

    def send(self, body: str) -> str:
        """Add a message; returns its id."""
        name = f"{self.scenario.key} {next(self._numbers)}"
        message = _Message(id=str(uuid5(_NAMESPACE, name)), body=body)
        self.messages.append(message)
        return message.id

    def visible(self) -> list[_Message]:
        """Returns the messages that can be received now, oldest first."""
        now = self.clock.monotonic()
        return [message for message in self.messages if message.visible_from <= now]

    def receive(self, most: int, hidden: float) -> list[JsonObject]:
        """Take up to `most` messages, and hide them for so many seconds."""
        taken = self.visible()[:most]
        for message in taken:
            message.received += 1
            message.visible_from = self.clock.monotonic() + hidden
            message.receipt = f"{message.id}#{message.received}"
        return [
            {
                "MessageId": message.id,
                "ReceiptHandle": message.receipt,
                "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": str(message.received)},
            }
            for message in taken
        ]

    def delete(self, receipt: str) -> None:
        """Delete the message of a receipt, if it is there. Raises AwsError for no receipt."""
        identifier, mark, _ = receipt.partition("#")
        if not mark:
            message = f'The input receipt handle "{receipt}" is not a valid receipt handle.'
            raise AwsError("com.amazonaws.sqs#ReceiptHandleIsInvalid", message)
        self.messages = deque(item for item in self.messages if item.id != identifier)


class Queues:
    def __init__(self, scenarios: Iterable[QueueScenario], clock: Clock) -> None:
        self._queues = {item.key: Queue(scenario=item, clock=clock) for item in scenarios}
        self._events = count()
        for queue in self._queues.values():
            for body in queue.scenario.messages:
                queue.send(body)

    def at(self, url: str, region: Region) -> Queue:
        """Returns the queue of a URL, whatever its host. Raises AwsError where there is none."""
        account, _, name = "/".join(url.rsplit("/", 2)[1:]).partition("/")
        queue = self._queues.get(f"{account}/{region}/{name}")
        if queue is None:
            message = "The specified queue does not exist."
            raise AwsError("com.amazonaws.sqs#QueueDoesNotExist", message)
        return queue

    def report(self, event: JsonObject) -> None:
        """Send an event to the queues that events lead to."""
        for queue in self._queues.values():
            if queue.scenario.events:
                for _ in range(queue.scenario.copies):
                    queue.send(compact_json(event))

    def next_event_id(self) -> str:
        return str(uuid5(_NAMESPACE, f"event {next(self._events)}"))


def replication_event(  # noqa: PLR0913 - each is a member of the event
    event_id: str,
    partition: Partition,
    source: Registry,
    destination: Registry,
    *,
    repository: str,
    digest: str,
    tag: str | None,
    succeeded: bool,
    time: str,
) -> JsonObject:
    """Returns the event of a copy as ECR emits it, in the destination's account and region."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "ECR Replication Action",
        "source": "aws.ecr",
        "account": destination.account,
        "time": time,
        "region": destination.region,
        "resources": [f"{repositories_arn(partition, destination)}{repository}"],
        "detail": {
            "result": "SUCCESS" if succeeded else "FAILED",
            "repository-name": repository,
            "image-digest": digest,
            "source-account": source.account,
            "action-type": "REPLICATE",
            "source-region": source.region,
            "image-tag": tag or "",
        },
    }


def waiting_seconds(queues: Queues, region: Region, operation: str, members: JsonObject) -> float:
    """Returns the seconds that a call may wait for a message: 0 for any but a ReceiveMessage that
    asks for it and finds its queue empty."""
    seconds = members.get("WaitTimeSeconds")
    if operation != "ReceiveMessage" or not isinstance(seconds, int):
        return 0
    try:
        queue = queues.at(str(members.get("QueueUrl")), region)
    except AwsError:
        return 0
    return 0 if queue.visible() else min(seconds, _LONGEST)


def call_sqs(queues: Queues, region: Region, operation: str, members: JsonObject) -> JsonObject:
    """Carry out an operation of SQS. Raises AwsError."""
    try:
        request = read(members, f"sqs.{operation}Request")
    except AwsError as error:
        raise AwsError("InvalidParameterValue", error.message) from error
    return _OPERATIONS[operation](queues.at(request.text("QueueUrl"), region), request)


def _receive(queue: Queue, request: Structure) -> JsonObject:
    most = _number(request, "MaxNumberOfMessages", 1, least=1, most=_MOST)
    hidden = _number(request, "VisibilityTimeout", _VISIBILITY, least=0, most=43_200)
    _number(request, "WaitTimeSeconds", 0, least=0, most=_LONGEST)
    messages: list[Json] = [*queue.receive(most, hidden)]
    return {"Messages": messages} if messages else {}


def _delete(queue: Queue, request: Structure) -> JsonObject:
    queue.delete(request.text("ReceiptHandle"))
    return {}


def _delete_batch(queue: Queue, request: Structure) -> JsonObject:
    entries = request.inners("Entries")
    ids = [entry.text("Id") for entry in entries]
    if not entries:
        raise AwsError("com.amazonaws.sqs#EmptyBatchRequest", "There should be at least one entry.")
    if len(entries) > _MOST:
        message = f"Maximum number of entries per request are {_MOST}."
        raise AwsError("com.amazonaws.sqs#TooManyEntriesInBatchRequest", message)
    if len({*ids}) < len(ids):
        raise AwsError("com.amazonaws.sqs#BatchEntryIdsNotDistinct", "Ids are repeated.")
    failed: dict[str, JsonObject] = {}
    for entry in entries:
        try:
            queue.delete(entry.text("ReceiptHandle"))
        except AwsError as error:
            failed[entry.text("Id")] = {
                "Id": entry.text("Id"),
                "Code": error.code.rpartition("#")[2],
                "Message": error.message,
                "SenderFault": True,
            }
    deleted: list[Json] = [{"Id": name} for name in ids if name not in failed]
    return {"Successful": deleted, "Failed": [*failed.values()]}


def _send(queue: Queue, request: Structure) -> JsonObject:
    body = request.text("MessageBody")
    digest = hashlib.md5(body.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
    return {"MessageId": queue.send(body), "MD5OfMessageBody": digest}


def _attributes(queue: Queue, _: Structure) -> JsonObject:
    visible = len(queue.visible())
    place = queue.scenario
    return {
        "Attributes": {
            "QueueArn": f"arn:aws:sqs:{place.region}:{place.account}:{place.name}",
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(len(queue.messages) - visible),
        }
    }


def _number(request: Structure, name: str, usual: int, *, least: int, most: int) -> int:
    value = request.members.get(name, usual)
    if not isinstance(value, int) or not least <= value <= most:
        message = f"Value {json.dumps(value)} for parameter {name} is invalid."
        raise AwsError("InvalidParameterValue", message)
    return value


_Operation: TypeAlias = Callable[[Queue, Structure], JsonObject]
_OPERATIONS: Final[Mapping[str, _Operation]] = {
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _delete_batch,
    "GetQueueAttributes": _attributes,
    "ReceiveMessage": _receive,
    "SendMessage": _send,
}
