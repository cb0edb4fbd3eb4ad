"""A policy whose links belong to several waves: which grants come and go in which of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.support.desired import desired_of
from tests.support.links import make_link, rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import (
    CREATE_REPOSITORY,
    REPLICATE_IMAGE,
    Grant,
    Owner,
    compose,
    parse_policy,
    policy_size,
)
from fleet_repl.ecr.rules import document_of, parse_document
from fleet_repl.inventory import Limits, Selector, Template
from fleet_repl.planning.change import Change, LinkEnd, Phase, Resource
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.planning.planner import plan_registries
from fleet_repl.topology import REST, Waves
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Partition, Registry
from fleet_repl.values.prefixes import Prefixes, covers

OWNER = Owner(fleet="prod", partition=Partition.AWS)
ACTIONS = (REPLICATE_IMAGE, CREATE_REPOSITORY)
HUB = registry_of("1")
"""Where everything goes."""
EAST, WEST = (registry_of("2", region) for region in ("us-east-1", "us-west-1"))
"""Two registries of one account: one grant is for both."""
LONE = registry_of("3")
SOURCES = (EAST, WEST, LONE)
ALL = (HUB, *SOURCES)
Links = Mapping[Registry, Prefixes]


def waves(**turns: Registry) -> Waves:
    """Each named registry in a wave of its own; the others in the last one."""
    return Waves(
        names=(*turns, REST),
        by_registry={registry: at for at, registry in enumerate(turns.values())},
    )


def grants(*pairs: tuple[Registry, str]) -> frozenset[Grant]:
    return frozenset(
        Grant(source.account, prefix, action) for source, prefix in pairs for action in ACTIONS
    )


def policy_of(given: frozenset[Grant], **statement: Any) -> JsonObject | None:
    """A policy with these grants of ours; some members of the first statement may be edited."""
    document: Any = compose(parse_policy(None, OWNER, HUB), given, OWNER, HUB).document
    if statement:
        first, *rest = document["Statement"]
        document["Statement"] = [{**first, **statement}, *rest]
    return document  # type: ignore[no-any-return]


def observed(present: Links, policy: JsonObject | None) -> Observation:
    return {
        item: Observed(
            replication=parse_document(
                document_of(rules_for({HUB: present[item]} if item in present else {}))
            ),
            policy=parse_policy(policy if item == HUB else None, OWNER, item),
            templates=(),
        )
        for item in ALL
    }


def wanting(wanted: Links, turns: Waves, **more: Any) -> Any:
    links = [
        make_link(source=source, destination=HUB, prefixes=prefixes, routes=("golden",))
        for source, prefixes in wanted.items()
    ]
    return replace(desired_of(links, ALL, **more), waves=turns)


def plans(
    wanted: Links,
    turns: Waves,
    *,
    present: Links | None = None,
    policy: JsonObject | None = None,
    **more: Any,
) -> dict[Registry, RegistryPlan]:
    desired = wanting(wanted, turns, **more)
    planned = plan_registries(desired, observed(present or {}, policy), ALL)
    return {registry.registry: registry for registry in planned.registries}


def written_grants(changes: tuple[Change, ...]) -> list[tuple[str, Phase, frozenset[Grant]]]:
    """Wave, phase, and the grants that each write leaves; each expects what the last one left."""
    for earlier, following in pairwise(changes):
        assert following.before.document == earlier.after.document
    return [
        (change.wave, change.phase, parse_policy(change.after.document, OWNER, HUB).grants)
        for change in changes
    ]


@pytest.mark.parametrize(
    ("turns", "late"), [(waves(canary=EAST), REST), (waves(canary=EAST, early=HUB), "early")]
)
def test_a_grant_comes_in_the_wave_of_its_link(turns: Waves, late: str) -> None:
    """Two writes of the hub's policy, each with its own links, each before its wave's rules: that
    of the source or, if it comes first, that of the hub."""
    planned = plans({EAST: ("a/",), LONE: ("b/",)}, turns)
    assert written_grants(planned[HUB].changes) == [
        ("canary", Phase.GRANTS, grants((EAST, "a/"))),
        (late, Phase.GRANTS, grants((EAST, "a/"), (LONE, "b/"))),
    ]
    assert [change.links_added for change in planned[HUB].changes] == [
        (LinkEnd(registry=EAST, prefixes=("a/",), routes=("golden",)),),
        (LinkEnd(registry=LONE, prefixes=("b/",), routes=("golden",)),),
    ]
    assert (planned[HUB].wave, planned[EAST].wave, planned[LONE].wave) == (late, "canary", REST)
    assert [change.wave for registry in (EAST, LONE) for change in planned[registry].changes] == [
        "canary",
        late,
    ]


def test_a_grant_that_two_registries_share_comes_with_the_first() -> None:
    """Grants are for accounts: the later registry finds its own in place."""
    planned = plans({EAST: ("a/",), WEST: ("a/b/",)}, waves(canary=EAST))
    assert written_grants(planned[HUB].changes) == [("canary", Phase.GRANTS, grants((EAST, "a/")))]
    planned = plans({EAST: ("a/b/",), WEST: ("a/",)}, waves(canary=EAST))
    assert written_grants(planned[HUB].changes) == [
        ("canary", Phase.GRANTS, grants((EAST, "a/b/"))),
        (REST, Phase.GRANTS, grants((EAST, "a/"))),
    ]


def test_a_grant_goes_with_the_last_source_that_uses_it() -> None:
    """Both registries of an account lose their link, one of them in the last wave."""
    present = {EAST: ("a/",), WEST: ("a/",), LONE: ("b/",)}
    policy = policy_of(grants((EAST, "a/"), (LONE, "b/")))
    turns = waves(canary=EAST, early=LONE)
    planned = plans({}, turns, present=present, policy=policy)
    assert written_grants(planned[HUB].changes) == [
        ("early", Phase.WITHDRAWALS, grants((EAST, "a/"))),
        (REST, Phase.WITHDRAWALS, frozenset()),
    ]
    assert [change.needs for change in planned[HUB].changes] == [{LONE}, {EAST, WEST}]
    assert [{end.registry for end in change.links_removed} for change in planned[HUB].changes] == [
        {LONE},
        {EAST, WEST},
    ]


def test_a_wide_grant_that_goes_leaves_what_later_waves_still_use() -> None:
    """The canary gives up every repository; the same account's other registry, whose turn is
    later, replicates a part of it by the very same grant."""
    planned = plans(
        {WEST: ("a/",)},
        waves(canary=EAST),
        present={EAST: ("",), WEST: ("a/",)},
        policy=policy_of(grants((EAST, ""))),
    )
    assert written_grants(planned[HUB].changes) == [
        ("canary", Phase.WITHDRAWALS, grants((EAST, "a/")))
    ]


def test_what_nobody_uses_goes_in_the_registrys_own_wave() -> None:
    """It neither waits for a source nor comes before its turn."""
    policy = policy_of(grants((LONE, "old/")))
    turns = waves(canary=EAST, early=HUB)
    planned = plans({EAST: ("a/",)}, turns, policy=policy)
    assert written_grants(planned[HUB].changes) == [
        ("canary", Phase.GRANTS, grants((EAST, "a/"), (LONE, "old/"))),
        ("early", Phase.WITHDRAWALS, grants((EAST, "a/"))),
    ]
    planned = plans({EAST: ("a/",), WEST: ("b/",)}, turns, policy=policy)
    assert written_grants(planned[HUB].changes) == [
        ("canary", Phase.GRANTS, grants((EAST, "a/"), (LONE, "old/"))),
        ("early", Phase.GRANTS, grants((EAST, "a/"), (WEST, "b/"))),
    ]


def test_coming_and_going_in_one_wave() -> None:
    """As without waves: the new grant before the rules, the old one after them; and then the
    next wave's."""
    planned = plans(
        {EAST: ("new/",), LONE: ("b/",)},
        waves(canary=EAST),
        present={EAST: ("old/",)},
        policy=policy_of(grants((EAST, "old/"))),
    )
    assert written_grants(planned[HUB].changes) == [
        ("canary", Phase.GRANTS, grants((EAST, "new/"), (EAST, "old/"))),
        ("canary", Phase.WITHDRAWALS, grants((EAST, "new/"))),
        (REST, Phase.GRANTS, grants((EAST, "new/"), (LONE, "b/"))),
    ]


