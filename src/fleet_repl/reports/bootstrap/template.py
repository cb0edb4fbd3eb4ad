"""The CloudFormation template that makes the role in one account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fleet_repl.ecr.statements import VERSION, Statement, escaped
from fleet_repl.reports.bootstrap.model import ACCOUNT, Bootstrap, folder_of, name_of
from fleet_repl.reports.bootstrap.yaml import Function, Value, yaml_lines

_USUAL_SESSION: Final = 3_600
"""Seconds that a role allows a session where nothing is said."""
_NOTHING: Final = Function("Ref", "AWS::NoValue")
_EXTERNAL_ID: Final = Function("Ref", "ExternalId")
_HAS_EXTERNAL_ID: Final = "HasExternalId"


def template_text(bootstrap: Bootstrap) -> str:
    """The template alone. Where there are several roles, a parameter says which of them it is."""
    template: dict[str, Value] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The role that fleet-repl assumes in an account of {bootstrap.fleet}",
        "Parameters": _parameters(bootstrap),
    }
    if conditions := _conditions(bootstrap):
        template["Conditions"] = conditions
    template["Resources"] = {"Role": _role(bootstrap), "Permissions": _permissions(bootstrap)}
    # An empty line before each section, as people write them.
    first, *rest = ("\n".join(yaml_lines({key: value})) for key, value in template.items())
    return "\n".join((first, "\n\n".join(rest), ""))


def _parameters(bootstrap: Bootstrap) -> dict[str, Value]:
    principal = {} if bootstrap.principal is None else {"Default": bootstrap.principal}
    parameters: dict[str, Value] = {
        "Principal": {
            "Type": "String",
            "Description": "The ARN of the identity that assumes the role",
            **principal,
        }
    }
    if len(bootstrap.paths) > 1:
        parameters["WhichRole"] = {
            "Type": "String",
            "Description": "Which role of the inventory it is",
            "Default": bootstrap.paths[0],
            "AllowedValues": bootstrap.paths,
        }
    if any(role.external_id for role in bootstrap.roles):
        parameters["ExternalId"] = {
            "Type": "String",
            "Description": "The external id that has to be given with it",
            "NoEcho": "true",
            **({"Default": ""} if _asks_sometimes(bootstrap) else {"MinLength": 2}),
        }
    return parameters


def _conditions(bootstrap: Bootstrap) -> dict[str, Value]:
    conditions: dict[str, Value] = {
        f"IsRole{number}": Function("Equals", [Function("Ref", "WhichRole"), path])
        for number, path in enumerate(bootstrap.paths[1:], 2)
    }
    if _asks_sometimes(bootstrap):
        has_none = Function("Equals", [_EXTERNAL_ID, ""])
        conditions[_HAS_EXTERNAL_ID] = Function("Not", [has_none])
    return conditions


def _asks_sometimes(bootstrap: Bootstrap) -> bool:
    """Returns whether some roles ask for an external id, and others do not."""
    return len({role.external_id is None for role in bootstrap.roles}) == 2


def _role(bootstrap: Bootstrap) -> dict[str, Value]:
    trust: dict[str, Value] = {
        "Effect": "Allow",
        "Principal": {"AWS": Function("Ref", "Principal")},
        "Action": _alone(bootstrap.assuming),
    }
    if (condition := _condition(bootstrap)) is not None:
        trust["Condition"] = condition
    properties: dict[str, Value] = {
        "RoleName": _of_the_role([name_of(path) for path in bootstrap.paths]),
        "Path": _of_the_role([folder_of(path) for path in bootstrap.paths]),
        "Description": f"fleet-repl replicates ECR images in the fleet {bootstrap.fleet}",
    }
    if bootstrap.session_seconds > _USUAL_SESSION:
        properties["MaxSessionDuration"] = bootstrap.session_seconds
    properties["AssumeRolePolicyDocument"] = {"Version": VERSION, "Statement": [trust]}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _condition(bootstrap: Bootstrap) -> Value | None:
    """Returns the condition of the trust policy, beside its principal."""
    organization: dict[str, Value] = {}
    if bootstrap.organization is not None:
        organization = {"aws:PrincipalOrgID": bootstrap.organization}
    if not any(role.external_id for role in bootstrap.roles):
        return {"StringEquals": organization} if organization else None
    if not _asks_sometimes(bootstrap):
        return {"StringEquals": {**organization, "sts:ExternalId": _EXTERNAL_ID}}
    if organization:
        either = Function("If", [_HAS_EXTERNAL_ID, _EXTERNAL_ID, _NOTHING])
        return {"StringEquals": {**organization, "sts:ExternalId": either}}
    asked = {"StringEquals": {"sts:ExternalId": _EXTERNAL_ID}}
    return Function("If", [_HAS_EXTERNAL_ID, asked, _NOTHING])


def _in_any_account(text: str) -> Value:
    """A text with the id of the account in the place of `{account}`."""
    if ACCOUNT not in text:
        return text
    return Function("Sub", text.replace(ACCOUNT, "${AWS::AccountId}"))


def _of_the_role(texts: Sequence[str], written: Callable[[str], Value] = _in_any_account) -> Value:
    """Returns an expression that takes, of one text for each role, the text of the role at hand, as
    it is `written`."""
    first, *others = map(written, texts)
    if len(set(texts)) == 1:
        return first
    for number, value in enumerate(others, 2):
        first = Function("If", [f"IsRole{number}", value, first])
    return first


def _permissions(bootstrap: Bootstrap) -> dict[str, Value]:
    statements = [_statement(statement, bootstrap.paths) for statement in bootstrap.permissions]
    return {
        "Type": "AWS::IAM::RolePolicy",
        "Properties": {
            "RoleName": Function("Ref", "Role"),
            "PolicyName": "fleet-repl",
            "PolicyDocument": {"Version": VERSION, "Statement": statements},
        },
    }


def _statement(statement: Statement, paths: Sequence[str]) -> dict[str, Value]:
    resources = [_resource(text, paths) for text in statement.resources]
    document: dict[str, Value] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": _alone(statement.actions),
        "Resource": resources[0] if len(resources) == 1 else resources,
    }
    if statement.service is not None:
        document["Condition"] = {"StringEquals": {"iam:AWSServiceName": statement.service}}
    return document


def _alone(texts: tuple[str, ...]) -> Value:
    """A list of one as IAM's own documents have it: without the list."""
    return texts[0] if len(texts) == 1 else texts


def _resource(text: str, paths: Sequence[str]) -> Value:
    if "{role}" not in text:
        return _filled(text)
    names = [escaped(path) for path in paths]
    if names == list(paths):
        return Function("GetAtt", "Role.Arn")
    # That ARN has the path as it is, and IAM would read a `*` in it as any text.
    return _of_the_role([text.replace("{role}", name) for name in names], _filled)


def _filled(text: str) -> Value:
    """A resource with the partition and the account in the place of theirs."""
    if "{" not in text:
        return text
    # What begins with `${!` is no variable of CloudFormation's, and becomes one of IAM's.
    known = {"${": "${!", "{partition}": "${AWS::Partition}", ACCOUNT: "${AWS::AccountId}"}
    for name, value in known.items():
        text = text.replace(name, value)
    return Function("Sub", text)
