"""What is written: everything that makes ours what is wanted, and nothing of anyone else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, strategies as st

from fleet_repl.ecr.templates import (
    Signature,
    TemplatePlan,
    parse_template,
    plan_templates,
    template_at,
    template_documents,
)
from fleet_repl.inventory import Selector, Template
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FaultKind
from fleet_repl.values.names import Registry

Apply = Callable[..., tuple[JsonObject, ...]]
_ANY = Selector()


def shuffled(template: JsonObject) -> JsonObject:
    """The same template, all of it spelled otherwise."""
    lists = ("resourceTags", "appliedFor", "imageTagMutabilityExclusionFilters")
    policies = ("repositoryPolicy", "lifecyclePolicy")
    turned: dict[str, Any] = dict(reversed(list(template.items())))
    for key in lists:
        if key in turned:
            turned[key] = turned[key][::-1]
    for key in policies:
        if key in turned:
            document = {
                name: value[::-1] if isinstance(value, list) else [value]
                for name, value in json.loads(turned[key]).items()
            }
            turned[key] = json.dumps(document, indent=4)
    if turned["imageTagMutability"] == "MUTABLE":
        del turned["imageTagMutability"]
    if turned["encryptionConfiguration"] == {"encryptionType": "AES256"}:
        del turned["encryptionConfiguration"]
    if turned["prefix"] != "ROOT":
        turned["prefix"] += "/"
    return turned


@given(data=st.data())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    data: st.DataObject,
    some_templates: st.SearchStrategy[tuple[Template, ...]],
    registry: Registry,
    ours: Signature,
    applied: Apply,
) -> None:
    """Whatever was there of ours, and whatever is wanted: one plan is enough, and read-back
    shows each of its writes."""
    before, after = data.draw(some_templates), data.draw(some_templates)
    signed = data.draw(st.sampled_from((ours, Signature(fleet="old"))))
    present = applied((), plan_templates(template_documents(before, registry, signed), (), ours))
    wanted = template_documents(after, registry, ours)
    plan = plan_templates(wanted, present, ours)
    assert not plan.refused
    assert not plan.conflicts
    now = applied(present, plan)
    for change in plan.changes:
        state = parse_template(template_at(now, change.prefix))
        assert state.shows(parse_template(change.after.document))
        assert not state.same_as(parse_template(change.before.document))
    assert plan_templates(wanted, now, ours) == TemplatePlan()
    assert len(now) == len(wanted)


@given(data=st.data())
def test_spelling_is_no_change(
    data: st.DataObject,
    some_templates: st.SearchStrategy[tuple[Template, ...]],
    registry: Registry,
    ours: Signature,
) -> None:
    """Order, defaults, layout of JSON and a slash at the end of a prefix mean nothing."""
    wanted = template_documents(data.draw(some_templates), registry, ours)
    respelled = [shuffled(item) for item in wanted]
    assert plan_templates(wanted, respelled, ours) == TemplatePlan()
    assert all(
        parse_template(template).same_as(parse_template(other))
        for template, other in zip(wanted, respelled, strict=True)
    )


@given(data=st.data())
def test_order_in_the_inventory_is_no_change(
    data: st.DataObject,
    some_templates: st.SearchStrategy[tuple[Template, ...]],
    registry: Registry,
    ours: Signature,
) -> None:
    """The documents are the same in the same order."""
    templates: tuple[Template, ...] = data.draw(some_templates)
    assert template_documents(templates[::-1], registry, ours) == template_documents(
        templates, registry, ours
    )


@given(data=st.data())
def test_templates_of_others_are_left_alone(
    data: st.DataObject,
    some_templates: st.SearchStrategy[tuple[Template, ...]],
    registry: Registry,
    ours: Signature,
    theirs: Signature,
    applied: Apply,
) -> None:
    """None of theirs is changed or removed, and each that is in the way is told about once."""
    wanted = template_documents(data.draw(some_templates), registry, ours)
    others = template_documents(data.draw(some_templates), registry, theirs)
    present = applied((), plan_templates(others, (), theirs))
    plan = plan_templates(wanted, present, ours)
    now = applied(present, plan)
    assert [item for item in now if theirs.is_on(item)] == list(present)
    taken = {item["prefix"] for item in present}
    assert {change.prefix for change in plan.changes} == {
        item["prefix"] for item in wanted if item["prefix"] not in taken
    }
    assert all(conflict.kind is FaultKind.CONFLICT for conflict in plan.conflicts)
    again = plan_templates(wanted, now, ours)
    assert again == TemplatePlan(conflicts=plan.conflicts)


def test_what_others_made_the_same_way_will_do(registry: Registry, ours: Signature) -> None:
    """A template that does what is wanted is no conflict, whoever made it; and it stays when
    it is wanted no more."""
    (wanted,) = template_documents([Template(name="n", prefix="x", select=_ANY)], registry, ours)
    same = {**wanted, "description": "made by hand", "createdAt": 3.0}
    assert plan_templates([wanted], [same], ours) == TemplatePlan()
    assert plan_templates([], [same], ours) == TemplatePlan()


def test_a_conflict_says_what_differs_and_what_to_do(registry: Registry, ours: Signature) -> None:
    """Exactly this is read."""
    (wanted,) = template_documents([Template(name="n", prefix="x", select=_ANY)], registry, ours)
    other = {
        **wanted,
        "description": "made by hand",
        "imageTagMutability": "IMMUTABLE",
        "appliedFor": ["CREATE_ON_PUSH"],
    }
    plan = plan_templates([wanted], [other], ours)
    assert plan.changes == ()
    (fault,) = plan.conflicts
    assert str(fault) == (
        "UpdateRepositoryCreationTemplate: conflict: there is a creation template for x that this "
        "fleet did not make, and it differs in imageTagMutability, appliedFor; it is left as it is"
    )
    assert fault.hint == (
        f'delete it, or hand it over by giving it the description "{wanted["description"]}", or '
        "do not select this registry"
    )
    handed_over = {**other, "description": wanted["description"]}
    (change,) = plan_templates([wanted], [handed_over], ours).changes
    assert change.action == "update"


def test_deletions_come_last(registry: Registry, ours: Signature) -> None:
    """A repository is not created without a template while one takes another's place."""
    old, new = (
        template_documents([Template(name="n", prefix=prefix, select=_ANY)], registry, ours)
        for prefix in ("a", "b")
    )
    plan = plan_templates(new, old, ours)
    assert [(change.action, change.prefix) for change in plan.changes] == [
        ("create", "b"),
        ("delete", "a"),
    ]
    assert plan.changes[1].before.document == old[0]
