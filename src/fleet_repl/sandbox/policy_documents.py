"""Checks a text as ECR checks a registry policy: IAM's grammar, and principals that exist.

Whether a resource exists is not checked: ECR takes ARNs that can never match, and images fail
later. Of a user or role only the account is looked up, because the sandbox knows no users or roles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.policy import listed, statements_of
from fleet_repl.sandbox.registries import Policy
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Partition, root_arn

_ACCOUNT: Final = re.compile(ACCOUNT_ID)
_AWS_PRINCIPAL: Final = re.compile(
    rf"(?P<bare>{ACCOUNT_ID})|arn:(?P<partition>[a-z-]+):(?:iam|sts)::(?P<account>{ACCOUNT_ID}):"
    r"(?:root|(?:user|role|assumed-role|federated-user)/[^*?]+)"
)


def _in_list(value: object) -> object:
    """IAM takes most values with or without a list around a single one."""
    return value if isinstance(value, list) else [value]


T = TypeVar("T")
_Listed: TypeAlias = Annotated[list[T], BeforeValidator(_in_list), Field(min_length=1)]
_Action: TypeAlias = Annotated[str, Field(pattern=r"^(\*|(?i:ecr:[a-z*?]+))$")]
_Resource: TypeAlias = Annotated[str, Field(pattern=r"^(\*|arn:(?s:.)+)$")]
_PrincipalKind: TypeAlias = Literal["AWS", "Service", "Federated", "CanonicalUser"]
_Principals: TypeAlias = (
    Literal["*"] | Annotated[dict[_PrincipalKind, _Listed[str]], Field(min_length=1)]
)
_Operands: TypeAlias = Annotated[list[str | bool | int | float], BeforeValidator(_in_list)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_pascal)


class _Statement(_Part):
    sid: str = ""
    effect: Literal["Allow", "Deny"]
    principal: _Principals = "*"
    not_principal: _Principals = "*"
    action: _Listed[_Action] = []
    not_action: _Listed[_Action] = []
    resource: _Listed[_Resource] = []
    not_resource: _Listed[_Resource] = []
    condition: dict[str, dict[str, _Operands]] = {}

    @model_validator(mode="after")
    def _each_element_in_one_form(self) -> _Statement:
        for element in ("principal", "action", "resource"):
            if (element in self.model_fields_set) is (f"not_{element}" in self.model_fields_set):
                raise ValueError(element)
        return self

    def aws_principals(self) -> Iterator[str]:
        for principals in (self.principal, self.not_principal):
            if isinstance(principals, dict):
                yield from principals.get("AWS", ())


class _Document(_Part):
    version: Literal["2012-10-17", "2008-10-17"]
    id: str = ""
    statement: _Listed[_Statement]

    @model_validator(mode="after")
    def _sids_are_unique(self) -> _Document:
        sids = [statement.sid for statement in self.statement if statement.sid]
        if len(set(sids)) < len(sids):
            raise ValueError(sids)
        return self


def checked_policy(
    text: str, *, longest: int, partition: Partition, exists: Callable[[str], bool]
) -> Policy:
    """Returns the policy of a text of at most `longest` characters; raises AwsError for any other.

    `exists` says whether an account exists: a single unknown account makes ECR refuse the whole
    policy. ECR gives a policy back in its own layout, so the text kept is not the text sent.
    """
    if len(text) > longest:
        raise invalid_parameter(
            "PolicyText", f"Member must have length less than or equal to {longest}"
        )
    try:
        document = json.loads(text)
        statements = _Document.model_validate(document).statement
    except (ValueError, RecursionError):
        document, statements = {}, []
    principals = [name for statement in statements for name in statement.aws_principals()]
    if not statements or not all(_is_there(name, partition, exists) for name in principals):
        raise invalid_parameter("PolicyText", "Invalid registry policy provided")
    return stored(document)


def _is_there(principal: str, partition: Partition, exists: Callable[[str], bool]) -> bool:
    if principal == "*":
        return True
    match = _AWS_PRINCIPAL.fullmatch(principal)
    return (
        match is not None
        and match["partition"] in (None, partition)
        and exists(match["bare"] or match["account"])
    )


def stored(document: JsonObject) -> Policy:
    """Returns a policy as ECR keeps it: its order, but ECR's own layout."""
    text = json.dumps(document, indent=2, separators=(",", " : "), ensure_ascii=False)
    return Policy(text=text, document=document)


def respelled(policy: Policy, partition: Partition) -> Policy:
    """Returns a policy as ECR has been seen to give it back: an account id becomes the ARN of its
    root, and a list of a single item becomes that item."""
    statements: list[Json] = [
        {element: _respelled(value, element, partition) for element, value in statement.items()}
        for statement in statements_of(policy.document)
    ]
    return stored({**policy.document, "Statement": statements})


def _respelled(value: Json, element: str, partition: Partition) -> Json:
    if isinstance(value, Mapping):
        return {key: _respelled(inner, element, partition) for key, inner in value.items()}
    if isinstance(value, str):
        is_account = element.endswith("Principal") and _ACCOUNT.fullmatch(value)
        return root_arn(partition, AccountId(value)) if is_account else value
    if not isinstance(value, Sequence):
        return value
    items = [_respelled(item, element, partition) for item in listed(value)]
    return items[0] if len(items) == 1 else items
