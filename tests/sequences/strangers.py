"""What strangers do to a registry, straight in the world, as a console or another tool would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tests.sequences.generation import ACCOUNTS, FLEETS, STRANGERS, Edit
from tests.sequences.texts import REGION, registry
from tests.sequences.trace import POLICY, RULES, TEMPLATE, is_of, links, mark, meaning

from fleet_repl.sandbox import World
from fleet_repl.values.names import Registry

_RULE_EDITS: Final[dict[str, Callable[[list[Any], Edit], list[Any]]]] = {
    "rule": lambda rules, edit: [*rules, _rule(edit, [_elsewhere(edit)])],
    "empty-rule": lambda rules, edit: [_rule(edit, []), *rules],
    "rule-away": lambda rules, _: _without_last(rules, lambda item: not _is_ours(item)),
    "our-rule-away": lambda rules, _: _without_last(rules, _is_ours),
    "our-rule-widened": lambda rules, edit: _widened(rules, edit),  # noqa: PLW0108
}
_POLICY_EDITS: Final[dict[str, Callable[[list[Any], Edit], list[Any]]]] = {
    "statement": lambda statements, edit: [*statements, _statement(edit)],
    "statement-away": lambda statements, _: _without_last(
        statements, lambda item: not _is_marked(item)
    ),
    "our-statement-away": lambda statements, _: _without_last(statements, _is_marked),
    "statement-respelled": lambda statements, _: [
        item if _is_marked(item) else _respelled(item) for item in statements
    ],
    "our-statement-respelled": lambda statements, _: [
        _respelled(item) if _is_marked(item) else item for item in statements
    ],
}


def resource_of(edit: Edit) -> str:
    """The document that it changes."""
    if edit.kind in _RULE_EDITS:
        return RULES
    return POLICY if edit.kind in _POLICY_EDITS else TEMPLATE


def make(edit: Edit, world: World) -> None:
    """Carry it out. Where there is nothing to be changed, nothing is."""
    there = registry(edit.account)
    if edit.kind in _RULE_EDITS:
        rules = _RULE_EDITS[edit.kind](_rules_of(world, there), edit)
        world.set_replication(there, {"rules": rules})
    elif edit.kind in _POLICY_EDITS:
        policy = world.policy(there) or {"Version": "2012-10-17", "Statement": []}
        statements: Any = policy["Statement"]
        after = _POLICY_EDITS[edit.kind](list(statements), edit)
        world.set_policy(there, {**policy, "Statement": after} if after else None)
    elif edit.kind == "template":
        prefix = f"{STRANGERS}t{edit.number}/"
        world.set_template(there, {"prefix": prefix, "appliedFor": ["REPLICATION"]})
    else:
        theirs = [
            str(template["prefix"])
            for template in world.templates(there)
            if str(template["prefix"]).startswith(STRANGERS)
        ]
        for prefix in theirs[:1]:
            world.remove_template(there, prefix)


def aimed(edit: Edit, place: int, resource: str) -> Edit:
    """The edit with a document for its aim."""
    return replace(edit, kind="rule" if resource == RULES else "statement", account=place)


def _rules_of(world: World, there: Registry) -> list[Any]:
    configuration: Any = world.replication(there)
    return list(configuration["rules"])


def _rule(edit: Edit, ends: list[int]) -> Any:
    return {
        "destinations": [{"region": REGION, "registryId": f"{end:012d}"} for end in ends],
        "repositoryFilters": [_filter(edit)],
    }


def _filter(edit: Edit) -> Any:
    return {"filter": f"{STRANGERS}{edit.number}/", "filterType": "PREFIX_MATCH"}


def _elsewhere(edit: Edit) -> int:
    others = [account for account in ACCOUNTS if account != edit.account]
    return others[edit.number % len(others)]


def _statement(edit: Edit) -> Any:
    account = f"{_elsewhere(edit):012d}"
    return {
        "Sid": f"Theirs{edit.number}",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": [f"arn:aws:ecr:{REGION}:{edit.account:012d}:repository/{STRANGERS}*"],
    }


def _widened(rules: list[Any], edit: Edit) -> list[Any]:
    at = next((index for index, rule in enumerate(rules) if _is_ours(rule)), None)
    if at is None:
        return rules
    wider = {**rules[at], "repositoryFilters": [*rules[at]["repositoryFilters"], _filter(edit)]}
    return [*rules[:at], wider, *rules[at + 1 :]]


def _respelled(statement: Any) -> Any:
    """The other spelling that means the same: lists of one as strings, root ARNs as bare ids."""
    who = statement["Principal"]["AWS"]
    if isinstance(who, str):
        who = who.split(":")[4] if who.startswith("arn:") else f"arn:aws:iam::{who}:root"
    single = {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in statement.items()
    }
    return {**single, "Principal": {"AWS": who}}


def _without_last(items: list[Any], which: Callable[[Any], bool]) -> list[Any]:
    at = next((index for index in reversed(range(len(items))) if which(items[index])), None)
    return items if at is None else [*items[:at], *items[at + 1 :]]


def _is_ours(rule: Any) -> bool:
    """Whether any link of it is one of a fleet's."""
    texts = meaning({"rules": [rule]}, RULES)
    return any(is_of(text, fleet, RULES) for text in texts for fleet in FLEETS) and any(
        links({"rules": [rule]})
    )


def _is_marked(statement: Any) -> bool:
    return any(str(statement.get("Sid", "")).startswith(mark(fleet)) for fleet in FLEETS)
