"""The JSON Schema that editors check an inventory with, made by pydantic from the tables."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from fleet_repl.inventory.kinds import REFERENCE
from fleet_repl.inventory.tables import adapter, columns
from fleet_repl.values.canonical_json import JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic_core import core_schema

_TITLES: Final = {
    "AwsTable": "AWS",
    "External": "external account",
    "Match": "conditions",
    "TemplateTable": "creation template",
}
"""The titles that editors show for tables, where a title is not simply the name."""


def schema_of(table: type[DataclassInstance], title: str) -> JsonObject:
    """The schema of a document that is one table."""
    schema = adapter(table).json_schema(schema_generator=_EditorSchema)
    return {"$schema": _EditorSchema.schema_dialect, **schema, "title": title}


class _EditorSchema(GenerateJsonSchema):
    """An inventory has no null, a default is said in words, and `${}` may stand for a word."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        table: type[DataclassInstance] = schema["cls"]
        name = table.__name__
        made = super().dataclass_schema(schema)
        made["title"] = _TITLES.get(name, name.removesuffix("Table").lower())
        made["description"] = " ".join((table.__doc__ or "").split())
        described = _descriptions(table)
        for key, column in columns(table).items():
            if text := described.get(column.field.name):
                made["properties"][key]["description"] = text
        return made

    def get_title_from_name(self, name: str) -> str:
        return name.replace("_", " ")

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return True

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return _words(schema["expected"])

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return _words([member.value for member in schema["members"]])


def _words(words: list[str]) -> JsonSchemaValue:
    return {"anyOf": [{"enum": words}, {"type": "string", "pattern": REFERENCE}]}


def _descriptions(table: type[DataclassInstance]) -> Mapping[str, str]:
    """Field → the text below it, of a class and those that it extends. A field that is a table
    may leave that to the table."""
    described: dict[str, str] = {}
    for base in reversed(table.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for statement, text in pairwise(statements):
            match statement, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=field)),
                    ast.Expr(value=ast.Constant(value=str(words))),
                ):
                    described[field] = " ".join(words.split())
    return described
