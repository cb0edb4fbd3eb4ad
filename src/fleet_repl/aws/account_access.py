"""The base identity's facts, and IAM's answers about the permissions of accounts' identities."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Final

from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.answers import Identity
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Base
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.runs.doctor import BaseIdentity, CheckState, Question, Way, worst
from fleet_repl.values.names import AccountId, Partition, Region, Registry
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
        way: Way,
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
        return BaseIdentity(
            arn=self.identity.arn,
            account=self.identity.account,
            seconds_left=self._base.seconds_left,
            clock_ahead=self._ahead,
            way=self._way,
        )

    def busiest_second(self) -> int:
        """The most AssumeRole calls that this run has made in a second."""
        return max(self._caller.assumed.values(), default=0)

    async def simulate(self, account: AccountId, question: Question) -> Mapping[str, CheckState]:
        """Returns whether IAM would allow the account's identity the actions of a question.

        An action that IAM says nothing about is missing. Raises CallError.
        """
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
            partial(_decisions, question),
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


def _decisions(question: Question, answer: Answer, call: Call) -> dict[str, CheckState]:
    """Returns whether IAM would allow each action, in SimulatePrincipalPolicy's answer.

    IAM decides about every action on every resource of the question, and an action is as allowed as
    on the worst of its own resources. For example, where the question is about
    `ecr:PutRegistryPolicy` on `*` and `iam:PassRole` on a role, the decision about
    `ecr:PutRegistryPolicy` on that role does not count.
    """
    results = answer.parsed.get("EvaluationResults")
    if not isinstance(results, list):
        raise garbage(call, "the answer holds no EvaluationResults", answer.request_id)
    states: dict[str, list[CheckState]] = {}
    for result in results:
        match result:
            case {"EvalActionName": str(action), "ResourceSpecificResults": [_, *_] as decisions}:
                pass
            case {"EvalActionName": str(action)}:
                decisions = [result]
            case _:
                raise garbage(call, "the answer holds a result of no action", answer.request_id)
        for decision in decisions:
            if decision.get("EvalResourceName", "*") in question.resources.get(action, ()):
                states.setdefault(action, []).append(_state(decision))
    return {action: worst(some) for action, some in states.items()}


def _state(decision: Mapping[str, object]) -> CheckState:
    """A decision about one action on one resource. Unknown where it depends on what the question
    did not say, such as the region."""
    match decision:
        case {"EvalDecision": "allowed"} | {"EvalResourceDecision": "allowed"}:
            return CheckState.OK
        case {"MissingContextValues": [_, *_]}:
            return CheckState.UNKNOWN
        case _:
            return CheckState.FAILED