@pytest.mark.parametrize("turns", [waves(), waves(canary=EAST)], ids=["one", "two"])
def test_a_policy_may_be_as_long_as_ecr_takes(turns: Waves) -> None:
    """Exactly that long it is written as any other; with one character less some link is held."""
    wanted = {EAST: ("a/",), LONE: ("b/",)}
    planned = plans(wanted, turns)
    longest = max(policy_size(change.after.document) for change in planned[HUB].changes)
    full = plans(wanted, turns, limits=Limits(policy_bytes=longest))
    assert written_grants(full[HUB].changes) == written_grants(planned[HUB].changes)
    assert (full[EAST].held, full[LONE].held) == ((), ())
    over = plans(wanted, turns, limits=Limits(policy_bytes=longest - 1))
    assert over[EAST].held + over[LONE].held != ()


def test_where_one_write_of_several_does_not_fit_there_are_two() -> None:
    """A short grant that comes last stands for many longer ones, for which there is no room next
    to what the canary needs: so everything comes before the first wave's rules, and the plan says
    so."""
    many = tuple(f"team-{number:02}/" for number in range(20))
    policy = policy_of(grants(*((LONE, prefix) for prefix in many)))
    limits = Limits(policy_bytes=policy_size(policy) + 50)
    wanted = {EAST: ("a-rather-long-prefix/",), LONE: ("",)}
    turns = waves(canary=EAST)
    desired = wanting(wanted, turns, limits=limits)
    planned = plan_registries(desired, observed({LONE: many}, policy), ALL)
    planned_by_registry = {registry.registry: registry for registry in planned.registries}
    both = grants((EAST, "a-rather-long-prefix/"), (LONE, ""))
    assert written_grants(planned_by_registry[HUB].changes) == [("canary", Phase.GRANTS, both)]
    assert (planned_by_registry[EAST].held, planned_by_registry[LONE].held) == ((), ())
    size = policy_size(
        policy_of(grants(*((LONE, prefix) for prefix in many), (EAST, *wanted[EAST])))
    )
    assert [(warning.kind, warning.message) for warning in planned.warnings] == [
        (
            "early-grants",
            (
                f"{HUB}: grants of every wave are put in wave canary, because wave by wave the "
                f"registry policy would take {size:,} characters, and ECR takes "
                f"{limits.policy_bytes:,}"
            ),
        )
    ]


