"""The hint for a well-formed registry policy that AWS calls invalid: which statement is at fault.

AWS does not say, or not twice in the same words. As a rule a principal does not exist, and one
such statement makes AWS refuse the whole policy. So the hint names the principals whose accounts
have not answered in this run. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from fleet_repl.aws.redact import clean
from fleet_repl.ecr.policy import as_tuple
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import ACCOUNT_ID, AccountId
from fleet_repl.values.text import listed

_MOST_NAMED: Final = 10
_ACCOUNT: Final = re.compile(rf"(?:arn:[a-z-]+:iam::)?({ACCOUNT_ID})(?P<within>:.*)?")


def suspects(
    policy: JsonObject, sid_prefixes: tuple[str, ...], exists: Callable[[AccountId], bool]
) -> str:
    """The hint for a rejected policy: the statements and accounts to look at.

    `sid_prefixes`: those of the fleet's own statements; every other statement is foreign.
    `exists`: whether an account surely exists.
    """
    ours, foreign = _apart(policy, sid_prefixes)
    doubtful = sorted(
        {account for statement in ours for account in _accounts(statement) if not exists(account)}
    )
    unsound = [statement for statement in foreign if not _is_sound(statement, exists)]
    if doubtful:
        others = unsound or foreign
        mend = f", or mend the foreign statements: {_named(others)}" if others else ""
        return (
            "one of its principals may not exist: see whether one of these accounts has been "
            f"closed, and take it out of the inventory: {listed(doubtful, _MOST_NAMED)}{mend}"
        )
    if unsound:
        reason = "the fleet's own statements name only accounts that exist, so " if ours else ""
        return (
            f"{reason}a foreign statement is the likely cause: see whether everybody it names "
            f"still exists: {_named(unsound)}"
        )
    look = f", and if that does not help look into the foreign statements: {_named(foreign)}"
    return (
        "every account that it names exists, but one may not be known everywhere yet: run again "
        f"in a minute{look if foreign else ''}"
    )


def _apart(
    policy: JsonObject, sid_prefixes: tuple[str, ...]
) -> tuple[list[JsonObject], list[JsonObject]]:
    ours: list[JsonObject] = []
    foreign: list[JsonObject] = []
    for statement in as_tuple(policy.get("Statement")):
        if isinstance(statement, Mapping):
            is_ours = str(statement.get("Sid", "")).startswith(sid_prefixes)
            (ours if is_ours else foreign).append(statement)
    return ours, foreign


def _is_sound(statement: JsonObject, exists: Callable[[AccountId], bool]) -> bool:
    """Returns whether it names only whole accounts that exist, services, or everybody."""
    for name in _principals(statement):
        match = _ACCOUNT.fullmatch(name)
        whole = match is not None and match["within"] in (None, ":root")
        if name != "*" and not (match and whole and exists(AccountId(match[1]))):
            return False
    return True


def _accounts(statement: JsonObject) -> Iterator[AccountId]:
    for name in _principals(statement):
        if match := _ACCOUNT.fullmatch(name):
            yield AccountId(match[1])


def _principals(statement: JsonObject) -> Iterator[str]:
    """The accounts, roles and users that a statement names, for or against."""
    for element in ("Principal", "NotPrincipal"):
        principal = statement.get(element)
        named = principal.get("AWS") if isinstance(principal, Mapping) else principal
        yield from (principal for principal in as_tuple(named) if isinstance(principal, str))


def _named(statements: Sequence[JsonObject]) -> str:
    """The Sids of the statements, and how many have none."""
    sids = [
        clean(sid)
        for statement in statements
        if isinstance(sid := statement.get("Sid"), str) and sid
    ]
    nameless = len(statements) - len(sids)
    return listed([*sids, f"{nameless} without Sid"] if nameless else sids, _MOST_NAMED)
