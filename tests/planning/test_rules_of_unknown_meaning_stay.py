"""A rule that means no link, or holds what this version does not understand, is never lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.desired import desired_of
from tests.support.links import make_link
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import parse_document, rules_of, sendable
from fleet_repl.inventory import Limits
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.objections import objections
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.ownership import Applied, Cells, cells_of, narrowed
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.reports.exit_codes import plan_exit
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.runs.fingerprints import rules_digest
from fleet_repl.values.canonical_json import Json, JsonObject, canonical_json
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes, reduce

HERE = registry_of("1")
ENDS = tuple(map(registry_of, "234"))
NOWHERE_RULE: JsonObject = {
    "destinations": [],
    "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
}
AT: JsonObject = {"region": "eu-west-1", "registryId": "2" * 12}
STRANGE: tuple[JsonObject, ...] = (
    NOWHERE_RULE,
    {"destinations": []},
    {"destinations": [{"region": "EU-WEST-1", "registryId": "2" * 12}]},
    {"destinations": [{"region": "a" * 26, "registryId": "2" * 12}, AT]},
    {"destinations": [{"region": "eu-west-1", "registryId": "emulator"}]},
    {"destinations": [AT], "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]},
    {
        "destinations": [AT],
        "repositoryFilters": [
            {"filter": "a/", "filterType": "PREFIX_MATCH"},
            {"filter": "*", "filterType": "WILDCARD"},
        ],
    },
    {"destinations": [AT], "deleteReplication": {"enabled": "perhaps"}},
)

places: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "region": st.sampled_from(["eu-west-1", "EU", "x" * 30]),
        "registryId": st.sampled_from(["2" * 12, "3" * 12, "4" * 12, "emulator"]),
    }
)
filters: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "filter": st.sampled_from(["", "a/", "a/b/", "c/"]),
        "filterType": st.sampled_from(["PREFIX_MATCH", "PREFIX_MATCH", "WILDCARD"]),
    }
)
rules: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {"destinations": st.lists(places, max_size=2)},
    optional={
        "repositoryFilters": st.lists(filters, min_size=1, max_size=2),
        "deleteReplication": st.sampled_from(
            [{"enabled": True}, {"enabled": False}, {"enabled": "perhaps"}]
        ),
        "priority": st.just(1),
    },
)
prefix_sets = st.lists(st.sampled_from(["", "a/", "c/"]), min_size=1, max_size=2).map(reduce)
link_sets = st.dictionaries(st.sampled_from(ENDS), prefix_sets, max_size=3)


def texts(rules: Sequence[JsonObject]) -> Counter[str]:
    return Counter(canonical_json(sendable(rule)) for rule in rules)


def unknown_rules_of(document: JsonObject) -> list[JsonObject]:
    return [raw for _, raw in parse_document(document).unknown_rules]


@pytest.fixture(scope="session")
def plan_for() -> Callable[..., Planned]:
    """Rules in place and links that are asked for → what is planned."""

    def plan(
        document: JsonObject,
        links: Mapping[Registry, Prefixes],
        *,
        additive: bool = False,
        recorded: Cells | None = None,
        limits: Limits | None = None,
        **how: Any,
    ) -> Planned:
        asked = [
            make_link(source=HERE, destination=end, prefixes=prefixes, routes=("route",))
            for end, prefixes in links.items()
        ]
        desired = desired_of(
            asked,
            [HERE, *ENDS],
            manages_grants=False,
            additive=[HERE.account] if additive else (),
            limits=limits,
        )
        seen = {
            item: Observed(
                replication=parse_document(document if item == HERE else {"rules": []}),
                policy=None,
            )
            for item in (HERE, *ENDS)
        }
        record = {} if recorded is None else {HERE: Applied(links=recorded)}
        return plan_registries(desired, seen, [HERE], record=record, **how)

    return plan


def page(planned: Planned) -> str:
    """The text of a plan."""
    plan = Plan(
        digest="",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest=""),
        summary=summarize(planned.registries),
        registries=planned.registries,
        warnings=planned.warnings,
    )
    return plan_text(plan, full=True)


def written(planned: Planned) -> JsonObject | None:
    """What the plan leaves in place of the rules; None for what is there."""
    (plan,) = planned.registries
    return plan.changes[0].after.document if plan.changes else None


@given(
    present=st.lists(rules, max_size=4),
    links=link_sets,
    additive=st.booleans(),
    recorded=st.none() | link_sets,
)
def test_no_rule_of_unknown_meaning_is_lost(
    plan_for: Callable[..., Planned],
    present: list[JsonObject],
    links: Mapping[Registry, Prefixes],
    additive: bool,
    recorded: Mapping[Registry, Prefixes] | None,
) -> None:
    """Whatever is in place, asked for and on record, and although unknown fields may go: each such
    rule is in what is written, to the letter, and the plan's text names it."""
    document: JsonObject = {"rules": present}
    planned = plan_for(
        document, links, additive=additive, recorded=recorded, allow=["unknown-fields"]
    )
    there = parse_document(document).unknown_rules
    after = written(planned)
    if after is not None:
        assert not texts([raw for _, raw in there]) - texts(rules_of(after))
    shown = " ".join(page(planned).split())
    for place, _ in there:
        assert f"unknown-rule: {HERE}: rules[{place}] " in shown
    # What was kept stays known as ours or others', so that the next plan is empty.
    if after is not None and not planned.registries[0].refused:
        again = plan_for(
            after,
            links,
            additive=additive,
            recorded=planned.registries[0].owned.links,
            allow=["unknown-fields"],
        )
        assert written(again) is None


