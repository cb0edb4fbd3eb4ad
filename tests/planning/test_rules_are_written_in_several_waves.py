"""Rules whose links belong to several waves: which links change in which write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings, strategies as st
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for, scopes_of
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import Outgoing, Rule, deletes_of, document_of, parse_document, rules_of
from fleet_repl.inventory import Limits
from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.ownership import Applied, Cells, cells_of, merge_exclusive
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.planning.rule_waves import in_waves
from fleet_repl.topology import REST, Link, Waves
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.names import AccountId, Partition, Region, Registry
from fleet_repl.values.prefixes import Prefixes, reduce

HUB, A, B, C, D = map(registry_of, "12345")
ENDS = (A, B, C, D)
ALL = (HUB, *ENDS)
ORDER = Waves(names=("canary", "early", REST), by_registry={A: 0, B: 1})
EMPTY: JsonObject = {"rules": []}
NO_POLICY = parse_policy(None, Owner(fleet="prod", partition=Partition.AWS), HUB)
STRANGE: JsonObject = {
    "destinations": [],
    "repositoryFilters": [{"filter": "odd/", "filterType": "PREFIX_MATCH"}],
}
"""A rule that means no link."""


def links_of(wanted: Outgoing, deleting: Sequence[Registry] = ()) -> list[Link]:
    return [
        make_link(
            source=HUB,
            destination=end,
            prefixes=prefixes,
            deletes=prefixes if end in deleting else (),
            routes=("golden",),
        )
        for end, prefixes in wanted.items()
    ]


def planned(
    wanted: Outgoing,
    document: JsonObject,
    turns: Waves = ORDER,
    *,
    deleting: Sequence[Registry] = (),
    record: Mapping[Registry, Applied] | None = None,
    force: bool = False,
    **more: Any,
) -> Planned:
    """The plan of a hub with links to others, which grant nothing and need not."""
    desired = replace(
        desired_of(links_of(wanted, deleting), ALL, manages_grants=False, **more), waves=turns
    )
    seen: Observation = {
        item: Observed(
            replication=parse_document(document if item == HUB else EMPTY), policy=NO_POLICY
        )
        for item in ALL
    }
    return plan_registries(desired, seen, ALL, record=record or {}, force=force)


def hub(plan: Planned) -> RegistryPlan:
    return next(registry for registry in plan.registries if registry.registry == HUB)


def written_links(changes: Sequence[Change]) -> list[tuple[str, Outgoing]]:
    """Wave, and the links that each write leaves; each expects what the one before left."""
    for earlier, following in pairwise(changes):
        assert following.before.document == earlier.after.document
    return [
        (change.wave, parse_document(change.after.document or {}).outgoing) for change in changes
    ]


def test_a_link_is_written_in_the_first_wave_of_either_end() -> None:
    """The hub is in no wave: its links to the canary and to the early wave come in theirs."""
    plan = hub(planned(dict.fromkeys(ENDS, ("a/",)), EMPTY))
    assert written_links(plan.changes) == [
        ("canary", {A: ("a/",)}),
        ("early", {A: ("a/",), B: ("a/",)}),
        (REST, dict.fromkeys(ENDS, ("a/",))),
    ]
    assert [[end.registry for end in change.links_added] for change in plan.changes] == [
        [A],
        [B],
        [C, D],
    ]
    assert {change.phase for change in plan.changes} == {Phase.RULES}
    assert plan.wave == REST


def test_a_hub_in_the_first_wave_is_written_once() -> None:
    """All of its links have one end in it."""
    turns = replace(ORDER, by_registry={A: 1, B: 2, HUB: 0})
    plan = hub(planned(dict.fromkeys(ENDS, ("a/",)), EMPTY, turns))
    assert written_links(plan.changes) == [("canary", dict.fromkeys(ENDS, ("a/",)))]


def test_links_come_change_and_go_in_their_wave() -> None:
    """Until then they are as they were found; a link that stays is in every document."""
    present = document_of(rules_for({A: ("a/",), B: ("a/",), C: ("a/",)}))
    plan = hub(planned({B: ("b/",), C: ("a/",), D: ("b/",)}, present))
    assert written_links(plan.changes) == [
        ("canary", {B: ("a/",), C: ("a/",)}),
        ("early", {B: ("b/",), C: ("a/",)}),
        (REST, {B: ("b/",), C: ("a/",), D: ("b/",)}),
    ]
    assert [
        (
            [end.registry for end in change.links_added],
            [end.registry for end in change.links_removed],
        )
        for change in plan.changes
    ] == [([], [A]), ([B], [B]), ([D], [])]


def test_deletions_travel_from_the_wave_of_their_link() -> None:
    """The links stay; one write for each of the waves in which deletions begin."""
    present = document_of(rules_for({A: ("a/",), C: ("a/",)}))
    plan = hub(planned({A: ("a/",), C: ("a/",)}, present, deleting=[A, C]))
    assert [change.wave for change in plan.changes] == ["canary", REST]
    assert [
        deletes_of(parse_document(change.after.document or {}).links) for change in plan.changes
    ] == [
        {A: ("a/",)},
        {A: ("a/",), C: ("a/",)},
    ]
    assert [[end.registry for end in change.deletes_started] for change in plan.changes] == [
        [A],
        [C],
    ]


def test_a_fleet_without_waves_writes_once() -> None:
    """And just the document that the last of several writes leaves."""
    present = document_of(rules_for({A: ("a/",), B: ("a/", "b/")}))
    wanted = {B: ("b/",), C: ("a/",), D: ("b/",)}
    (plain,) = hub(planned(wanted, present, Waves())).changes
    staged = hub(planned(wanted, present)).changes
    assert (plain.wave, len(staged)) == (REST, 3)
    assert canonical_json(staged[-1].after.document) == canonical_json(plain.after.document)


def ends(count: int, digit: str) -> list[Registry]:
    return [
        Registry(AccountId(f"{digit}{number:011}"), Region("eu-west-1")) for number in range(count)
    ]


def test_what_does_not_fit_moves_to_the_later_wave() -> None:
    """Twenty-four links are to be replaced by twenty-four others, three of them the canary's: of
    those as many come early as ECR has room for, and the plan says so."""
    old, new = ends(24, "7"), ends(24, "8")
    links = links_of(dict.fromkeys(new, ("a/",)))
    desired = desired_of(links, [HUB, *old, *new], manages_grants=False)
    turns = Waves(names=("canary", REST), by_registry=dict.fromkeys(new[:3], 0))
    seen: Observation = {
        registry: Observed(
            replication=parse_document(
                document_of(rules_for(dict.fromkeys(old, ("a/",)))) if registry == HUB else EMPTY
            ),
            policy=NO_POLICY,
        )
        for registry in desired.registries
    }
    plan = plan_registries(replace(desired, waves=turns), seen, desired.registries)
    (registry_plan,) = [registry for registry in plan.registries if registry.registry == HUB]
    assert written_links(registry_plan.changes) == [
        ("canary", {new[0]: ("a/",), **dict.fromkeys(old, ("a/",))}),
        (REST, dict.fromkeys(new, ("a/",))),
    ]
    assert [(warning.kind, warning.message) for warning in plan.warnings] == [
        (
            "later-wave",
            (
                f"{HUB}: 2 links of wave canary change in wave rest, because with the links of "
                "later waves as they were found, the registry would need 27 destinations, and ECR "
                "takes 25"
            ),
        )
    ]


def test_only_links_that_come_later_than_their_turn_are_delayed() -> None:
    """A link that is written in its own wave is not listed, not even in the last wave: in a large
    fleet that would be every link."""
    nothing, wanted = parse_document(EMPTY), scopes_of(dict.fromkeys(ENDS, ("a/",)))
    merged = merge_exclusive(nothing, wanted, wanted, None, filters=100, force=False)
    for limits, delayed in ((Limits(), {}), (Limits(destinations=0), {A: 2, B: 2})):
        desired = desired_of([], ALL, manages_grants=False, limits=limits)
        stages = in_waves(HUB, nothing, merged, replace(desired, waves=ORDER))
        assert stages.delayed == delayed


def test_grants_of_a_link_that_moves_come_and_go_with_it() -> None:
    """One destination is all there is room for, and it changes: the new link's grant comes in the
    wave of its rule, and the old one's goes after that."""
    limits = Limits(destinations=1)
    desired = replace(
        desired_of(links_of({A: ("a/",)}), ALL, limits=limits),
        waves=Waves(names=("canary", REST), by_registry={A: 0}),
    )
    seen = {
        item: Observed(
            replication=parse_document(
                document_of(rules_for({C: ("a/",)})) if item == HUB else EMPTY
            ),
            policy=NO_POLICY,
        )
        for item in ALL
    }
    plan = plan_registries(desired, seen, ALL)
    waves = {
        registry.registry: [change.wave for change in registry.changes]
        for registry in plan.registries
    }
    assert waves == {HUB: [REST], A: [REST], B: [], C: [], D: []}
    assert [warning.kind for warning in plan.warnings] == ["later-wave"]


