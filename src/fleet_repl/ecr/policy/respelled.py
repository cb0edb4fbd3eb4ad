"""Statements that ECR answers in another spelling than they were written in.

`policy_meaning` makes statements equal that IAM takes for the same. Beside that, ECR replaces the
ARN of a role or user by its unique id once the role or user is deleted. Neither lets anybody in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from fleet_repl.values.canonical_json import Json, JsonObject, canonical_json, policy_meaning
from fleet_repl.values.names import ACCOUNT_ID

_UNIQUE_ID: Final = re.compile(r"(AROA|AIDA)[A-Z0-9]{12,124}")
_ARN: Final = re.compile(rf"arn:aws[a-z-]*:iam::{ACCOUNT_ID}:(role|user)/.+")
_PREFIXES: Final = {"role": "AROA", "user": "AIDA"}


def is_respelled(present: Iterable[JsonObject], written: Iterable[JsonObject]) -> bool:
    """Returns whether statements mean the same when read as when written, in any order."""
    there, wanted = list(map(policy_meaning, present)), list(map(policy_meaning, written))
    missing = _without(wanted, there)
    for statement in _without(there, wanted):
        match = next((other for other in missing if _lost_principals(statement, other)), None)
        if match is None:
            return False
        missing.remove(match)
    return not missing


def _without(these: Iterable[Json], others: Iterable[Json]) -> list[Json]:
    """The statements without an equal in `others`. Each of `others` stands for one statement."""
    rest = Counter(map(canonical_json, others))
    unmatched = []
    for statement in these:
        text = canonical_json(statement)
        if rest[text]:
            rest[text] -= 1
        else:
            unmatched.append(statement)
    return unmatched


def _lost_principals(present: Json, written: Json) -> bool:
    """Returns whether two statements differ only in principals that have been deleted."""
    if not isinstance(present, Mapping) or not isinstance(written, Mapping):
        return False
    (rest, names), (other_rest, other_names) = _parted(present), _parted(written)
    ids = [_UNIQUE_ID.fullmatch(name) for name in (names - other_names).elements()]
    arns = [_ARN.fullmatch(name) for name in (other_names - names).elements()]
    return (
        rest == other_rest
        and None not in (*ids, *arns)
        and Counter(match[1] for match in ids if match)
        == Counter(_PREFIXES[match[1]] for match in arns if match)
    )


def _parted(statement: JsonObject) -> tuple[JsonObject, Counter[str]]:
    """Returns a statement without its AWS principals, and these principals."""
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return statement, Counter()
    named = principal.get("AWS")
    listed = named if isinstance(named, list | tuple) else (named,)
    texts = [name for name in listed if isinstance(name, str)]
    rest = {key: value for key, value in principal.items() if key != "AWS"}
    return {**statement, "Principal": rest}, Counter(texts)
