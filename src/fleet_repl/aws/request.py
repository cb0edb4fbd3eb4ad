"""One call to AWS and its answer, as values: what is asked, where, by whom and for whom.

Nothing here talks to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from fleet_repl.values.names import AccountId, Region, Registry, RoleArn, Secret

Service: TypeAlias = Literal["ecr", "s3", "sts"]

_WRITES: Final = ("Create", "Delete", "Put", "Start", "Stop", "Update")
"""How the names of operations begin that change something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation with its parameters, and what a reader of its failure has to know."""

    service: Service
    operation: str
    """As AWS spells it, such as `DescribeRegistry`."""
    region: Region
    account: AccountId | None = None
    """The account it is made for; None where it is for all of them."""
    role: RoleArn | None = None
    """The role at work, or for AssumeRole the one to be assumed; None: the base identity."""
    parameters: Mapping[str, object] = field(default_factory=dict, repr=False)
    hidden: tuple[Secret, ...] = ()
    """Texts that AWS may repeat in an error and nobody may see."""
    patience: float = 0.0
    """Seconds that an attempt may take beyond the timeout: what is large takes its time."""

    @property
    def writes(self) -> bool:
        return self.operation.startswith(_WRITES)

    @property
    def subject(self) -> Registry | AccountId | None:
        """Whose attempt it is: a registry's for ECR, an account's for its AssumeRole."""
        if self.service == "ecr" and self.account is not None:
            return Registry(self.account, self.region)
        return self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back with a status below 300."""

    body: bytes = field(repr=False)
    """As it came over the wire; what a stream held, where the SDK gives one."""
    parsed: Mapping[str, object] = field(repr=False)
    """What the SDK made of it: fields it does not know are missing."""
    request_id: str | None


class UnparsedAnswerError(Exception):
    """An answer came, and the SDK could make nothing of it. Never leaves this package."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"status {status}")


class OversizedAnswerError(Exception):
    """An answer came that is larger than any of its kind. Never leaves this package."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit:,} bytes")
