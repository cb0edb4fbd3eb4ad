"""The rules of one source as several writes: which of its links change in which wave.

Until its turn has come, a link stays as it was found. So the document of a wave holds the rules
of others, then those of ours that are to be, without the destinations whose turn comes later, and
then those of ours that were found, with none but these destinations.

Example: found are `A: a/, B: a/`, wanted are `B: b/, C: b/`. With A and C in the wave canary and
B in the last one, the canary writes `B: a/, C: b/`, and the last wave `B: b/, C: b/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from fleet_repl.ecr.rules import Links, Replication, Rule
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import excess
from fleet_repl.planning.ownership import Merged
from fleet_repl.values.names import Registry

_CROWDED: Final = "with the links of later waves as they were found, the registry would need "
_UNKNOWN_RULES: Final = "the rules of unknown meaning that go with them may be about any link"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWrite:
    """One write of a source's rules."""

    wave: int
    rules: Replication


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Links that are written in a later wave than their own."""

    wave: int
    """The wave of the links; never the last one in which the source is written."""
    destinations: tuple[Registry, ...]
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSchedule:
    """The writes of a source's rules, in order."""

    writes: tuple[RuleWrite, ...]
    delayed: Mapping[Registry, int] = field(default_factory=dict)
    """Destination → the wave in which its link is written, where that is later than its own."""
    delays: tuple[Delay, ...] = ()


NO_WRITES: Final = RuleSchedule(writes=())


def in_one_write(
    source: Registry, current: Replication, merged: Merged, desired: Desired
) -> RuleSchedule:
    """Returns one write of all links, in the first wave of a link that changes."""
    if len(desired.waves.names) == 1:
        return RuleSchedule(writes=(_write(0, merged),))
    turns = _turns(source, current, merged, desired)
    wave = min(turns.values(), default=desired.waves.position(source))
    return RuleSchedule(writes=(_write(wave, merged),))


def in_waves(
    source: Registry, current: Replication, merged: Merged, desired: Desired
) -> RuleSchedule:
    """A write for each wave in which links change.

    Where what a wave would leave is not within ECR's limits, as many of its links change in it as
    are, and the others later. The last write leaves just what one write of all would leave.
    """
    turns = _turns(source, current, merged, desired)
    waves = sorted({*turns.values()}) or [desired.waves.position(source)]
    if merged.dropped:
        return _at_the_end(turns, waves, current, merged)
    writes: list[RuleWrite] = []
    delays: list[Delay] = []
    changed: set[Registry] = set()
    delayed: dict[Registry, int] = {}
    for wave in waves[:-1]:
        due = [end for end, turn in turns.items() if turn <= wave and end not in changed]
        before = len(changed)
        because = _change(changed, due, turns, current, merged, desired)
        delayed |= {end: wave for end in due if end in changed and turns[end] < wave}
        left = tuple(end for end in due if end not in changed and turns[end] == wave)
        if because is not None and left:
            delays.append(Delay(wave=wave, destinations=left, because=_CROWDED + because))
        if len(changed) > before:
            writes.append(_write(wave, _until(turns.keys() - changed, current, merged)))
    last = waves[-1]
    delayed |= {end: last for end, turn in turns.items() if end not in changed and turn < last}
    return RuleSchedule(
        writes=(*writes, _write(last, merged)), delayed=delayed, delays=tuple(delays)
    )


def _turns(
    source: Registry, current: Replication, merged: Merged, desired: Desired
) -> dict[Registry, int]:
    """Destination → wave, for links that change. Destinations that lose their link come first."""
    ends = sorted({*current.links, *merged.links})
    ends.sort(key=lambda end: end in merged.links)
    return {
        end: desired.waves.of_link(source, end)
        for end in ends
        if current.links.get(end) != merged.links.get(end)
    }


def _change(
    changed: set[Registry],
    due: Collection[Registry],
    turns: Mapping[Registry, int],
    current: Replication,
    merged: Merged,
    desired: Desired,
) -> str | None:
    """Adds those of `due` to `changed` whose links can change now: all or, where that would be over
    ECR's limits, one by one as many as fit. Returns which limit all would exceed, or None."""

    def too_much(ends: Collection[Registry]) -> str | None:
        state = _until(turns.keys() - {*changed, *ends}, current, merged)
        return excess(desired.limits, rules=state.count, destinations=len(state.links))

    because = too_much(due)
    if because is None:
        changed.update(due)
    for end in due if because is not None else ():
        if too_much([end]) is None:
            changed.add(end)
    return because


def _until(later: Collection[Registry], current: Replication, merged: Merged) -> Merged:
    """The merged configuration with the links to the destinations in `later` as they were found."""
    return replace(
        merged,
        rules=(
            *_only(merged.rules, lambda end: end not in later),
            *_only(merged.replaced, lambda end: end in later),
        ),
        links=_mixed(merged.links, current.links, later),
    )


def _only(rules: Collection[Rule], wanted: Callable[[Registry], bool]) -> tuple[Rule, ...]:
    """Returns the rules without other destinations than the wanted destinations."""
    left = (replace(rule, destinations=tuple(filter(wanted, rule.destinations))) for rule in rules)
    return tuple(rule for rule in left if rule.destinations)


def _mixed(final: Links, current: Links, later: Collection[Registry]) -> Links:
    mixed = ((end, (current if end in later else final).get(end)) for end in {**final, **current})
    return {end: scope for end, scope in sorted(mixed) if scope is not None}


def _at_the_end(
    turns: Mapping[Registry, int], waves: list[int], current: Replication, merged: Merged
) -> RuleSchedule:
    """All at once in the last wave: nobody can tell which links a rule of unknown meaning makes."""
    earlier: dict[int, list[Registry]] = {}
    for end, turn in turns.items():
        if turn < waves[-1]:
            earlier.setdefault(turn, []).append(end)
    return RuleSchedule(
        writes=(_write(waves[-1], merged),),
        delayed=dict.fromkeys({*current.may_use, *turns}, waves[-1]),
        delays=tuple(
            Delay(wave=turn, destinations=tuple(ends), because=_UNKNOWN_RULES)
            for turn, ends in sorted(earlier.items())
        ),
    )


def _write(wave: int, merged: Merged) -> RuleWrite:
    return RuleWrite(wave=wave, rules=merged.replication())
