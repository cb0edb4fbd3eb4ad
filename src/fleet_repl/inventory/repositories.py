"""Texts of an inventory file that select repositories: prefixes, and whole names."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fleet_repl.inventory.findings import BadValueError
from fleet_repl.inventory.kinds import DISTINCT, NOT_EMPTY, Kind, text_schema
from fleet_repl.values import limits
from fleet_repl.values.prefixes import reduce
from fleet_repl.values.text import quoted

_ENTRY: Final = rf"(?:{limits.REPOSITORY_PATTERN.pattern})/?"


def _check_length(text: str, lengths: tuple[int, int]) -> None:
    shortest, longest = lengths
    if not shortest <= len(text) <= longest:
        raise BadValueError(f"must be {shortest} to {longest} characters long")


def _prefix(text: str) -> str:
    _check_length(text, limits.FILTER_LENGTH)
    if limits.FILTER_PATTERN.fullmatch(text) is None:
        bare = text.rstrip("*")
        is_bare = bare != text and limits.FILTER_PATTERN.fullmatch(bare)
        raise BadValueError(
            "is not a prefix that ECR takes",
            "only lower-case letters, digits, single / and . _ - within names",
            meant=f"write {quoted(bare)}: a prefix needs no *" if is_bare else None,
        )
    return text


def _entry(text: str) -> str:
    name = text.removesuffix("/")
    _check_length(text, limits.REPOSITORY_LENGTH)
    if limits.REPOSITORY_PATTERN.fullmatch(name) is None:
        whole = name.strip("/").rstrip("*").strip("/._-").lower()
        is_name = limits.REPOSITORY_PATTERN.fullmatch(whole)
        raise BadValueError(
            "is neither the name of a repository nor a folder, which ends with one /",
            "write whole names: base/java is that repository and those below it, base/java/ only "
            "those below it",
            meant=f"write {quoted(whole)} for that repository and those below it, such as "
            f"{whole}/x; each name that only starts with {whole} needs an entry of its own"
            if is_name
            else None,
        )
    return text


_Prefix: TypeAlias = Annotated[
    str, Kind(_prefix, **text_schema(limits.FILTER_PATTERN.pattern, limits.FILTER_LENGTH))
]
PrefixList: TypeAlias = Annotated[tuple[_Prefix, ...], NOT_EMPTY, Kind(reduce)]
"""Prefixes as ECR's PREFIX_MATCH takes them; sorted, and none covers another."""
_Entry: TypeAlias = Annotated[str, Kind(_entry, **text_schema(_ENTRY, limits.REPOSITORY_LENGTH))]
RepositoryList: TypeAlias = Annotated[tuple[_Entry, ...], NOT_EMPTY, DISTINCT]
"""Repositories by whole names, as `values.repositories` reads them."""
