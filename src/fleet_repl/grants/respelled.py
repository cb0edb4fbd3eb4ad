"""Statements that the service spells otherwise than they were written.

What IAM takes for the same is told by `policy_meaning`. Beside that, the service puts the unique
id of a role or user in the place of its ARN once the role or user is deleted: such an id lets
nobody in, and neither did the ARN any more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from fleet_repl.canonical import Json, JsonObject, canonical_json, policy_meaning

_UNIQUE_ID: Final = re.compile(r"(AROA|AIDA)[A-Z0-9]{12,124}")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+")
_PREFIXES: Final = {"role": "AROA", "user": "AIDA"}


def is_respelled(found: Iterable[JsonObject], written: Iterable[JsonObject]) -> bool:
    """Whether statements that were read mean the same as those that were written, in any order."""
    there, wanted = ([policy_meaning(one) for one in some] for some in (found, written))
    left = _without(there, wanted)
    missing = _without(wanted, there)
    for statement in left:
        match = next((one for one in missing if _lost_principals(statement, one)), None)
        if match is None:
            return False
        missing.remove(match)
    return not missing


def _without(these: Iterable[Json], others: Iterable[Json]) -> list[Json]:
    """Those that the others do not equal, one for one."""
    rest = Counter(map(canonical_json, others))
    found = []
    for statement in these:
        text = canonical_json(statement)
        if rest[text]:
            rest[text] -= 1
        else:
            found.append(statement)
    return found


def _lost_principals(found: Json, written: Json) -> bool:
    """Whether they differ only in deleted principals."""
    if not isinstance(found, Mapping) or not isinstance(written, Mapping):
        return False
    (rest, names), (other_rest, other_names) = _parted(found), _parted(written)
    ids = [_UNIQUE_ID.fullmatch(name) for name in (names - other_names).elements()]
    arns = [_ARN.fullmatch(name) for name in (other_names - names).elements()]
    return (
        rest == other_rest
        and None not in (*ids, *arns)
        and Counter(one[1] for one in ids if one)
        == Counter(_PREFIXES[one[1]] for one in arns if one)
    )


def _parted(statement: JsonObject) -> tuple[JsonObject, Counter[str]]:
    """A statement without the identities that it names, and these."""
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return statement, Counter()
    named = principal.get("AWS")
    listed = named if isinstance(named, list | tuple) else (named,)
    texts = [one for one in listed if isinstance(one, str)]
    rest = {key: value for key, value in principal.items() if key != "AWS"}
    return {**statement, "Principal": rest}, Counter(texts)
