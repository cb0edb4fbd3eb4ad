"""Types of single values in an inventory file, with what editors are told about their text.

The patterns are for editors only: a value is checked after `${}` was filled in, elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    PlainValidator,
    SecretStr,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from fleet_repl import limits
from fleet_repl.inventory import patterns
from fleet_repl.names import Partition


def choice(*choices: str) -> WithJsonSchema:
    """One of a few words."""
    words: list[JsonValue] = [str(one) for one in choices]
    return WithJsonSchema({"anyOf": [{"enum": words}, {"type": "string", "pattern": r"\$\{"}]})


def _listed(value: object) -> object:
    """Selectors take one text for a list of one."""
    return [value] if isinstance(value, str) else value


def _one_or_many(item: dict[str, JsonValue]) -> WithJsonSchema:
    many: dict[str, JsonValue] = {"type": "array", "items": item, "minItems": 1}
    return WithJsonSchema({"anyOf": [item, many]})


def _text(pattern: str, lengths: tuple[int, int] | None = None) -> FieldInfo:
    field: FieldInfo = Field(json_schema_extra={"pattern": patterns.for_editors(pattern, lengths)})
    return field


_REGION: dict[str, JsonValue] = {
    "type": "string",
    "pattern": patterns.for_editors(patterns.REGION, patterns.REGION_LENGTH),
}

FleetName: TypeAlias = Annotated[str, _text(patterns.FLEET_NAME)]
AccountText: TypeAlias = Annotated[str, _text(patterns.ACCOUNT)]
RegionText: TypeAlias = Annotated[str, WithJsonSchema(_REGION)]
RegionList: TypeAlias = Annotated[
    list[RegionText], Field(min_length=1, json_schema_extra={"uniqueItems": True})
]
DurationText: TypeAlias = Annotated[str, _text(patterns.DURATION)]
PrefixText: TypeAlias = Annotated[str, _text(patterns.PREFIX, limits.FILTER_LENGTH)]
PrefixList: TypeAlias = Annotated[list[PrefixText], Field(min_length=1)]
TemplatePrefix: TypeAlias = Annotated[
    str, _text(patterns.TEMPLATE_PREFIX, limits.TEMPLATE_PREFIX_LENGTH)
]
TagExclusion: TypeAlias = Annotated[str, _text(patterns.TAG_EXCLUSION)]
TagExclusions: TypeAlias = Annotated[
    list[TagExclusion],
    Field(min_length=1, json_schema_extra={"maxItems": limits.TAG_EXCLUSIONS, "uniqueItems": True}),
]
KmsKey: TypeAlias = Annotated[str, _text(patterns.KMS_KEY)]
ExternalId: TypeAlias = Annotated[SecretStr, _text(patterns.EXTERNAL_ID)]
PartitionName: TypeAlias = Annotated[Partition, Field(strict=False), choice(*Partition)]

StatementIds: TypeAlias = Annotated[
    list[str], Field(min_length=1, json_schema_extra={"uniqueItems": True})
]

Texts: TypeAlias = Annotated[
    list[str], BeforeValidator(_listed), Field(min_length=1), _one_or_many({"type": "string"})
]
"""One text or a list of them, in selectors."""
RegionTexts: TypeAlias = Annotated[
    list[str], BeforeValidator(_listed), Field(min_length=1), _one_or_many(_REGION)
]


HIGHEST_COUNT: Final = 10_000_000
"""More than there are links in the largest fleet."""
AMOUNT_TYPE: Final = "amount_type"
"""What is wrong with a value that is neither a count nor a text."""


def _amount(value: object) -> int | str:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise PydanticCustomError(AMOUNT_TYPE, "neither a count nor a text")


AmountValue: TypeAlias = Annotated[
    int | str,
    PlainValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": HIGHEST_COUNT},
                {"type": "string", "pattern": patterns.for_editors(patterns.PERCENT_TO_100)},
            ]
        }
    ),
]
"""A count, or a share as a percentage."""


def words(*choices: str) -> WithJsonSchema:
    """A list of some of a few words, each at most once."""
    word = choice(*choices).json_schema or {}
    return WithJsonSchema({"type": "array", "items": word, "minItems": 1, "uniqueItems": True})
