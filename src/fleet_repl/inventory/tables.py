"""Tables of an inventory file: each is one frozen dataclass, whose fields are its keys.

A field's type says what the key holds: `bool`, `Literal`, another table, a tuple of tables, or
`Annotated` with a kind of value. Its default is what a missing key means, and the text below it
is what an editor shows. For example

    max_failures: Annotated[Amount, SHARE] = Amount(count=0)

is the key `max_failures`, read by SHARE. `Annotated` with a Key gives it another name in the file,
or what to write where it is missing.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import Field, dataclass, fields, is_dataclass
from itertools import pairwise
from types import MappingProxyType, NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from fleet_repl.inventory.findings import MISSING, Findings, KeyPath
from fleet_repl.inventory.kinds import SWITCH, Choice, Context, Kind, ListOf
from fleet_repl.inventory.suggestions import closest
from fleet_repl.values.canonical_json import JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
U = TypeVar("U", bound="DataclassInstance")

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Key:
    """How a key differs from its field."""

    name: str | None = None
    """Its name in the file."""
    missing: str | None = None
    """What to write where it is missing; None: it may be. Editors ask for such a key."""
    blank: object = ""
    """Stands for a value that is missing or bad, where the field has no default."""


DERIVED: Final = Key(name="")
"""Marks a field that is no key: it is worked out from keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A key of a table, with the field that it fills."""

    name: str
    field: str
    kind: Kind
    key: Key
    has_default: bool


class Table(Generic[T]):
    """Reads tables of one kind; `title` is for editors."""

    def __init__(self, make: type[T], title: str) -> None:
        self.name = make.__name__
        self._class = make
        self._make: Callable[..., T] = make
        self._title = title
        self.columns: Mapping[str, _Column] = _columns(make)
        self._needed = [column for column in self.columns.values() if not column.has_default]

    def read(
        self, value: object, path: KeyPath, context: Context, known: Mapping[str, object] = _NOTHING
    ) -> T:
        """The table at `path`. A key that is bad or missing has its default or a blank value.

        `known` are fields that were read before.
        """
        if not isinstance(value, dict):
            context.findings.report(path, "must be a table")
            value = {}
        given = dict(known)
        for name, content in value.items():
            column = self.columns.get(name)
            if column is None:
                self._report_unknown((*path, name), context.findings)
            elif content is not None and column.field not in known:
                good = column.kind.read(content, (*path, name), context)
                if good is not None:
                    given[column.field] = good
        for column in self._needed:
            if column.field not in given:
                given[column.field] = column.key.blank
                if remedy := column.key.missing:
                    context.findings.report((*path, column.name), MISSING, remedy=remedy)
        return self._make(**given)

    def schema(self) -> JsonObject:
        """A reference to the definition of the table."""
        return {"$ref": f"#/$defs/{self.name}"}

    def definition(self) -> JsonObject:
        """The table's own JSON Schema."""
        described = _descriptions(self._class)
        required = [name for name, column in self.columns.items() if column.key.missing]
        return {
            "title": self._title,
            "description": " ".join((self._class.__doc__ or "").split()),
            "type": "object",
            "properties": {
                name: {
                    "title": name.replace("_", " "),
                    **described.get(column.field, {}),
                    **column.kind.schema(),
                }
                for name, column in self.columns.items()
            },
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }

    def _report_unknown(self, path: KeyPath, findings: Findings) -> None:
        guess = closest(str(path[-1]), self.columns)
        remedy = f"did you mean {guess}?" if guess else f"known here: {', '.join(self.columns)}"
        # Whatever stands behind a misspelt external_id must not be shown.
        findings.report(path, "is not a known key", remedy=remedy, show=False)


_TITLES: Final = {
    "AwsTable": "AWS",
    "External": "external account",
    "Match": "conditions",
    "TemplateTable": "creation template",
}
"""What editors call tables, where that is not simply their name."""


_READERS: Final[dict[object, Table[Any]]] = {}


def table(make: type[T]) -> Table[T]:
    """The reader of a kind of tables, made once."""
    name = make.__name__
    if make not in _READERS:
        _READERS[make] = Table(make, _TITLES.get(name, name.removesuffix("Table").lower()))
    return _READERS[make]


def tables(
    make: type[T], name: str, *, may_be_empty: bool = True, extra: JsonObject | None = None
) -> ListOf:
    """A list of tables, which TOML writes under [[`name`]]."""
    hint = f"write [[{name}]] with two brackets, once for each"
    return ListOf(kind=table(make), hint=hint, may_be_empty=may_be_empty, extra=extra)


def part_of(extended: T, make: type[U]) -> U:
    """The `make` in a table that extends it by keys of the file alone."""
    return make(**{column.name: getattr(extended, column.name) for column in fields(make)})


def _columns(make: type) -> Mapping[str, _Column]:
    hints = get_type_hints(make, include_extras=True)
    columns = [
        _column(field, hints[field.name])
        for field in fields(make)
        if DERIVED not in get_args(hints[field.name])
    ]
    return {column.name: column for column in columns}


def _column(field: Field[object], hint: object) -> _Column:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    key = next((note for note in notes if isinstance(note, Key)), Key())
    kinds = [note for note in notes if not isinstance(note, Key)]
    has_default = field.default is not NO_DEFAULT or field.default_factory is not NO_DEFAULT
    return _Column(
        name=key.name or field.name,
        field=field.name,
        kind=kinds[0] if kinds else _kind(hint),
        key=key,
        has_default=has_default,
    )


def _kind(hint: object) -> Kind:
    """The kind of value that a plain type stands for."""
    if get_origin(hint) is Annotated:
        return _kind(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (each for each in get_args(hint) if each is not NoneType)
        return _kind(inner)
    if get_origin(hint) is Literal:
        return Choice(get_args(hint))
    if hint is bool:
        return SWITCH
    if isinstance(hint, type) and is_dataclass(hint):
        return table(hint)
    raise TypeError(f"{hint} stands for no kind of value")


def _descriptions(make: type) -> Mapping[str, JsonObject]:
    """Field → the text below it, of a class and those that it extends. A field that is a table
    may leave that to the table."""
    described: dict[str, JsonObject] = {}
    for base in reversed(make.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for statement, text in pairwise(statements):
            match statement, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=field)),
                    ast.Expr(value=ast.Constant(value=str(words))),
                ):
                    described[field] = {"description": " ".join(words.split())}
    return described
