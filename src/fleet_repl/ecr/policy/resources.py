"""Repository prefixes as resources of a policy's statements, and back.

`base` is the common start of the ARNs of a registry's repositories, as `repositories_arn` makes it.
"""

from __future__ import annotations

import re
from typing import Final

from fleet_repl.values.canonical_json import Json

_SPECIAL: Final = frozenset("*?$")


def resource_of(prefix: str, base: str) -> str:
    """The resource that matches the repositories of a prefix, and no others."""
    return f"{base}{prefix}*"


def prefix_of(resource: Json, base: str) -> str | None:
    """The prefix whose repositories a resource matches; None where it is not about just these."""
    if not isinstance(resource, str) or not resource.startswith(base) or resource[-1] != "*":
        return None
    prefix = resource[len(base) : -1]
    return None if is_pattern(prefix) else prefix


def is_pattern(prefix: str) -> bool:
    """Returns whether a policy takes the letters of a prefix for more than themselves."""
    return not _SPECIAL.isdisjoint(prefix)


def widest_prefix(resource: str, base: str) -> str:
    """The prefix that all repositories of a resource pattern share."""
    literal = re.split(r"[*?]", resource, maxsplit=1)[0]
    return literal[len(base) :] if literal.startswith(base) else ""
