"""IAM's SimulatePrincipalPolicy: what a role or a user may do, by the rules for its calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fleet_repl.sandbox.aws_errors import AwsError, unauthorized
from fleet_repl.sandbox.directory import Directory, Identity
from fleet_repl.sandbox.sts import Result
from fleet_repl.values.names import RoleArn

ACTION = "iam:SimulatePrincipalPolicy"


def simulate_principal_policy(
    directory: Directory, caller: Identity, form: Mapping[str, str]
) -> Result:
    """Returns the decision for each action and resource of the form. Raises AwsError.

    A session policy does not count: the principal is the role, whoever asks.
    """
    principal = form.get("PolicySourceArn", "")
    if not directory.allows(caller, ACTION, principal):
        raise unauthorized(caller.arn, ACTION, principal)
    role = RoleArn.parse(principal)
    is_role = role is not None and role.account == caller.account and directory.has_role(role)
    if not (is_role or principal == caller.arn == directory.base.arn):
        raise AwsError("NoSuchEntity", f"The entity with ARN {principal} cannot be found.", 404)
    actions = [*_members(form, "ActionNames")]
    lacking = {action for action in actions if directory.lacks(caller.account, action)}
    resources = [*_members(form, "ResourceArns")] or ["*"]
    results = [
        _evaluation(action, resources, "implicitDeny" if action in lacking else "allowed")
        for action in actions
    ]
    return {"EvaluationResults": results, "IsTruncated": "false"}


def _evaluation(action: str, resources: list[str], decision: str) -> Result:
    """Returns the result for an action; of several resources, each has a decision of its own."""
    result: Result = {
        "EvalActionName": action,
        "EvalResourceName": resources[0],
        "EvalDecision": decision,
    }
    if len(resources) == 1:
        return result
    return {
        **result,
        "ResourceSpecificResults": [
            {"EvalResourceName": resource, "EvalResourceDecision": decision}
            for resource in resources
        ],
    }


def _members(form: Mapping[str, str], name: str) -> Iterator[str]:
    """Yields the texts of a list in a form."""
    number = 1
    while (text := form.get(f"{name}.member.{number}")) is not None:
        yield text
        number += 1
