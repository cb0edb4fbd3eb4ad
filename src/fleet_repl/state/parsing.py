"""What the texts in every document are checked for, and how a failed check is told."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from fleet_repl.values.canonical_json import parse_json

_Model = TypeVar("_Model", bound=BaseModel)


def read_document(model: type[_Model], content: bytes) -> _Model:
    """The document in a JSON text. Raises ValueError with the first thing that is wrong with it."""
    # pydantic reads the text by itself, and takes the last of two members of one name.
    try:
        parse_json(content)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        reason = first_problem(error)
    raise ValueError(reason)


def printable(text: str) -> str:
    """`text` if it is fit for a terminal. Raises ValueError."""
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


def first_problem(error: ValidationError) -> str:
    """Where the first thing wrong with a document is, and what; never the value itself."""
    first = error.errors(include_input=False)[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
