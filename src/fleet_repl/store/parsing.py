"""What the texts in every document are checked for, and how a failed check is told."""

from __future__ import annotations

from pydantic import ValidationError


def printable(text: str) -> str:
    """`text` if it is fit for a terminal. Raises ValueError."""
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


def first_problem(error: ValidationError) -> str:
    """Where the first thing wrong with a document is, and what; never the value itself."""
    first = error.errors(include_input=False)[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
