"""What all tables of an inventory file have in common: strict, and with no key unknown."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.fields import ComputedFieldInfo, FieldInfo


def _title(name: str, info: FieldInfo | ComputedFieldInfo) -> str:
    return (info.alias or name).replace("_", " ")


class Table(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        field_title_generator=_title,
    )
