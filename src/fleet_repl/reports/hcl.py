"""HCL as Terraform reads it: texts, values and blocks with their `=` in a column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeAlias

from fleet_repl.values.canonical_json import Json

_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Item: TypeAlias = "tuple[str, str] | Sequence[str]"
"""An argument with its expression, or the lines of a block within a block."""


def quoted(text: str) -> str:
    """A text in quotes, in which nothing begins an expression of Terraform's."""
    return f'"{escaped("".join(map(_spelled, text)))}"'


def escaped(text: str) -> str:
    """A text in which nothing begins an expression of Terraform's."""
    return text.replace("${", "$${").replace("%{", "%%{")


def listed(items: Sequence[str]) -> str:
    """A list of texts on one line."""
    return f"[{', '.join(map(quoted, items))}]"


def expression(value: Json, indent: int = 0) -> str:
    """A value of JSON as an expression; what takes several lines goes on at `indent` spaces."""
    inner, outer = " " * (indent + 2), " " * indent
    match value:
        case str():
            return quoted(value)
        case Mapping() if value:
            lines = _aligned(
                [(quoted(key), expression(item, indent + 2)) for key, item in value.items()]
            )
            return "\n".join(["{", *(f"{inner}{line}" for line in lines), f"{outer}}}"])
        case [_, *_]:
            items = [f"{inner}{expression(item, indent + 2)}," for item in value]
            return "\n".join(["[", *items, f"{outer}]"])
        case _:
            return json.dumps(value)


def block(header: str, items: Sequence[Item]) -> list[str]:
    """The lines of a block. Arguments that stand together have their `=` in a column."""
    lines: list[str] = []
    for is_argument, some in groupby(items, lambda item: isinstance(item, tuple)):
        if is_argument:
            arguments = [(item[0], item[1]) for item in some]
            lines += [f"  {line}" for line in _aligned(arguments)]
            continue
        for inner in some:
            gap = [""] if lines else []
            lines += [*gap, *(f"  {line}" if line else "" for line in inner)]
    return [f"{header} {{", *lines, "}"]


def _aligned(arguments: Sequence[tuple[str, str]]) -> Iterator[str]:
    """As `terraform fmt` aligns them: an argument of several lines begins a column of its own."""
    for is_long, some in groupby(arguments, lambda argument: "\n" in argument[1]):
        group = list(some)
        width = 0 if is_long else max(len(key) for key, _ in group)
        yield from (f"{key:<{width}} = {value}" for key, value in group)


def _spelled(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
