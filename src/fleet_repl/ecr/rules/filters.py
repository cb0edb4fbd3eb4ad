"""Repository filters: which repositories a replication rule selects, as ECR spells it.

Links, plans and documents hold the text of a filter, and `values.prefixes` compares texts. The text
of a PREFIX_MATCH filter is its value. A filter of another type needs a text that no prefix can be,
such as one with a `*`, so that nothing between here and the inventory has to tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fleet_repl.values.canonical_json import JsonObject

FILTER_MEMBERS: Final = ("filter", "filterType")
"""The known members of a filter."""


class FilterType(StrEnum):
    """The types of filters whose meaning is known here."""

    PREFIX_MATCH = "PREFIX_MATCH"
    """Selects the repositories whose names start with the value."""


_TYPES: Final[Mapping[str, FilterType]] = {str(known): known for known in FilterType}


@dataclass(frozen=True, slots=True)
class RepositoryFilter:
    """One filter of a rule."""

    filter_type: FilterType
    value: str

    @classmethod
    def read(cls, item: JsonObject) -> RepositoryFilter | None:
        """Reads a member of `repositoryFilters`. Returns None where nobody can tell its meaning."""
        value, name = item.get("filter"), item.get("filterType")
        known = _TYPES.get(name) if isinstance(name, str) else None
        return None if known is None or not isinstance(value, str) else cls(known, value)

    @classmethod
    def of_text(cls, text: str) -> RepositoryFilter:
        """The filter whose text is `text`."""
        return cls(FilterType.PREFIX_MATCH, text)

    @property
    def text(self) -> str:
        """The filter as links hold it."""
        return self.value

    def document(self) -> JsonObject:
        """The filter as PutReplicationConfiguration takes it."""
        return {"filter": self.value, "filterType": str(self.filter_type)}
