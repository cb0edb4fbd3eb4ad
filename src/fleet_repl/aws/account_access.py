"""The base identity's facts, and IAM's answers about the permissions of accounts' identities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.answers import Identity
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Base
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.values.names import AccountId, Partition, Region, Registry

if TYPE_CHECKING:
    from fleet_repl.runs.doctor import BaseIdentity, CheckState, Question, Way
    from fleet_repl.values.queues import QueueAddress

_WAITING: Final = "ApproximateNumberOfMessages"


class AccountAccess:
    """The access that a run has to AWS. Made by `open_aws`, right after GetCallerIdentity."""

    def __init__(
        self,
        caller: Caller,
        calls: AccountCalls,
        identity: Identity,
        base: Base,
        way: Callable[[], Way],
        region: Region,
    ) -> None:
        """`region`: that of a queue whose URL names none."""
        self.identity: Final = identity
        """The base identity."""
        self._caller = caller
        self._calls = calls
        self._base = base
        self._way = way
        self._region = region
        dated, now = identity.dated, caller.pace.clock.now()
        self._ahead = None if dated is None else (now - dated).total_seconds()

    def base_identity(self) -> BaseIdentity:
        """The base identity as it is now, and the way on which it reaches AWS."""
        # Only a doctor asks.
        from fleet_repl.runs.doctor import BaseIdentity  # noqa: PLC0415

        return BaseIdentity(
            arn=self.identity.arn,
            account=self.identity.account,
            seconds_left=self._base.seconds_left,
            clock_ahead=self._ahead,
            way=self._way(),
        )

    def busiest_second(self) -> int:
        """The most AssumeRole calls that this run has made in a second."""
        return max(self._caller.assumed.values(), default=0)

    async def simulate(self, account: AccountId, question: Question) -> Mapping[str, CheckState]:
        """Returns whether IAM would allow the account's identity the actions of a question.

        An action that IAM says nothing about is missing. Raises CallError.
        """
        from fleet_repl.aws.decisions import decisions_of  # noqa: PLC0415 - only a doctor asks

        resources = dict.fromkeys(chain.from_iterable(question.resources.values()))
        parameters: dict[str, object] = {
            "PolicySourceArn": question.principal,
            "ActionNames": list(question.resources),
            "ResourceArns": list(resources),
        }
        if question.service is not None:
            key = {"ContextKeyName": "iam:AWSServiceName", "ContextKeyType": "string"}
            parameters["ContextEntries"] = [{**key, "ContextKeyValues": [question.service]}]
        # IAM is the same in all regions of a partition.
        place = Registry(account, Partition(self.identity.partition).first_region)
        return await self._calls.read(
            place,
            "SimulatePrincipalPolicy",
            partial(decisions_of, question),
            parameters,
            service="iam",
        )

    async def waiting_messages(self, queue: QueueAddress) -> int:
        """Returns about how many messages wait in a queue, by the base identity. Receives none.
        Raises CallError."""
        call = Call(
            service="sqs",
            operation="GetQueueAttributes",
            region=queue.region or self._region,
            account=self.identity.account,
            parameters={"QueueUrl": queue.url, "AttributeNames": [_WAITING]},
        )
        return await self._caller.persist(
            call, lambda: self._caller.once(call, self._base, _waiting_messages)
        )


def _waiting_messages(answer: Answer, call: Call) -> int:
    match answer.parsed:
        case {"Attributes": {"ApproximateNumberOfMessages": str(number)}} if number.isdecimal():
            return int(number)
        case _:
            because = f"the answer holds no {_WAITING}"
            raise garbage(call, because, answer.request_id)
