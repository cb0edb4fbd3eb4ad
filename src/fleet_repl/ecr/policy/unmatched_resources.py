"""Resources of statements that match no repository of a registry, and why they do not."""

from __future__ import annotations

import re
from typing import Final

from fleet_repl.ecr.policy.evaluate import Permissions, matches, meets
from fleet_repl.values.names import repositories_arn
from fleet_repl.values.text import shortened

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._/*?-]")
_LONGEST: Final = 160


def why_unmatched(resource: str, permissions: Permissions) -> str | None:
    """Returns why no repository of the registry can match, or None where some repository can."""
    base = repositories_arn(permissions.partition, permissions.registry)
    if "${" in resource:
        return None
    if meets(resource, base):
        return _no_name(resource[len(base) :]) if resource.startswith(base) else None
    registry = permissions.registry
    parts = resource.split(":", maxsplit=5)
    if len(parts) < 6 or parts[0] != "arn":
        return "it is not the ARN of a repository"
    wanted = {
        "partition": str(permissions.partition),
        "service": "ecr",
        "region": registry.region,
        "account": registry.account,
    }
    for (part, right), text in zip(wanted.items(), parts[1:5], strict=True):
        if not matches(text, right):
            return f"it has {part} {cut_text(text) or '(none)'} instead of {right}"
    return "it lacks repository/ before the name"


def _no_name(pattern: str) -> str | None:
    """Returns why no repository name can match, or None. In ECR's model a name has lower case
    letters and digits between single separators."""
    if not pattern:
        return "it ends where the name should begin"
    if misfit := _NOT_IN_NAMES.search(pattern):
        return f"no name has {misfit[0]!r} in it"
    if pattern[-1] in "/._-":
        return f"no name ends in {pattern[-1]!r}, and only {cut_text(pattern)}* would be a prefix"
    return None


def cut_text(text: str) -> str:
    """A text of somebody else's statement, short enough for a message."""
    return shortened(text, _LONGEST)
