"""Requests: how a template that is in place is made into the one that is wanted.

UpdateRepositoryCreationTemplate changes only the members it is given, so everything that is
wanted is sent, and everything that is not wanted any more is cleared by name.
"""

from __future__ import annotations

from typing import Final

from fleet_repl.values.canonical_json import Json, JsonObject

_CLEARED: Final[dict[str, Json]] = {
    "resourceTags": [],
    "repositoryPolicy": "",
    "lifecyclePolicy": "",
    # The API model takes an empty role and AWS says nothing about it. Leaving the member out
    # would surely keep the role; deleting and creating anew would leave a moment in which
    # repositories come without the template. So it is tried, and the read after it tells.
    "customRoleArn": "",
}
"""What a member is sent as to take it away.

`encryptionConfiguration` is replaced as a whole. Exclusion filters cannot be cleared, as an
empty list is refused: they mean nothing without a mutability that has exclusions.
"""


def update_request(before: JsonObject, after: JsonObject) -> JsonObject:
    """The body of UpdateRepositoryCreationTemplate that makes `before` into `after`.

    A member is cleared only where there is something to clear.
    """
    cleared = {
        key: empty for key, empty in _CLEARED.items() if before.get(key) and not after.get(key)
    }
    return {**after, **cleared}


def clearing_hint(before: JsonObject | None, after: JsonObject | None) -> str | None:
    """What to do where an update of a template that shall lose its role does not come about."""
    had = before is not None and before.get("customRoleArn")
    if not had or after is None or after.get("customRoleArn"):
        return None
    return (
        "ECR may not let a template give up its role: delete the template, and the next apply "
        "creates it without one"
    )