@given(present=st.lists(rules, max_size=4), links=link_sets, bounds=link_sets)
def test_none_is_lost_to_a_grant_that_fails(
    present: list[JsonObject],
    links: Mapping[Registry, Prefixes],
    bounds: Mapping[Registry, Prefixes],
) -> None:
    """Links that are held while a plan is carried out take no such rule with them."""
    document: JsonObject = {"rules": present}
    owned = cells_of(parse_document(document).rules)
    after, _ = narrowed(parse_document(document), {**owned, **links}, bounds, filters=100)
    assert not texts(unknown_rules_of(document)) - texts(rules_of(after.document))


@pytest.mark.parametrize("rule", STRANGE)
def test_a_lost_one_is_a_difference(rule: JsonObject) -> None:
    """Two documents with the same links are not the same where one lacks such a rule: neither for
    a write that is read back, nor for whoever asks who has moved."""
    plain: JsonObject = {"destinations": [AT]}
    both, without = parse_document({"rules": [plain, rule]}), parse_document({"rules": [plain]})
    turned = parse_document({"rules": [rule, plain]})
    assert not both.same_as(without)
    assert not without.same_as(both)
    assert not without.shows(both)
    assert not both.shows(without)
    assert rules_digest(both) != rules_digest(without)
    if not both.unknown:
        assert both.same_as(turned)
        assert rules_digest(both) == rules_digest(turned)


@pytest.mark.parametrize("additive", [False, True])
def test_a_kept_rule_is_no_drift(plan_for: Callable[..., Planned], additive: bool) -> None:
    """It is told, and nothing is to be done about it."""
    document: JsonObject = {"rules": [NOWHERE_RULE, {"destinations": [AT]}]}
    planned = plan_for(document, {ENDS[0]: ("",)}, additive=additive)
    (registry,) = planned.registries
    assert (registry.state, registry.changes) == (State.UNCHANGED, ())
    (warning,) = planned.warnings
    assert warning.kind == "unknown-rule"
    assert warning.message == (
        '111111111111/eu-west-1: rules[0] {"destinations":[],"repositoryFilters":[{"filter":'
        '"base/","filterType":"PREFIX_MATCH"}]} means no link, or holds something that this '
        "version does not know; nobody can tell what ECR makes of it, so it is kept as it is. Ask "
        "whoever wrote it; apply --force lets it go where the rules are exclusive"
    )
    plan = Plan(
        digest="",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        fleet="prod",
        inventory=InventoryRef(path="prod.toml", digest=""),
        summary=summarize(planned.registries),
        registries=planned.registries,
        warnings=planned.warnings,
    )
    assert plan_exit(plan, detailed=True) == 0


def test_who_insists_lets_it_go(plan_for: Callable[..., Planned]) -> None:
    """Where the fleet speaks alone, and with an objection that says what goes."""
    document: JsonObject = {"rules": [{"destinations": [AT]}, NOWHERE_RULE]}
    planned = plan_for(document, {ENDS[0]: ("",)}, force=True)
    assert written(planned) == {"rules": [{"destinations": [AT]}]}
    assert planned.warnings == ()
    (objection,) = objections(planned.registries, {})
    assert objection.kind == "unknown-rule"
    assert objection.message == (
        "1 rule whose meaning is not known would be removed: 111111111111/eu-west-1, rules[1] "
        '{"destinations":[],"repositoryFilters":[{"filter":"base/","filterType":"PREFIX_MATCH"}]}. '
        "Nobody can tell what ECR does without it. To keep it, plan again without --force; else go "
        "on with --force."
    )
    assert '      - rules[1] {"destinations":[],' in page(planned)
    assert written(plan_for(document, {ENDS[0]: ("",)}, force=True, additive=True)) is None


def test_what_is_refused_is_not_lost(plan_for: Callable[..., Planned]) -> None:
    """A write that will not be made takes nothing away: no objection, and the rule is told."""
    document: JsonObject = {"rules": [NOWHERE_RULE, {"destinations": [AT], "priority": 1}]}
    planned = plan_for(document, {ENDS[1]: ("",)}, force=True)
    assert [warning.kind for warning in planned.warnings] == ["unknown-fields", "unknown-rule"]
    assert "unknown-rule" not in {
        objection.kind for objection in objections(planned.registries, {})
    }


def test_a_kept_rule_takes_room(plan_for: Callable[..., Planned]) -> None:
    """It counts among the rules that ECR takes."""
    document: JsonObject = {"rules": [NOWHERE_RULE]}
    links = {ENDS[0]: ("a/",)}
    (plan,) = plan_for(document, links, limits=replace(Limits(), rules=1)).registries
    assert isinstance(plan, RegistryPlan)
    assert plan.error is not None
    assert plan.error.message == (
        "it would need 2 rules, and ECR takes 1; 1 of the rules is not fleet-repl's"
    )
