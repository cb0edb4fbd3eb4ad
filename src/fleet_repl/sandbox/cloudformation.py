"""CloudFormation's DescribeStackResources, of the stacks that a scenario puts into registries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Directory, Identity
from fleet_repl.sandbox.scenario_contents import RegistryScenario
from fleet_repl.sandbox.sts import Result
from fleet_repl.values.names import AccountId, Region, Registry

_ACTION: Final = "cloudformation:DescribeStackResources"
_MADE: Final = "2026-01-01T00:00:00.000Z"


def describe_stack_resources(
    registries: tuple[RegistryScenario, ...],
    directory: Directory,
    caller: Identity,
    region: Region,
    form: Mapping[str, str],
) -> Result:
    """Returns the resources of the stack that has a physical id. Raises AwsError."""
    if not directory.allows(caller, _ACTION):
        raise AwsError(
            "AccessDenied", f"User: {caller.arn} is not authorized to perform: {_ACTION}", 403
        )
    wanted, here = form.get("PhysicalResourceId", ""), Registry(AccountId(caller.account), region)
    for registry in registries:
        for stack in registry.stacks if registry.place == here else ():
            ids = {_physical_id(registry, type_) for type_ in stack.resources.values()}
            if wanted in (stack.name, *ids):
                return {
                    "StackResources": [
                        _resource(registry, stack.name, logical, type_)
                        for logical, type_ in stack.resources.items()
                    ]
                }
    raise AwsError("ValidationError", f"Stack for {wanted} does not exist")


def _physical_id(registry: RegistryScenario, type_: str) -> str:
    """The prefix of a creation template, which follows its type; else the account's id."""
    return type_.partition(" ")[2] or registry.account


def _resource(registry: RegistryScenario, stack: str, logical: str, type_: str) -> Result:
    arn = f"arn:aws:cloudformation:{registry.region}:{registry.account}:stack/{stack}/1"
    return {
        "StackName": stack,
        "StackId": arn,
        "LogicalResourceId": logical,
        "PhysicalResourceId": _physical_id(registry, type_),
        "ResourceType": type_.partition(" ")[0],
        "Timestamp": _MADE,
        "ResourceStatus": "CREATE_COMPLETE",
    }
