"""Tables of an inventory file: each is one frozen dataclass, which pydantic reads.

A field's type says what its key holds, with a kind of value in `Annotated` where Python has no
type for it. Its default is what a missing key means, and the text below it is what an editor
shows. Its metadata are pydantic's, such as the `alias` that is the name in the file, and
`missing`: what to write where the key is missing, for a key that is required. For example

    source: Source = field(metadata={"alias": "from", "missing": "write from = {}"})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, get_args, get_type_hints

from fleet_repl.inventory.findings import MISSING, BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import Context, Schema
from fleet_repl.inventory.suggestions import closest
from fleet_repl.values.text import spelled

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails, SchemaValidator

T = TypeVar("T", bound="DataclassInstance")

_MESSAGES: Final = {
    "bool_type": "must be true or false",
    "dataclass_type": "must be a table",
    "dict_type": "must be a table",
    "float_type": "must be a number",
    "frozen_set_type": "must be a string or a list of strings",
    "greater_than": "must be more than {gt:,.0f}",
    "greater_than_equal": "must be at least {ge:,.0f}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le:,.0f}",
    "string_type": "must be a string",
}
"""pydantic's name of an error → our words for it."""


class Table:
    """A table of the file: a frozen dataclass, which takes no other keys than its own."""

    __slots__ = ()
    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Column:
    """A key of a table: the field that it fills, and the table that it holds if it holds any."""

    field: Field[object]
    table: type[DataclassInstance] | None


@cache
def columns(table: type[DataclassInstance]) -> Mapping[str, Column]:
    """Key → its column, in the order of the fields."""
    hints = get_type_hints(table, include_extras=True)
    return {
        field.metadata.get("alias", field.name): Column(field, _table_in(hints[field.name]))
        for field in fields(table)
    }


def _table_in(hint: Any) -> type[DataclassInstance] | None:  # noqa: ANN401 - types have no type
    if isinstance(hint, type) and issubclass(hint, Table):
        table: type[Any] = hint
        return table
    # A kind that reads another table stands after the type of the field.
    parts = (_table_in(getattr(part, "reads", part)) for part in reversed(get_args(hint)))
    return next((table for table in parts if table is not None), None)


def every_key(table: type[DataclassInstance]) -> frozenset[str]:
    """The keys of a table and of all tables in it."""
    inner = [every_key(column.table) for column in columns(table).values() if column.table]
    return frozenset(columns(table)).union(*inner)


def part_of(extended: DataclassInstance, make: type[T]) -> T:
    """The `make` in a table that extends it by keys of the file alone."""
    return make(**{column.name: getattr(extended, column.name) for column in fields(make)})


def read_table(
    table: type[T], value: object, findings: Findings, context: Context, *, path: KeyPath = ()
) -> T:
    """The table at `path`, whose problems are added to `findings`.

    A key with a problem has its default, and None where there is no default: such a table serves
    for finding more problems only.
    """
    from pydantic_core import ValidationError  # noqa: PLC0415 - most commands read no inventory

    try:
        read: T = adapter(table).validate_python(value, context=context)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            _report(table, path, details, findings)
        read = _lenient_reader(table).validate_python(value, context=context)
    return read


