"""Members of a JSON request, read one by one under the rules of ECR's service model.

A wrong JSON type is a SerializationException, a broken constraint an InvalidParameterException
with the member's path. A member the model does not have is refused too: AWS would pass over it,
but here it is a slip worth hearing about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a string member may be."""

    pattern: re.Pattern[str] | None = None
    shortest: int = 0
    longest: int | None = None
    values: tuple[str, ...] = ()

    def objection(self, text: str) -> str | None:
        """The constraint that `text` breaks."""
        if len(text) < self.shortest:
            return f"Member must have length greater than or equal to {self.shortest}"
        if self.longest is not None and len(text) > self.longest:
            return f"Member must have length less than or equal to {self.longest}"
        if self.pattern is not None and self.pattern.fullmatch(text) is None:
            return f"must satisfy regular expression '{self.pattern.pattern}'"
        if self.values and text not in self.values:
            return f"Member must satisfy enum value set: [{', '.join(self.values)}]"
        return None


ANY_TEXT = Text()


@dataclass(frozen=True, slots=True)
class Structure:
    """One JSON object of a request and its path."""

    members: JsonObject
    at: str = ""

    @classmethod
    def read(cls, value: Json, known: frozenset[str], at: str = "") -> Structure:
        """`value` as an object that has no members but `known`."""
        if not isinstance(value, Mapping):
            raise _wrong_type(at or "the request", "a structure")
        read = cls(value, at)
        for name in value:
            if name not in known:
                raise invalid_parameter(read.path(name), "Member is not known")
        return read

    def path(self, name: str) -> str:
        return f"{self.at}.{name}" if self.at else name

    def get(self, name: str) -> Json:
        """The member, or None where it is absent or null."""
        return self.members.get(name)

    def required(self, name: str) -> Json:
        """The member, which has to be there."""
        value = self.get(name)
        if value is None:
            raise invalid_parameter(self.path(name), "Member must not be null")
        return value

    def text(self, name: str, rule: Text = ANY_TEXT) -> str:
        """A required string."""
        return checked_text(self.required(name), self.path(name), rule)

    def optional_text(self, name: str, rule: Text = ANY_TEXT) -> str | None:
        value = self.get(name)
        return None if value is None else checked_text(value, self.path(name), rule)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise _wrong_type(self.path(name), "a boolean")
        return value

    def required_flag(self, name: str) -> bool:
        self.required(name)
        return self.flag(name, default=False)

    def integer(self, name: str, smallest: int, largest: int) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(self.path(name), "an integer")
        if value < smallest:
            raise invalid_parameter(
                self.path(name), f"Member must have value greater than or equal to {smallest}"
            )
        if value > largest:
            raise invalid_parameter(
                self.path(name), f"Member must have value less than or equal to {largest}"
            )
        return value

    def items(self, name: str, fewest: int, most: int) -> tuple[tuple[str, Json], ...]:
        """A required list: path and value of each item."""
        return _checked_items(self.required(name), self.path(name), fewest, most)

    def optional_items(
        self, name: str, fewest: int, most: int
    ) -> tuple[tuple[str, Json], ...] | None:
        value = self.get(name)
        return None if value is None else _checked_items(value, self.path(name), fewest, most)

    def inner(self, name: str, known: frozenset[str]) -> Structure:
        """A required structure."""
        return Structure.read(self.required(name), known, self.path(name))

    def optional_inner(self, name: str, known: frozenset[str]) -> Structure | None:
        value = self.get(name)
        return None if value is None else Structure.read(value, known, self.path(name))


def objects(value: Json) -> tuple[JsonObject, ...]:
    """The objects in a list, whatever else it may be."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return tuple(one for one in items if isinstance(one, Mapping))


def checked_text(value: Json, at: str, rule: Text) -> str:
    """`value` as a string that keeps to `rule`."""
    if not isinstance(value, str):
        raise _wrong_type(at, "a string")
    if (objection := rule.objection(value)) is not None:
        raise invalid_parameter(at, objection)
    return value


def _checked_items(value: Json, at: str, fewest: int, most: int) -> tuple[tuple[str, Json], ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong_type(at, "a list")
    if len(value) < fewest:
        raise invalid_parameter(at, f"Member must have length greater than or equal to {fewest}")
    if len(value) > most:
        raise invalid_parameter(at, f"Member must have length less than or equal to {most}")
    return tuple((f"{at}[{index}]", item) for index, item in enumerate(value))


def _wrong_type(at: str, wanted: str) -> AwsError:
    return AwsError("SerializationException", f"{at} is not {wanted}")
