"""What ECR takes for a registry policy: IAM's grammar, and principals that exist.

Resources are not looked at: ECR takes ARNs that can never match, and images fail later. Of a
user or role only the account is looked up, because a sandbox has no others than it assumes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.names import Partition
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.policy import statements_of
from fleet_repl.sandbox.registries import Policy

_TOP: Final = {"Version", "Id", "Statement"}
_STATEMENT: Final = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
    *("Resource", "NotResource", "Condition"),
}
_ACTION: Final = re.compile(r"(?i)\*|ecr:[a-z*?]+")
_RESOURCE: Final = re.compile(r"\*|arn:.+", re.DOTALL)
_AWS_PRINCIPAL: Final = re.compile(
    r"(?P<bare>[0-9]{12})|arn:(?P<partition>[a-z-]+):(?:iam|sts)::(?P<account>[0-9]{12}):"
    r"(?:root|(?:user|role|assumed-role|federated-user)/[^*?]+)"
)
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_OTHER_PRINCIPALS: Final = {"Service", "Federated", "CanonicalUser"}


class _GrammarError(Exception):
    """The document breaks the grammar."""


def checked_policy(
    text: str, *, longest: int, partition: Partition, exists: Callable[[str], bool]
) -> Policy:
    """The policy of a text of at most `longest` characters, or AwsError.

    `exists` tells whether an account does: naming one that does not makes ECR refuse the whole
    policy. ECR gives a policy back in its own layout, so the text kept is not the one sent.
    """
    if len(text) > longest:
        raise invalid_parameter(
            "PolicyText", f"Member must have length less than or equal to {longest}"
        )
    try:
        document = _object(json.loads(text))
        _check(document, partition, exists)
    except (_GrammarError, ValueError, RecursionError):
        raise _invalid() from None
    return stored(document)


def stored(document: JsonObject) -> Policy:
    """A policy document as ECR keeps it: its order, but ECR's own layout."""
    text = json.dumps(document, indent=2, separators=(",", " : "), ensure_ascii=False)
    return Policy(text=text, document=document)


def respelled(policy: Policy, partition: Partition) -> Policy:
    """A policy as ECR has been seen to give it back: an account by the ARN of its root, and a list
    of one as its item."""
    statements: list[Json] = [
        {key: _respelled(value, key, partition) for key, value in statement.items()}
        for statement in statements_of(policy.document)
    ]
    return stored({**policy.document, "Statement": statements})


def _respelled(value: Json, member: str, partition: Partition) -> Json:
    if isinstance(value, Mapping):
        return {key: _respelled(one, member, partition) for key, one in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        text = value if isinstance(value, str) else ""
        is_account = member in ("Principal", "NotPrincipal") and _ACCOUNT.fullmatch(text)
        return f"arn:{partition}:iam::{text}:root" if is_account else value
    items = [_respelled(one, member, partition) for one in value]
    return items[0] if len(items) == 1 else items


def _invalid() -> AwsError:
    return invalid_parameter("PolicyText", "Invalid registry policy provided")


def _check(document: JsonObject, partition: Partition, exists: Callable[[str], bool]) -> None:
    _only(document, _TOP)
    _require(document.get("Version") in ("2012-10-17", "2008-10-17"))
    _require(isinstance(document.get("Id", ""), str))
    statements = _list(document.get("Statement"))
    _require(len(statements) == len(statements_of(document)) > 0)
    sids = [one["Sid"] for one in statements_of(document) if one.get("Sid")]
    _require(all(isinstance(one, str) for one in sids) and len(sids) == len(set(sids)))
    for statement in statements_of(document):
        _only(statement, _STATEMENT)
        _require(isinstance(statement.get("Sid", ""), str))
        _require(statement.get("Effect") in ("Allow", "Deny"))
        for action in _strings(_one_of(statement, "Action")):
            _require(_ACTION.fullmatch(action) is not None)
        for resource in _strings(_one_of(statement, "Resource")):
            _require(_RESOURCE.fullmatch(resource) is not None)
        _check_principal(_one_of(statement, "Principal"), partition, exists)
        _check_condition(statement.get("Condition", {}))


def _check_principal(principal: Json, partition: Partition, exists: Callable[[str], bool]) -> None:
    if principal == "*":
        return
    kinds = _object(principal)
    _require(len(kinds) > 0)
    _only(kinds, {"AWS", *_OTHER_PRINCIPALS})
    for kind, value in kinds.items():
        for one in _strings(value):
            if kind == "AWS" and one != "*":
                match = _AWS_PRINCIPAL.fullmatch(one)
                if match is None or match["partition"] not in (None, partition):
                    raise _GrammarError
                _require(exists(match["bare"] or match["account"]))


def _check_condition(condition: Json) -> None:
    for keys in _object(condition).values():
        for value in _object(keys).values():
            _require(all(isinstance(one, str | bool | int | float) for one in _list(value)))


def _one_of(statement: JsonObject, element: str) -> Json:
    """The value of the element or of its `Not…` form; exactly one has to be there."""
    found = [statement[name] for name in (element, f"Not{element}") if name in statement]
    _require(len(found) == 1)
    return found[0]


def _strings(value: Json) -> Sequence[str]:
    texts = [one for one in _list(value) if isinstance(one, str)]
    _require(len(texts) == len(_list(value)) > 0)
    return texts


def _list(value: Json) -> Sequence[Json]:
    """A value that IAM lets one write with or without a list around it."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


def _object(value: Json) -> JsonObject:
    if not isinstance(value, Mapping):
        raise _GrammarError
    return value


def _only(document: JsonObject, known: set[str]) -> None:
    _require(known.issuperset(document))


def _require(condition: bool) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise _GrammarError