def test_what_goes_waits_for_the_last_wave_where_the_policy_is_too_long() -> None:
    """What the canary's link used until then is not withdrawn in its wave either."""
    many = tuple(f"team-{number:02}/" for number in range(20))
    old = ("old/",)
    policy = policy_of(grants((EAST, *old), *((LONE, prefix) for prefix in many)))
    limits = Limits(policy_bytes=policy_size(policy) + 50)
    desired = wanting(
        {EAST: ("a-rather-long-prefix/",), LONE: ("",)},
        waves(canary=EAST),
        limits=limits,
    )
    planned = plan_registries(desired, observed({EAST: old, LONE: many}, policy), ALL)
    hub = next(registry for registry in planned.registries if registry.registry == HUB)
    assert [(change.wave, change.phase) for change in hub.changes] == [
        ("canary", Phase.GRANTS),
        (REST, Phase.WITHDRAWALS),
    ]
    (warning,) = planned.warnings
    assert "grants of every wave are put in wave canary and withdrawn in wave rest" in (
        warning.message
    )


@pytest.mark.parametrize(
    ("canary", "writes"), [(EAST, ["canary"]), (HUB, ["canary"]), (LONE, [REST])]
)
def test_statements_of_ours_that_somebody_edited_are_put_right_first(
    canary: Registry, writes: list[str]
) -> None:
    """They may keep out the link: they go before its rules, in the link's own wave."""
    policy = policy_of(grants((EAST, "a/")), Effect="Deny")
    planned = plans({EAST: ("a/",)}, waves(canary=canary), policy=policy)
    assert [(wave, phase) for wave, phase, _ in written_grants(planned[HUB].changes)] == [
        (wave, Phase.GRANTS) for wave in writes
    ]
    assert not parse_policy(planned[HUB].changes[0].after.document, OWNER, HUB).is_untidy


