"""Requests, checked by the shapes of AWS's own service models.

`request_shapes.json` is a copy of the part of botocore's models that the sandbox needs. The copy
keeps the sandbox independent of the SDK that its callers use: the SDK's version does not change
what the sandbox knows, and neither loads the other. A test compares copy and models. A member that
no model has is refused: AWS would ignore it, but in a test with a sandbox it is a slip.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.values.canonical_json import Json, JsonObject

_ANCHORED: Final = re.compile(r"\A\^(.*)\$\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The constraints on a value, by the names that botocore's models have for them."""

    type: str
    """structure, list, string, integer, boolean or timestamp."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Name and shape of each member of a structure."""
    required: Sequence[str] = ()
    member: str = ""
    """The shape of a list's items."""
    min: int = 0
    """Bounds of a number, or of the length of a string or list."""
    max: float = math.inf
    pattern: str = ""
    enum: Sequence[str] = ()

    def objection(self, value: str | int) -> str | None:
        """Returns the constraint that a string or number breaks, in AWS's words, or None."""
        if isinstance(value, int):
            return self.out_of_bounds("value", value, self.max)
        if (reason := self.out_of_bounds("length", len(value), self.max)) is not None:
            return reason
        if self.pattern and re.fullmatch(self.pattern, value, re.ASCII) is None:
            # The whole text has to match anyway, so anchors are left out of the message.
            pattern = _ANCHORED.sub(r"\1", self.pattern)
            return f"must satisfy regular expression '{pattern}'"
        if self.enum and value not in self.enum:
            return f"Member must satisfy enum value set: [{', '.join(self.enum)}]"
        return None

    def out_of_bounds(self, quantity: str, number: int, maximum: float) -> str | None:
        """Returns the bound that a number breaks, in AWS's words, or None."""
        if number < self.min:
            return f"Member must have {quantity} greater than or equal to {self.min}"
        if number > maximum:
            return f"Member must have {quantity} less than or equal to {maximum}"
        return None


_MODEL: Final = json.loads(Path(__file__).with_name("request_shapes.json").read_text())
OPERATIONS: Final[Mapping[str, Sequence[str]]] = _MODEL["operations"]
"""The names of all operations that the sandbox takes, by service."""
SHAPES: Final = {name: Shape(**shape) for name, shape in _MODEL["shapes"].items()}
_NO_LIMITS: Final[Mapping[str, int]] = MappingProxyType({})
_TYPES: Final = {
    "structure": "a structure",
    "list": "a list",
    "string": "a string",
    "integer": "an integer",
    "boolean": "a boolean",
    "timestamp": "a number",
}


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure that was checked: its members fit their shapes, and none is null."""

    members: JsonObject

    def text(self, name: str) -> str:
        """Returns a string that the shape requires."""
        return str(self.members[name])

    def optional(self, name: str) -> str | None:
        """Returns a string, or None where it is absent."""
        return None if name not in self.members else str(self.members[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """Returns the strings of a list, none where it is absent."""
        value = self.members.get(name)
        return tuple(map(str, value)) if isinstance(value, Sequence) else ()

    def inner(self, name: str) -> Structure:
        """Returns a structure, an empty one where it is absent."""
        value = self.members.get(name)
        return Structure(value if isinstance(value, Mapping) else {})

    def inners(self, name: str) -> tuple[Structure, ...]:
        """Returns the structures of a list, none where it is absent."""
        return tuple(map(Structure, objects(self.members.get(name))))


def read(
    value: Json, shape: str, at: str = "", *, limits: Mapping[str, int] = _NO_LIMITS
) -> Structure:
    """Returns the checked structure of a JSON value that stands at the path `at` of a request.

    `limits` replaces maximum lengths of the model, by shape. Raises AwsError: a
    SerializationException for a wrong JSON type, else an InvalidParameterException with the path.
    """
    checked = _checked(value, shape, at, limits)
    return Structure(checked if isinstance(checked, Mapping) else {})


def json_object(text: str | bytes) -> JsonObject | None:
    """Returns the JSON object in a text, or None where the text is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def objects(value: Json) -> tuple[JsonObject, ...]:
    """Returns the objects in a list, and none where the value is no list."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return tuple(item for item in items if isinstance(item, Mapping))


def _checked(value: Json, name: str, at: str, limits: Mapping[str, int]) -> Json:
    shape = SHAPES[name]
    match shape.type, value:
        case ("string", str(scalar)) | ("integer", int(scalar)) if not isinstance(scalar, bool):
            _refuse(at, shape.objection(scalar))
            return scalar
        case "timestamp", int(moment) | float(moment) if not isinstance(moment, bool):
            return moment
        case "boolean", bool(flag):
            return flag
        case "list", [*items]:
            _refuse(at, shape.out_of_bounds("length", len(items), limits.get(name, shape.max)))
            return [
                _checked(item, shape.member, f"{at}[{index}]", limits)
                for index, item in enumerate(items)
            ]
        case "structure", Mapping():
            return _checked_members(value, shape, at, limits)
    raise AwsError("SerializationException", f"{at or 'the request'} is not {_TYPES[shape.type]}")


def _checked_members(
    value: JsonObject, shape: Shape, at: str, limits: Mapping[str, int]
) -> JsonObject:
    prefix = f"{at}." if at else ""
    for name in value:
        if name not in shape.members:
            raise invalid_parameter(prefix + name, "Member is not known")
    checked: dict[str, Json] = {}
    for name, member in shape.members.items():
        if value.get(name) is not None:
            checked[name] = _checked(value[name], member, prefix + name, limits)
        elif name in shape.required:
            raise invalid_parameter(prefix + name, "Member must not be null")
    return checked


def _refuse(at: str, objection: str | None) -> None:
    if objection is not None:
        raise invalid_parameter(at, objection)
