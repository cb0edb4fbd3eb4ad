"""The JSON Schema of an inventory for editors, made from the models of `schema`.

Looser than `parse`: a value with `${` in it passes, and nothing is compared across keys.
"""

from __future__ import annotations

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from fleet_repl.canonical import JsonObject
from fleet_repl.inventory.schema import Document


def document_schema() -> JsonObject:
    """What `json_schema` of the package gives."""
    dialect = {"$schema": _TomlSchema.schema_dialect}
    return {**dialect, **Document.model_json_schema(schema_generator=_TomlSchema)}


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null: a key that may be missing is left out, never empty."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])
