"""CloudFormation's stacks of a registry's account and region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Registry

_NO_STACK: Final = ("ValidationError", "does not exist")
"""The code and a part of the message of the answer that no stack has such a resource."""


class AwsStacks:
    """CloudFormation, asked with the credentials of each registry's account."""

    def __init__(self, calls: AccountCalls) -> None:
        self._calls = calls

    async def stack_resources(
        self, registry: Registry, physical_id: str
    ) -> tuple[Mapping[str, object], ...]:
        """Returns the resources of the stack that has a resource with this id: rules and policy
        have the account's, a creation template has its prefix. Nothing where no stack has it.
        Raises CallError."""
        parameters = {"PhysicalResourceId": physical_id}
        code, words = _NO_STACK
        try:
            return await self._calls.read(
                registry, "DescribeStackResources", _resources, parameters, service="cloudformation"
            )
        except CallError as error:
            if error.fault.code == code and words in error.fault.message:
                return ()
            raise


def _resources(answer: Answer, call: Call) -> tuple[Mapping[str, object], ...]:
    resources = answer.parsed.get("StackResources")
    listed = resources if isinstance(resources, list) else [None]
    if not all(isinstance(resource, Mapping) for resource in listed):
        raise garbage(call, "the answer holds no StackResources", answer.request_id)
    return tuple(listed)
