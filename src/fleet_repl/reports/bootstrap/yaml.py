"""YAML as CloudFormation templates are written by hand: block style, short forms of functions.

Only for what a template here holds: mappings, lists, texts, numbers and truth values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from fleet_repl.values.canonical_json import parse_json

Value: TypeAlias = "str | int | float | Function | Sequence[Value] | Mapping[str, Value] | None"

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_/.-]*(?:(?: |:+)[A-Za-z0-9_/.-]+)*")
"""Texts that YAML takes for nothing else, unless they are one of its words."""
_HALVES: Final = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
_WORDS: Final = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})


@dataclass(frozen=True, slots=True)
class Function:
    """A function of CloudFormation in its short form, such as `!Ref Principal`."""

    name: str
    argument: Value


def yaml_lines(value: Mapping[str, Value], indent: int = 0) -> Iterator[str]:
    """The lines of a mapping, each behind `indent` spaces."""
    for key, item in value.items():
        yield from _entry(f"{' ' * indent}{_scalar(key)}:", item, indent + 2)


def _entry(start: str, value: Value, indent: int) -> Iterator[str]:
    """A value behind its key or dash; what takes lines of its own stands at `indent`."""
    match value:
        case Function(name, str() as argument):
            yield f"{start} !{name} {_scalar(argument)}"
        case Function(name, argument):
            yield from _entry(f"{start} !{name}", argument, indent)
        case str():
            yield f"{start} {_scalar(value)}"
        case bool() | int() | float() | None:
            yield f"{start} {json.dumps(value)}"
        case Mapping() | Sequence() if not value:
            yield f"{start} {'{}' if isinstance(value, Mapping) else '[]'}"
        case Mapping():
            yield start
            yield from yaml_lines(value, indent)
        case _:
            yield start
            for item in value:
                yield from _item(item, indent)


def _item(value: Value, indent: int) -> Iterator[str]:
    dash = f"{' ' * indent}-"
    if isinstance(value, Mapping) and value:
        first, *rest = yaml_lines(value, indent + 2)
        yield f"{dash} {first.lstrip()}"
        yield from rest
    else:
        yield from _entry(dash, value, indent + 2)


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    # A string of JSON is one of YAML, but for letters that JSON writes as two halves.
    return _HALVES.sub(_whole, json.dumps(text))


def _whole(halves: re.Match[str]) -> str:
    letter = str(parse_json(f'"{halves[0]}"'))
    return f"\\U{ord(letter):08x}"
