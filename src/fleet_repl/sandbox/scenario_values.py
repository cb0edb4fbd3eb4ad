"""The values in a scenario file: accounts, operations, actions, times and AWS documents."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from fleet_repl.sandbox.policy import matches
from fleet_repl.sandbox.shapes import OPERATIONS
from fleet_repl.values.names import ACCOUNT_ID

_SERVICES: Final = ("ecr", "ecs", "lambda", "sqs")
"""Services whose calls each ask for the action of their own name."""
_ACTIONS: Final = (
    *(f"{service}:{name}" for service in _SERVICES for name in OPERATIONS[service]),
    "account:ListRegions",
    "cloudformation:DescribeStackResources",
    "cloudtrail:LookupEvents",
    "ec2:DescribeRegions",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "iam:SimulatePrincipalPolicy",
)
"""IAM actions that calls ask for: mostly those of their own names. Putting rules may ask for
having ECR make the role that it copies with, and a template for handing over a role."""


def _operation(value: str) -> str:
    operations = sorted({name for names in OPERATIONS.values() for name in names})
    if value not in operations:
        raise ValueError(f"is no operation of the sandbox; it has {', '.join(operations)}")
    return value


def _ecr_operation(value: str) -> str:
    operations = OPERATIONS["ecr"]
    if value not in operations:
        raise ValueError(f"is no ECR operation of the sandbox; it has {', '.join(operations)}")
    return value


def _action(value: str) -> str:
    if not any(matches(value.lower(), action.lower()) for action in _ACTIONS):
        raise ValueError("fits no action of the sandbox; one is ecr:PutRegistryPolicy")
    return value


def _from_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from error


def _both_ends(value: object) -> object:
    if isinstance(value, int | float):
        return value, value
    # A strict tuple takes JSON's lists, but not a list that a validator has handed on.
    return tuple(value) if isinstance(value, list) else value


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("wants the least before the most")
    return value


Account: TypeAlias = Annotated[str, Field(pattern=f"^{ACCOUNT_ID}$")]
Operation: TypeAlias = Annotated[str, AfterValidator(_operation)]
EcrOperation: TypeAlias = Annotated[str, AfterValidator(_ecr_operation)]
Action: TypeAlias = Annotated[str, AfterValidator(_action)]
Milliseconds: TypeAlias = Annotated[float, Field(ge=0)]
Seconds: TypeAlias = Annotated[float, Field(ge=0)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]
Span: TypeAlias = Annotated[
    tuple[Milliseconds, Milliseconds], BeforeValidator(_both_ends), AfterValidator(_ordered)
]
"""The least and the most; a number is both."""
Document: TypeAlias = Annotated[dict[str, JsonValue], BeforeValidator(_from_json)]
"""An AWS document, written as a TOML table or as JSON text."""
PolicyScope: TypeAlias = Literal["V1", "V2"]


class Part(BaseModel):
    """A table of a scenario file, whose reader pydantic makes once there is a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