def test_rules_of_unknown_meaning_go_with_everything_else() -> None:
    """Nobody can tell which links they make, so with --force all is one write, in the last wave;
    without it they stay in each of the writes."""
    present = {"rules": [STRANGE, *rules_of(document_of(rules_for({A: ("a/",)})))]}
    wanted = {B: ("b/",), C: ("b/",)}
    forced = planned(wanted, present, force=True)
    assert written_links(hub(forced).changes) == [(REST, {B: ("b/",), C: ("b/",)})]
    assert [place for place, _ in hub(forced).lost_rules] == [0]
    assert [warning.kind for warning in forced.warnings if warning.kind == "later-wave"] == [
        "later-wave"
    ] * 2
    kept = hub(planned(wanted, present))
    assert [wave for wave, _ in written_links(kept.changes)] == ["canary", "early", REST]
    assert all(rules_of(change.after.document or {})[0] == STRANGE for change in kept.changes)
    assert kept.lost_rules == ()


def test_what_is_refused_is_one_change_in_its_first_wave() -> None:
    """It will not be written, and the canary says so."""
    novel = {"rules": [{**rules_of(document_of(rules_for({C: ("a/",)})))[0], "novelty": 1}]}
    plan = hub(planned({A: ("a/",), B: ("a/",)}, novel))
    assert [change.wave for change in plan.changes] == ["canary"]
    assert Resource.REPLICATION_CONFIGURATION in plan.refused


