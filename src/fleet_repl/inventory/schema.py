"""The shape of an inventory file, as pydantic models: which keys there are and of which type.

Shape only: every key is optional and most texts are free here, because what values mean is
checked where all problems can be told at once. Editors get more, in `json_schema`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema
from pydantic.fields import FieldInfo

from fleet_repl import limits
from fleet_repl.canonical import JsonObject
from fleet_repl.inventory import durations
from fleet_repl.inventory.model import Apply, Limits
from fleet_repl.inventory.patterns import ACCOUNT, EXTERNAL_ID, FLEET_NAME, REGION, for_editors
from fleet_repl.names import Partition


def _listed(value: object) -> object:
    """Selectors take one text for a list of one."""
    return [value] if isinstance(value, str) else value


def _one_or_many(item: JsonObject) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_REGION_ITEM = {"type": "string", **for_editors(REGION)}
_PREFIX_LENGTHS = "{%d,%d}" % limits.FILTER_LENGTH  # noqa: UP031 - braces would need doubling
_PREFIX = rf"(?=.{_PREFIX_LENGTHS}$){limits.FILTER_PATTERN.pattern}"

Texts: TypeAlias = Annotated[
    list[str], BeforeValidator(_listed), Field(min_length=1), _one_or_many({"type": "string"})
]
RegionTexts: TypeAlias = Annotated[
    list[str], BeforeValidator(_listed), Field(min_length=1), _one_or_many(_REGION_ITEM)
]
RegionText: TypeAlias = Annotated[str, Field(json_schema_extra=_REGION_ITEM)]
RegionList: TypeAlias = Annotated[
    list[RegionText], Field(min_length=1, json_schema_extra={"uniqueItems": True})
]
AccountText: TypeAlias = Annotated[str, Field(json_schema_extra=for_editors(ACCOUNT))]
DurationText: TypeAlias = Annotated[str, Field(json_schema_extra=for_editors(durations.PATTERN))]
PrefixText: TypeAlias = Annotated[str, Field(json_schema_extra=for_editors(_PREFIX))]
ExternalId: TypeAlias = Annotated[SecretStr, Field(json_schema_extra=for_editors(EXTERNAL_ID))]
PartitionText: TypeAlias = Annotated[
    Partition,
    Field(strict=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [str(one) for one in Partition]},
                {"type": "string", "pattern": r"\$\{"},
            ]
        }
    ),
]


def _key(description: str) -> FieldInfo:
    """A key that may be left out."""
    field: FieldInfo = Field(default=None, description=description)
    return field


class Table(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        field_title_generator=lambda name, info: (info.alias or name).replace("_", " "),
    )


class AwsTable(Table):
    """How AWS is reached, and defaults for every account."""

    model_config = ConfigDict(title="AWS")

    partition: PartitionText | None = Field(
        default=None, description='The AWS partition; default "aws".'
    )
    profile: str | None = _key(
        "The profile of the base identity; without it, the standard AWS credential chain."
    )
