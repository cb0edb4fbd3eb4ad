"""A call to AWS and its answer, as values. Nothing here sends anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from fleet_repl.values.names import AccountId, Region, Registry, RoleArn, Secret

Service: TypeAlias = Literal[
    "account",
    "cloudformation",
    "cloudtrail",
    "ec2",
    "ecr",
    "ecs",
    "iam",
    "lambda",
    "organizations",
    "s3",
    "sqs",
    "sts",
]

_WRITES: Final = ("Create", "Delete", "Put", "Start", "Stop", "Update")
"""Prefixes of the operations that change something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operation with its parameters, and the account and role that a failure has to name."""

    service: Service
    operation: str
    """The operation in AWS's spelling, such as `DescribeRegistry`."""
    region: Region
    account: AccountId | None = None
    """The account that the call is made for; None for a call that serves all accounts."""
    role: RoleArn | None = None
    """The role that signs, or for AssumeRole the role to be assumed; None: the base identity."""
    parameters: Mapping[str, object] = field(default_factory=dict, repr=False)
    assumer: str = "whoever assumes it"
    """For AssumeRole: who signs, in words."""
    bootstrap: str = "fleet-repl bootstrap INVENTORY"
    """For AssumeRole: the command that prints what makes the role."""
    absent: str | None = None
    """The error code that is an answer too: the thing asked for does not exist."""
    hidden: tuple[Secret, ...] = ()
    """Secrets in the parameters, which AWS may repeat in an error."""
    patience: float = 0.0
    """Seconds that an attempt may take beyond the timeout, for large contents."""

    @property
    def writes(self) -> bool:
        return self.operation.startswith(_WRITES)

    @property
    def subject(self) -> Registry | AccountId | None:
        """The subject that an attempt counts for: ECR's registry, the account of AssumeRole."""
        if self.service == "ecr" and self.account is not None:
            return Registry(self.account, self.region)
        return self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with a status below 300, or the error that is the call's `absent`."""

    body: bytes = field(repr=False)
    """The body as it came over the wire, or the content of the stream that the SDK returned."""
    parsed: Mapping[str, object] = field(repr=False)
    """The body as the SDK parsed it: fields that the SDK does not know are missing."""
    request_id: str | None
    absent: bool = False
    """True if AWS says that the thing asked for does not exist."""


class UnparsedAnswerError(Exception):
    """The SDK could not parse an answer. Never leaves this package."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"status {status}")


class OversizedAnswerError(Exception):
    """An answer is larger than any answer of its kind. Never leaves this package."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit:,} bytes")
