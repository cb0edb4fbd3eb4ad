"""Notices: what the reader should know about the routes and what stops nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

About: TypeAlias = tuple[frozenset[str], ...]
"""What has to be acknowledged for a warning to be known: every name of one of the groups. Names
are those of routes, account ids and Sids."""


NOTICES: Final = frozenset({"idle-wave", "not-transitive", "retired-route"})
"""The kinds that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something about the routes that the reader should know and that stops nothing."""

    kind: str
    message: str
    about: About = field(default=(), repr=False, compare=False)