def test_templates_come_before_the_first_images() -> None:
    """A repository keeps what it was created with: the hub's template is the canary's, as its
    link is. Without a new link it is written in the hub's own turn."""
    template = Template(name="base", prefix="base", select=Selector(), tag_mutability="immutable")
    for present, expected in ({}, "canary"), ({EAST: ("a/",)}, REST):
        desired = replace(
            wanting({EAST: ("a/",)}, waves(canary=EAST)),
            templates={HUB: (template,)},
        )
        seen = observed(present, policy_of(grants((EAST, "a/"))))
        hub = plan_registries(desired, seen, ALL).registries[0]
        (change,) = hub.changes
        assert (change.resource, change.wave) == (Resource.CREATION_TEMPLATE, expected)


def test_a_plan_says_how_many_links_are_in_place() -> None:
    """By destination, as they were read; a registry that gains its first one has none."""
    planned = plans({EAST: ("a/",)}, Waves(), present={LONE: ("a/", "b/")})
    assert {item: planned[item].in_place for item in ALL} == {HUB: 0, EAST: 0, WEST: 0, LONE: 1}


prefix_sets = st.sampled_from([("",), ("a/",), ("a/b/",), ("a/", "c/"), ("a/b/", "c/")])
link_sets = st.dictionaries(st.sampled_from(SOURCES), prefix_sets)
given_sets = st.frozensets(
    st.tuples(st.sampled_from([EAST, LONE]), st.sampled_from(["", "a/", "a/b/", "c/"])), max_size=4
)


@settings(max_examples=400)
@given(
    wanted=link_sets,
    present=link_sets,
    given_already=given_sets,
    edited=st.booleans(),
    turns=st.dictionaries(st.sampled_from(ALL), st.integers(0, 2)),
    room=st.sampled_from([10240, 1400, 1100]),
)
def test_at_every_moment_what_is_in_place_is_granted(
    wanted: Links,
    present: Links,
    given_already: frozenset[tuple[Registry, str]],
    edited: bool,
    turns: Mapping[Registry, int],
    room: int,
) -> None:
    """Write by write: no link that is new, or that was granted, is without its grant; and in the
    end the policy is what it is without waves."""
    had = grants(*given_already)
    policy = policy_of(had, **({"Action": [*ACTIONS, "ecr:More"]} if edited and had else {}))
    limits = Limits(policy_bytes=room)
    order = Waves(names=("canary", "early", REST), by_registry=turns)
    more: dict[str, Any] = {"present": present, "policy": policy, "limits": limits}
    by_registry = plans(wanted, order, **more)
    written_grants(tuple(change for change in by_registry[HUB].changes))
    rules = dict(present)
    now = parse_policy(policy, OWNER, HUB)
    # What somebody edited lets in what it did.
    before = {source: _granted(now.in_use, source) for source in SOURCES}
    writes = [(item, change) for item in by_registry.values() for change in item.changes]
    for plan, change in sorted(writes, key=lambda planned: _turn(order, planned[1])):
        if change.resource in plan.refused:
            return
        if change.resource is Resource.REGISTRY_POLICY:
            now = parse_policy(change.after.document, OWNER, HUB)
        else:
            outgoing = parse_document(change.after.document or {}).outgoing
            rules[plan.registry] = outgoing.get(HUB, ())
        for source, prefixes in rules.items():
            for prefix in prefixes:
                old = covers(present.get(source, ()), prefix)
                if not old or covers(before[source], prefix):
                    assert covers(_granted(now.in_use, source), prefix)
    plain = plans(wanted, Waves(), **more)[HUB].changes
    if plain:
        assert now.same_as(parse_policy(plain[-1].after.document, OWNER, HUB))
    else:
        assert by_registry[HUB].changes == ()


def _granted(grants: frozenset[Grant], source: Registry) -> Prefixes:
    """The prefixes for which a source has every grant that a link takes."""
    by_action = [
        {
            change.prefix
            for change in grants
            if (change.source, change.action) == (source.account, action)
        }
        for action in ACTIONS
    ]
    return tuple(by_action[0] & by_action[1])


def _turn(order: Waves, change: Change) -> tuple[int, int]:
    return order.names.index(change.wave), list(Phase).index(change.phase)
