"""ECR's pages: `maxResults` and an opaque `nextToken`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.shapes import Structure
from fleet_repl.values.canonical_json import JsonObject

T = TypeVar("T")


def page(items: Sequence[T], request: Structure, *, usual: int = 100) -> tuple[list[T], JsonObject]:
    """Returns the items of the requested page, and the members that lead to the next page.

    A page has `usual` items unless the request has a `maxResults`.
    """
    size = request.members.get("maxResults")
    start = _offset(request.optional("nextToken"))
    end = start + (size if isinstance(size, int) else usual)
    if end >= len(items):
        return [*items[start:]], {}
    return [*items[start:end]], {"nextToken": base64.b64encode(f"after {end}".encode()).decode()}


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
