"""IAM's decisions about the permissions of an identity, in SimulatePrincipalPolicy's answers."""

from __future__ import annotations

from collections.abc import Mapping

from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.runs.doctor import CheckState, Question, worst


def decisions_of(question: Question, answer: Answer, call: Call) -> dict[str, CheckState]:
    """Returns whether IAM would allow each action, in SimulatePrincipalPolicy's answer.

    IAM decides about every action on every resource of the question, and an action is as allowed as
    on the worst of its own resources. For example, where the question is about
    `ecr:PutRegistryPolicy` on `*` and `iam:PassRole` on a role, the decision about
    `ecr:PutRegistryPolicy` on that role does not count.
    """
    results = answer.parsed.get("EvaluationResults")
    if not isinstance(results, list):
        raise garbage(call, "the answer holds no EvaluationResults", answer.request_id)
    states: dict[str, list[CheckState]] = {}
    for result in results:
        match result:
            case {"EvalActionName": str(action), "ResourceSpecificResults": [_, *_] as decisions}:
                pass
            case {"EvalActionName": str(action)}:
                decisions = [result]
            case _:
                raise garbage(call, "the answer holds a result of no action", answer.request_id)
        for decision in decisions:
            if decision.get("EvalResourceName", "*") in question.resources.get(action, ()):
                states.setdefault(action, []).append(_state(decision))
    return {action: worst(some) for action, some in states.items()}


def _state(decision: Mapping[str, object]) -> CheckState:
    """A decision about one action on one resource. Unknown where it depends on what the question
    did not say, such as the region."""
    match decision:
        case {"EvalDecision": "allowed"} | {"EvalResourceDecision": "allowed"}:
            return CheckState.OK
        case {"MissingContextValues": [_, *_]}:
            return CheckState.UNKNOWN
        case _:
            return CheckState.FAILED
