"""ECR's pages: `maxResults` and an opaque `nextToken`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, TypeVar

from fleet_repl.canonical import Json
from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.shapes import Structure

T = TypeVar("T")

PAGE: Final = 100
"""Items where a call does not say."""
LONGEST_PAGE: Final = 1000


def page(
    items: Sequence[T], asked: Structure, *, usual: int = PAGE, longest: int = LONGEST_PAGE
) -> tuple[Sequence[T], dict[str, Json]]:
    """The items of the page that is asked for, and the members that lead to the next one."""
    most = asked.integer("maxResults", 1, longest) or usual
    start = _offset(asked.optional_text("nextToken"))
    end = start + most
    if end >= len(items):
        return items[start:], {}
    return items[start:end], {"nextToken": base64.b64encode(f"after {end}".encode()).decode()}


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        word, _, number = base64.b64decode(token, validate=True).decode().partition(" ")
    except (binascii.Error, UnicodeDecodeError):
        word, number = "", ""
    if word != "after" or not number.isdecimal():
        raise invalid_parameter("nextToken", "Token is not valid")
    return int(number)
