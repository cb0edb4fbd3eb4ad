"""JSON texts within an inventory: policies for repositories, in the form they are sent in.

Only what makes a text useless whatever it says is told; what a policy means is for ECR to judge.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from fleet_repl.canonical import RepeatedKeyError, compact_json, parse_json
from fleet_repl.inventory.reading import is_deep


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """What a policy of one kind must be like."""

    longest: int
    """Characters that ECR takes."""
    needs: str
    """The key without which it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why a text is no such policy, in words that follow its key."""

    message: str


_TOO_MUCH: Final = "lists or objects are nested too deeply, or a number is no JSON number"


def policy_text(text: str, kind: PolicyKind) -> str | Unfit:
    """The same policy without white space, so that layout changes nothing and costs nothing."""
    try:
        document = parse_json(text)
    except ValueError as error:
        return Unfit(message=f"is not JSON: {_fault(error)}")
    if not isinstance(document, dict):
        return Unfit(message="is not a JSON object")
    if is_deep(document):
        return Unfit(message=f"is not JSON: {_TOO_MUCH}")
    if not document.get(kind.needs):
        return Unfit(message=f'is a policy without "{kind.needs}"')
    return _within(compact_json(document), kind.longest)


def _fault(error: ValueError) -> str:
    """Why a text is no JSON; of a number or a depth that is too much, the parser's words vary."""
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} (line {error.lineno}, column {error.colno})"
        case RepeatedKeyError():
            return str(error)
        case _:
            return _TOO_MUCH


def _within(text: str, longest: int) -> str | Unfit:
    try:
        text.encode()
    except UnicodeEncodeError:
        # JSON may spell half of a surrogate pair, which no request can carry.
        return Unfit(message="is not JSON: it holds half of a surrogate pair")
    if len(text) <= longest:
        return text
    return Unfit(
        message=f"must be at most {longest:,} characters long, and has {len(text):,} "
        "without white space"
    )
