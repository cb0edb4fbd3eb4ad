"""The ECR resources in CloudFormation stacks, as DescribeStackResources lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fleet_repl.planning.change import Resource
from fleet_repl.planning.elsewhere.model import HeldResource, Holder
from fleet_repl.values.names import Registry
from fleet_repl.values.text import visible

_TYPES: Final = {
    "AWS::ECR::ReplicationConfiguration": Resource.REPLICATION_CONFIGURATION,
    "AWS::ECR::RegistryPolicy": Resource.REGISTRY_POLICY,
    "AWS::ECR::RepositoryCreationTemplate": Resource.CREATION_TEMPLATE,
}
_GONE: Final = ("DELETE_COMPLETE", "DELETE_SKIPPED")
_STACK: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_LOGICAL_ID: Final = re.compile(r"[A-Za-z0-9]{1,255}")


def held_by_stacks(
    registry: Registry, resources: Iterable[Mapping[str, object]]
) -> Iterator[HeldResource]:
    """Yields what stacks hold of a registry, out of all resources of a stack there."""
    for resource in resources:
        kind = _TYPES.get(str(resource.get("ResourceType")))
        stack, logical = str(resource.get("StackName")), str(resource.get("LogicalResourceId"))
        is_named = _STACK.fullmatch(stack) and _LOGICAL_ID.fullmatch(logical)
        if kind is None or not is_named or resource.get("ResourceStatus") in _GONE:
            continue
        of_template = kind is Resource.CREATION_TEMPLATE
        yield HeldResource(
            holder=Holder.CLOUDFORMATION,
            resource=kind,
            account=registry.account,
            region=registry.region,
            prefix=visible(str(resource.get("PhysicalResourceId"))) if of_template else None,
            address=f"{stack}/{logical}",
            target=stack,
        )
