"""What ECR demands of a replication configuration beyond the shapes of its members.

A destination that cannot be is an InvalidParameterException; the quota on unique destinations is a
ValidationException, ECR's word for rules that are well-formed but not to be had.
"""

from __future__ import annotations

from fleet_repl.inventory.model import Limits
from fleet_repl.names import AccountId, Partition, Region, Registry
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.shapes import Structure

_AT = "replicationConfiguration"


def check_destinations(
    configuration: Structure, source: Registry, partition: Partition, limits: Limits
) -> None:
    """Raise AwsError for a destination in another partition, the source itself, or too many."""
    destinations = set()
    for i, rule in enumerate(configuration.inners("rules")):
        for k, destination in enumerate(rule.inners("destinations")):
            region, account = destination.text("region"), destination.text("registryId")
            if not partition.holds(region):
                at = f"{_AT}.rules[{i}].destinations[{k}].region"
                raise invalid_parameter(at, f"'{region}' is not a region")
            destinations.add(Registry(AccountId(account), Region(region)))
    if source in destinations:
        raise invalid_parameter(
            _AT, "Replication destination cannot be the same as the source registry"
        )
    if len(destinations) > limits.destinations:
        raise AwsError(
            "ValidationException",
            f"The replication configuration has {len(destinations)} unique destinations across "
            f"all rules; at most {limits.destinations} are allowed",
        )
