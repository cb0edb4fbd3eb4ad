"""What the peers do with the boto3 session of an account."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

REGION = "us-east-1"


def read(session: Any) -> None:
    """DescribeRegistry and GetRegistryPolicy, with a client of the account's own."""
    ecr = session.client("ecr", region_name=REGION)
    ecr.describe_registry()
    with suppress(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()


def accounts(count: int) -> list[str]:
    """The ids of the accounts 1 to `count`."""
    return [f"{number + 1:012}" for number in range(count)]
