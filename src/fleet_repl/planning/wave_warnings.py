"""Warnings about waves: waves that a plan passes over, and links and grants that it writes in
another wave than their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set

from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.change import Phase
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import RegistryPlan, Warning
from fleet_repl.planning.plan_warnings import accounts_of
from fleet_repl.planning.policy_changes import PolicyWrites
from fleet_repl.planning.rule_waves import RuleSchedule
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, listed


def delayed_links(
    schedules: Mapping[Registry, RuleSchedule], desired: Desired
) -> Iterator[Warning]:
    """Links that are written in a later wave than their own."""
    places: dict[tuple[int, tuple[int, ...], int, str], list[Registry]] = {}
    for registry in sorted(at for at, writes in schedules.items() if writes.delays):
        rule_writes = schedules[registry]
        for delay in rule_writes.delays:
            later = tuple(sorted({rule_writes.delayed[end] for end in delay.destinations}))
            why = delay.wave, later, len(delay.destinations), delay.because
            places.setdefault(why, []).append(registry)
    for (wave, later, count, because), registries in places.items():
        names = [desired.waves.names[position] for position in (wave, *later)]
        links = counted(count, "link")
        each = " each" if registries[1:] else ""
        yield Warning(
            kind="later-wave",
            message=f"{listed(registries, 1)}: {links}{each} of wave {names[0]} "
            f"{'changes' if count == 1 and not each else 'change'} in wave {', '.join(names[1:])}, "
            f"because {because}",
            about=(frozenset({names[0]}), *accounts_of(registries)),
        )


def early_grants(policies: Mapping[Registry, PolicyWrites], desired: Desired) -> Iterator[Warning]:
    """Policies whose grants come before the waves of their links, or go after them."""
    limit = desired.limits.policy_bytes
    for registry in sorted(registry for registry, policy in policies.items() if policy.too_long):
        policy = policies[registry]
        verbs = {Phase.GRANTS: "put", Phase.WITHDRAWALS: "withdrawn"}
        writes = [f"{verbs[change.phase]} in wave {change.wave}" for change in policy.changes]
        yield Warning(
            kind="early-grants",
            message=f"{registry}: grants of every wave are {' and '.join(writes)}, because "
            f"wave by wave the registry policy would take {policy.too_long:,} characters, and "
            f"ECR takes {limit:,}",
            about=accounts_of([registry]),
        )


def unused_waves(
    registries: Collection[RegistryPlan], desired: Desired, tried: Set[Registry]
) -> Iterator[Warning]:
    """Waves that a plan of the whole fleet passes over, before others that it writes in: nothing of
    what the inventory changes is tried on their links.

    A wave with a registry in `tried` was written for this very inventory before. One in which
    the inventory makes no link is for the topology to tell of. What others have changed is put
    right wherever it is.
    """
    waves = desired.waves
    wanted = any(
        registry_plan.moved is not None and registry_plan.moved.by is not Mover.FLEET
        for registry_plan in registries
    )
    if len(waves.names) == 1 or len(registries) < len(desired.registries) or not wanted:
        return
    changing = {change.wave for registry_plan in registries for change in registry_plan.changes}
    writing = [turn for turn, name in enumerate(waves.names) if name in changing]
    passed = set(range(writing[-1])).difference(writing)
    is_tried: dict[int, bool] = {}
    for links in desired.outgoing.values() if passed else ():
        for link in links:
            turn = waves.of_link(link.source, link.destination)
            is_tried[turn] = is_tried.get(turn, False) or not tried.isdisjoint(
                (link.source, link.destination)
            )
    unused = [waves.names[turn] for turn in sorted(passed) if is_tried.get(turn) is False]
    if unused:
        several = bool(unused[1:])
        yield Warning(
            kind="unused-wave",
            message=f"{'waves' if several else 'wave'} {', '.join(unused)} "
            f"{'write' if several else 'writes'} nothing in this plan, and none of its changes is "
            f"tried there; the first wave to be written is {waves.names[writing[0]]}",
            about=(frozenset(unused),),
        )
