"""Pages of lists: at most so many items, and an opaque token that leads to the next page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, TypeVar

from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.values.canonical_json import JsonObject

T = TypeVar("T")
_NAMES: Final = ("maxResults", "nextToken", "nextToken")
"""ECR's names of the size of a page, of its token, and of the token of the next page."""
UPPER: Final = ("MaxResults", "NextToken", "NextToken")


def page(
    items: Sequence[T],
    request: Structure,
    *,
    usual: int = 100,
    names: tuple[str, str, str] = _NAMES,
) -> tuple[list[T], JsonObject]:
    """Returns the items of the requested page, and the members that lead to the next page.

    A page has `usual` items unless the request has a size. `names`: of the members, as in ECR.
    """
    size_name, token_name, next_name = names
    size = request.members.get(size_name)
    start = _offset(request.optional(token_name))
    end = start + (size if isinstance(size, int) else usual)
    if end >= len(items):
        return [*items[start:]], {}
    return [*items[start:end]], {next_name: base64.b64encode(f"after {end}".encode()).decode()}


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