prefix_sets = st.lists(
    st.sampled_from(["", "a/", "a/b/", "c/", "c/d/"]), min_size=1, max_size=3
).map(reduce)
link_sets = st.dictionaries(st.sampled_from(ENDS), prefix_sets)
found_rules = st.lists(
    st.builds(
        Rule,
        destinations=st.lists(st.sampled_from(ENDS), min_size=1, unique=True).map(tuple),
        prefixes=prefix_sets,
        deletes=st.booleans(),
    ),
    max_size=4,
)
wave_sets = st.dictionaries(st.sampled_from(ALL), st.integers(0, 2)).map(
    lambda by_registry: Waves(names=("canary", "early", REST), by_registry=by_registry)
)


@settings(max_examples=500)
@given(
    data=st.data(),
    wanted=link_sets,
    deleting=st.sets(st.sampled_from(ENDS)).map(sorted),
    rules=found_rules,
    unknown=st.booleans(),
    turns=wave_sets,
    additive=st.booleans(),
    room=st.sampled_from([Limits(), Limits(rules=3), Limits(destinations=2)]),
)
def test_each_write_changes_the_links_of_its_wave(
    data: st.DataObject,
    wanted: Outgoing,
    deleting: Sequence[Registry],
    rules: list[Rule],
    unknown: bool,
    turns: Waves,
    additive: bool,
    room: Limits,
) -> None:
    """From any rules, own or others': every document has the final links of the destinations whose
    turn has come and the old ones of the others, keeps what is others' to the letter, and is
    within ECR's limits; the last one is that of a fleet without waves. What comes later than in
    its own wave did not fit there."""
    document = document_of(rules)
    if unknown:
        document = {"rules": [*rules_of(document), STRANGE]}
    mine: Cells = data.draw(_part_of(rules))
    more: dict[str, Any] = {
        "deleting": deleting,
        "record": {HUB: Applied(links=mine)},
        "additive": [HUB.account] if additive else (),
        "limits": room,
    }
    whole = planned(wanted, document, turns, **more)
    staged, plain = hub(whole), hub(planned(wanted, document, Waves(), **more))
    assert (staged.held, staged.refused, staged.owned) == (plain.held, plain.refused, plain.owned)
    if not plain.changes or plain.refused:
        assert len(staged.changes) == len(plain.changes)
        return
    assert canonical_json(staged.changes[-1].after.document) == canonical_json(
        plain.changes[0].after.document
    )
    written_links(staged.changes)
    before, after = (parse_document(text or {}) for text in _ends(plain.changes[0]))
    late: set[Registry] = set()
    done: set[Registry] = set()
    theirs = [canonical_json(raw) for raw in _kept(document, plain.changes[0].after.document)]
    for change in staged.changes:
        now = parse_document(change.after.document or {})
        turn = turns.names.index(change.wave)
        for end in ENDS:
            then, was = (_links(some, end) for some in (after, before))
            due = min(turns.position(HUB), turns.position(end)) <= turn
            if due and _links(now, end) == then:
                done.add(end)
            else:
                assert (_links(now, end), end in done) == (was, False)
                late |= {end} if due else set()
        left = [canonical_json(raw) for raw in rules_of(change.after.document or {})]
        assert not [text for text in theirs if text not in left]
        assert len(left) <= room.rules
        assert len(now.outgoing) <= room.destinations
    assert bool(late) <= ("later-wave" in {warning.kind for warning in whole.warnings})


def _ends(change: Change) -> tuple[JsonObject | None, JsonObject | None]:
    return change.before.document, change.after.document


def _links(document: Any, end: Registry) -> tuple[Prefixes, Prefixes]:
    return document.outgoing.get(end, ()), deletes_of(document.links).get(end, ())


def _kept(before: JsonObject, after: JsonObject | None) -> list[JsonObject]:
    """The rules that a single write leaves as they are, and that hold others' links."""
    left = [canonical_json(raw) for raw in rules_of(after or {})]
    return [raw for raw in rules_of(before) if canonical_json(raw) in left]


@st.composite
def _part_of(draw: st.DrawFn, rules: list[Rule]) -> Cells:
    """Some of what the rules list, as what is on record."""
    cells = cells_of(rules)
    return {
        end: tuple(kept)
        for end, prefixes in cells.items()
        if (kept := draw(st.lists(st.sampled_from(prefixes), unique=True).map(sorted)))
    }
