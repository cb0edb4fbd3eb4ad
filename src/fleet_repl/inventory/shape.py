"""Shape: a parsed and filled document → the models of `schema`, whatever is wrong with it.

Keys that are unknown or of the wrong type are told about in plain words and then taken out,
so that everything else is still checked. pydantic's own messages are never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fleet_repl.inventory import schema
from fleet_repl.inventory.fields import AMOUNT_TYPE
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.guessing import closest
from fleet_repl.inventory.paths import KeyPath, found
from fleet_repl.inventory.spelling import spelled

_TABLES: Final[Mapping[KeyPath, type[schema.Table]]] = {
    (): schema.Document,
    ("aws",): schema.AwsTable,
    ("accounts",): schema.AccountTable,
    ("external",): schema.ExternalTable,
    ("routes",): schema.RouteTable,
    ("routes", "from"): schema.SelectorTable,
    ("routes", "from", "not"): schema.MatchTable,
    ("routes", "to"): schema.SelectorTable,
    ("routes", "to", "not"): schema.MatchTable,
    ("templates",): schema.TemplateTable,
    ("templates", "select"): schema.SelectorTable,
    ("templates", "select", "not"): schema.MatchTable,
    ("ownership",): schema.OwnershipTable,
    ("waves",): schema.WaveTable,
    ("waves", "select"): schema.SelectorTable,
    ("waves", "select", "not"): schema.MatchTable,
    ("safety",): schema.SafetyTable,
    ("safety", "protected"): schema.SelectorTable,
    ("safety", "protected", "not"): schema.MatchTable,
    ("warnings",): schema.WarningsTable,
    ("state",): schema.StateTable,
    ("apply",): schema.ApplyTable,
    ("limits",): schema.LimitsTable,
}
"""The model behind each table, by its path without indexes."""
KNOWN_KEYS: Final = frozenset(
    field.alias or name for table in _TABLES.values() for name, field in table.model_fields.items()
)

_ARRAYS_OF_TABLES: Final = frozenset({"accounts", "external", "routes", "templates", "waves"})
_LISTS: Final = frozenset(
    {
        "regions",
        "prefixes",
        "via",
        "formerly",
        "trusted_statements",
        "acknowledged",
        "applied_for",
        "tag_mutability_exclusions",
    }
)
_DURATIONS: Final = frozenset({"session_duration", "timeout", "deadline", "pause"})
_AMOUNTS: Final = frozenset({"max_failures", "max_removals", "max_changed", "max_unreadable"})
_PROTECTED: Final = ("safety", "protected")

_WRONG_TYPE: Final = {
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    AMOUNT_TYPE: 'must be a count, or a share such as "10%"',
}
_OUT_OF_RANGE: Final = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
}


def check_shape(document: dict[str, object], findings: Findings) -> schema.Document:
    """The document as typed tables; takes what does not fit out of `document` itself."""
    try:
        return schema.Document.model_validate(document)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    for one in errors:
        _tell(one, findings)
    for one in errors:
        _take_out(document, one)
    return schema.Document.model_validate(document)


def _tell(error: ErrorDetails, findings: Findings) -> None:
    path, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        # Whatever stands behind a misspelt external_id must not be shown.
        findings.tell(path, "is not a known key", remedy=_known_keys(path), show=False)
    elif kind in _OUT_OF_RANGE:
        bound, words = _OUT_OF_RANGE[kind]
        findings.tell(path, f"{words} {error['ctx'][bound]:,.0f}")
    elif kind in ("literal_error", "enum"):
        expected = str(error["ctx"]["expected"]).replace("'", '"')
        findings.tell(path, f"must be {expected}")
    elif kind == "too_short":
        findings.tell(path, "must not be empty", remedy="list one or more, or leave the key out")
    else:
        message = _WRONG_TYPE.get(kind, "is not what is expected here")
        if kind == "list_type" and _in_selector(path):
            message = "must be a string or a list of strings"
        findings.tell(path, message, remedy=_better_spelling(path, findings.raw(path)))


def _in_selector(path: KeyPath) -> bool:
    """Whether it is a key of a selector, which takes one text in place of a list."""
    return path[2:3] in (("from",), ("to",), ("select",)) or (
        path[:2] == _PROTECTED and len(path) > 2
    )


def _known_keys(path: KeyPath) -> str:
    table = _TABLES[tuple(step for step in path[:-1] if isinstance(step, str))]
    known = [field.alias or name for name, field in table.model_fields.items()]
    guess = closest(str(path[-1]), known)
    return f"did you mean {guess}?" if guess else f"known here: {', '.join(known)}"


def _better_spelling(path: KeyPath, raw: object) -> str | None:
    """What people who write a value of this type there most likely mean."""
    match raw:
        case bool():
            return None
        case int() | float():
            return _better_number(path[-1], raw)
        case _ if path == _PROTECTED:
            return "write a list of selectors, such as [{ labels = { … } }]"
        case dict() if path[-1] in _ARRAYS_OF_TABLES:
            return f"write [[{path[-1]}]] with two brackets, once for each"
        case str() if path[-1] in _LISTS:
            return f"write [{spelled(raw)}]"
    return None


def _better_number(key: str | int, number: float) -> str | None:
    match number:
        case int() if key == "id" and 0 <= number < 10**12:
            return f'write "{number:012d}": a TOML number loses its leading zeros'
        case int() if key in _DURATIONS:
            return f'write it with its unit, such as "{number}s"'
        case float() if key in _AMOUNTS and 0 <= number <= 100:
            return f'write "{_percent(number):g}%" for a share'
    return None


def _percent(share: float) -> float:
    """A share that is written as a number; below 1 it is one of a whole."""
    return round(share * 100 if share < 1 else share, 3)


def _take_out(document: dict[str, object], error: ErrorDetails) -> None:
    """Drop a key; an element of a list is emptied instead, so that the others keep their place."""
    *steps, last = error["loc"]
    match found(document, tuple(steps)):
        case dict() as table:
            table.pop(last, None)
        case list() as elements if isinstance(last, int):
            elements[last] = {} if error["type"] == "model_type" else ""
