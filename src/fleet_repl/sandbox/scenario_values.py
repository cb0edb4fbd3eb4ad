"""Single values of a scenario file: what each may be, and how it is told that one is not."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue

from fleet_repl.sandbox.operations import OPERATIONS, OTHER_ACTIONS
from fleet_repl.sandbox.wildcards import matches


def _operation(value: object) -> object:
    known = [name for names in OPERATIONS.values() for name in names]
    if isinstance(value, str) and value not in known:
        raise ValueError(f"is no operation of the sandbox; it has {', '.join(sorted(known))}")
    return value


def _ecr_operation(value: object) -> object:
    known = OPERATIONS["ecr"]
    if isinstance(value, str) and value not in known:
        raise ValueError(f"is no ECR operation of the sandbox; it has {', '.join(known)}")
    return value


def _action(value: object) -> object:
    actions = (*(f"ecr:{name}" for name in OPERATIONS["ecr"]), *OTHER_ACTIONS)
    if isinstance(value, str) and not any(matches(value.lower(), one.lower()) for one in actions):
        raise ValueError("fits no action of the sandbox; one is ecr:PutRegistryPolicy")
    return value


def _document(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from error


def _span(value: object) -> object:
    if isinstance(value, int | float):
        return value, value
    return tuple(value) if isinstance(value, list) else value


Account: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
Operation: TypeAlias = Annotated[str, BeforeValidator(_operation)]
EcrOperation: TypeAlias = Annotated[str, BeforeValidator(_ecr_operation)]
Action: TypeAlias = Annotated[str, BeforeValidator(_action)]
Milliseconds: TypeAlias = Annotated[float, Field(ge=0)]
Span: TypeAlias = Annotated[tuple[Milliseconds, Milliseconds], BeforeValidator(_span)]
"""The least and the most; a number is both."""
Document: TypeAlias = Annotated[dict[str, JsonValue], BeforeValidator(_document)]
"""An AWS document, written as a TOML table or as JSON text."""