@cache
def adapter(table: type[DataclassInstance]) -> TypeAdapter[Any]:
    """Returns pydantic's reader of a table, which is made once."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - most commands read no inventory

    return TypeAdapter(table)


@cache
def _lenient_reader(table: type[DataclassInstance]) -> SchemaValidator:
    from pydantic_core import SchemaValidator  # noqa: PLC0415 - most files have no problem

    return SchemaValidator(_lenient(adapter(table).core_schema))


def _lenient(schema: Any) -> Any:  # noqa: ANN401 - any part of a core schema
    """Returns the schema in a form that passes over mistakes: keys with bad values have their
    defaults, and unknown keys and bad elements are left out."""
    if isinstance(schema, list):
        return [_lenient(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _lenient(part) for key, part in schema.items()}
    match schema.get("type"):
        case "dataclass-field":
            inner: Schema = schema["schema"]
            if inner["type"] != "default":
                inner = {"type": "default", "schema": inner, "default": None}
            schema["schema"] = {**inner, "on_error": "default"}
        case "dataclass-args":
            schema["extra_behavior"] = "ignore"
        case "dataclass":
            return _or_empty(schema)
        case "tuple" | "frozenset" | "dict":
            for key in schema.keys() & {"items_schema", "keys_schema", "values_schema"}:
                schema[key] = _or_omitted(schema[key])
    return schema


def _or_omitted(schema: Any) -> Any:  # noqa: ANN401 - of the elements, or of each in a list
    if isinstance(schema, list):
        return [_or_omitted(part) for part in schema]
    return {"type": "default", "schema": schema, "on_error": "omit"}


def _or_empty(schema: Schema) -> Schema:
    """The schema of a table, which is read as an empty one where there is something else."""

    def as_table(value: object) -> object:
        return value if isinstance(value, dict | schema["cls"]) else {}

    name = {"ref": schema.pop("ref")} if "ref" in schema else {}
    function = {"type": "no-info", "function": as_table}
    return {"type": "function-before", "function": function, "schema": schema, **name}


def _report(
    table: type[DataclassInstance], start: KeyPath, error: ErrorDetails, findings: Findings
) -> None:
    """Add one error of pydantic, which read a table at `start`, in our words."""
    place = _place(error["loc"], start, findings)
    path, value = (*start, *place), error["input"]
    match error["type"]:
        case "value_error":
            bad: BadValueError = error["ctx"]["error"]
            is_own = findings.raw(path) == value
            findings.report(path, bad.message, remedy=(is_own and bad.meant) or bad.remedy)
        case "missing":
            column = _columns_at(table, place)[str(path[-1])]
            findings.report(path, MISSING, remedy=column.field.metadata["missing"])
        case "unexpected_keyword_argument":
            known = _columns_at(table, place)
            guess = closest(str(path[-1]), known)
            remedy = f"did you mean {guess}?" if guess else f"known here: {', '.join(known)}"
            # Whatever stands behind a misspelt external_id must not be shown.
            findings.report(path, "is not a known key", remedy=remedy, show=False)
        case "too_short":
            # A list with elements lacks none: they have problems.
            if not value:
                remedy = "list one or more, or leave the key out"
                findings.report(path, "must not be empty", remedy=remedy)
        case "tuple_type":
            inner = _columns_at(table, place)[str(path[-1])].table
            findings.report(
                path, "must be a list", remedy=_as_list(inner, path, findings.raw(path))
            )
        case "literal_error" | "enum":
            words = error["ctx"]["expected"].replace("'", '"')
            findings.report(path, f"must be {words}")
        case kind:
            findings.report(path, _MESSAGES[kind].format(**error.get("ctx", {})))


def _as_list(element: type[DataclassInstance] | None, path: KeyPath, value: object) -> str | None:
    """Returns the remedy for a value that should be a list, by what its writer most likely means.
    `element` is the table that the list holds."""
    if element is None:
        return f"write [{spelled(value)}]" if isinstance(value, str) else None
    if isinstance(value, int | float):
        return None
    if len(path) == 1:
        return f"write [[{path[0]}]] with two brackets, once for each"
    return "write a list of selectors, such as [{ labels = { … } }]"


def _columns_at(table: type[DataclassInstance] | None, path: KeyPath) -> Mapping[str, Column]:
    """The columns of the table that holds the key at `path`, which begins in `table`."""
    for step in path[:-1]:
        if table is not None and isinstance(step, str):
            table = columns(table)[step].table
    return {} if table is None else columns(table)


def _place(location: KeyPath, start: KeyPath, findings: Findings) -> KeyPath:
    """Returns the place in the file for a location that pydantic reports."""
    if location[-1:] == ("[key]",):
        return location[:-1]
    is_list_of_one = isinstance(findings.raw((*start, *location[:-1])), str)
    return location[:-1] if location and is_list_of_one else location
