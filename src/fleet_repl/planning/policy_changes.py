"""The writes of one registry policy: which grants come and go in which wave.

A new grant is written in the wave of the link that needs it, before that wave's rules. A grant that
rules still use is revoked in the wave of the last of those links, after that wave's rules. So a
policy may be written in several waves, and at most twice in each.

Example: the policy of D grants `a/` to account A, and D's wave is the last one. The inventory now
wants `b/` from A in the wave canary instead, and `c/` from C in the wave rest, while A's rules use
`a/` until canary rewrites them. D's policy is then written three times:

    canary, grants       A: a/, b/         before A's rules ask for b/
    canary, withdrawals  A: b/             once A's rules no longer send a/
    rest,   grants       A: b/  C: c/      before C's rules ask for c/

If A's rules cannot be written, the second write leaves `a/` in place (`needs` names A), and the
third is put on top of the policy as the second left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.ecr.policy import Grant, GrantIndex, policy_size, reduced
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.needed_grants import GrantDecision, needed_for
from fleet_repl.planning.plan import Change, LinkEnd, Phase, Resource
from fleet_repl.planning.revocations import action_of, replicating
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import beyond, intersect


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One write, in terms of our grants."""

    wave: int
    phase: Phase
    before: frozenset[Grant] | None
    """None: the policy as it was found."""
    after: frozenset[Grant]
    had: frozenset[Grant]
    """The grants in place when the wave began."""
    needed: frozenset[Grant]
    """Those of `after` that links need."""
    withdraws: bool
    """Whether this write revokes the grants that go in its wave."""
    needs: frozenset[Registry] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWrites:
    """The writes of one policy."""

    changes: tuple[Change, ...] = ()
    """In order of wave and phase."""
    too_long: int = 0
    """Characters that the policy would take in one of its waves if its grants came and went with
    their links. Then they come in the first of the waves and go in the last. 0 where it fits."""
    refusal: Fault | None = None
    """Why none of the changes is written."""


NO_WRITES: Final = PolicyWrites()


def policy_changes(decision: GrantDecision, desired: Desired) -> PolicyWrites:
    """Returns every write of the policy."""
    if not decision.differs:
        return NO_WRITES
    waves = _concerned(decision, desired)
    steps: tuple[_Step, ...] = ()
    too_long = 0
    if len(waves) > 1 and decision.refusal is None and decision.shortfall is None:
        steps = tuple(_wave_by_wave(decision, desired, waves))
        sizes = (policy_size(decision.with_grants(step.after, desired).document) for step in steps)
        longest = max(sizes, default=0)
        if longest > desired.limits.policy_bytes:
            steps, too_long = (), longest
    steps = steps or tuple(_together(decision, waves[0], waves[-1]))
    changes = tuple(_change(step, decision, desired) for step in steps)
    return PolicyWrites(changes=changes, too_long=too_long, refusal=decision.refusal)


def _concerned(decision: GrantDecision, desired: Desired) -> Sequence[int]:
    """The waves in which the policy has to be written, in order; at least one."""
    own = desired.waves.position(decision.registry)
    if len(desired.waves.names) == 1:
        return (own,)
    granted = GrantIndex(decision.policy.in_use)
    wanted = GrantIndex(decision.needed)
    waves = {
        wave
        for wave, grants in _by_wave(decision, desired).items()
        if any(wanted.covers(grant) and not granted.covers(grant) for grant in grants)
    }
    waves |= {_last(sources, decision, desired) for sources in decision.stale.pending.values()}
    if decision.stale.free:
        waves.add(own)
    if (tidy := _tidied(decision, own, desired)) is not None:
        waves.add(tidy)
    return sorted(waves) or (own,)


def _by_wave(decision: GrantDecision, desired: Desired) -> Mapping[int, frozenset[Grant]]:
    """What the links of each wave need."""
    links: dict[int, list[Link]] = {}
    for link in decision.links:
        links.setdefault(desired.waves.of_link(link.source, link.destination), []).append(link)
    return {wave: needed_for(wave_links, desired) for wave, wave_links in links.items()}


def _tidied(decision: GrantDecision, own: int, desired: Desired) -> int | None:
    """When statements of ours that someone edited are put right: what they say now may keep out
    any of the links."""
    if not decision.policy.is_untidy:
        return None
    return min((own, *_by_wave(decision, desired))) if decision.policy.opaque else own


def _together(decision: GrantDecision, first: int, last: int) -> Iterator[_Step]:
    """At most two writes: what is needed before the first wave's rules, and what goes after the
    last wave's. Where there is nothing to wait for, one does both."""
    pending = decision.stale.pending
    early = decision.policy.is_untidy or not decision.first <= decision.policy.grants
    at_once = not pending or decision.refusal is not None
    step = _Step(
        wave=first,
        phase=Phase.GRANTS,
        before=None,
        after=decision.final,
        had=decision.policy.grants,
        needed=decision.needed,
        withdraws=not pending,
    )
    if early and at_once:
        yield step
        return
    withdrawal = replace(
        step,
        wave=last,
        phase=Phase.WITHDRAWALS,
        withdraws=True,
        needs=_union(pending.values()),
    )
    if early and decision.shortfall is None:
        yield replace(step, after=decision.first)
        withdrawal = replace(withdrawal, before=decision.first)
    yield withdrawal


def _wave_by_wave(
    decision: GrantDecision, desired: Desired, waves: Sequence[int]
) -> Iterator[_Step]:
    own, stale = desired.waves.position(decision.registry), decision.stale
    by_wave = _by_wave(decision, desired)
    ends = {grant: _last(sources, decision, desired) for grant, sources in stale.pending.items()}
    before: frozenset[Grant] | None = None
    had = decision.policy.grants
    # Whatever is needed and granted stays granted all along, if only by what is to go.
    needed = _common(decision.needed, decision.policy.in_use)
    for wave in waves:
        needed = reduced(needed | _needed_by(wave, by_wave, decision))
        staying = stale.staying | {grant for grant, end in ends.items() if end > wave}
        final = reduced(needed | staying | (stale.free if own > wave else frozenset()))
        going = frozenset(grant for grant, end in ends.items() if end == wave)
        step = _Step(
            wave=wave,
            phase=Phase.GRANTS,
            before=before,
            after=final,
            had=had,
            needed=needed,
            withdraws=True,
            needs=_union(stale.pending[grant] for grant in going),
        )
        untidy = decision.policy.is_untidy and before is None
        for write in _in_a_wave(step, going, untidy=untidy):
            yield write
            before = write.after
        had = final


def _in_a_wave(last: _Step, going: frozenset[Grant], *, untidy: bool) -> Iterator[_Step]:
    """What comes before a wave's rules, and what goes after them. `untidy`: statements of ours
    have to be put right, even if nothing else changes."""
    final, first = last.after, reduced(last.after | going)
    early = untidy or not first <= last.had
    if early:
        yield replace(last, after=first, withdraws=first == final, needs=frozenset())
    if final != (first if early else last.had):
        before = first if early else last.before
        yield replace(last, phase=Phase.WITHDRAWALS, before=before)


def _needed_by(
    wave: int, by_wave: Mapping[int, frozenset[Grant]], decision: GrantDecision
) -> frozenset[Grant]:
    """What the links up to a wave need."""
    grants = reduced(
        grant for turn, wave_grants in by_wave.items() if turn <= wave for grant in wave_grants
    )
    return _common(grants, decision.needed)


def _last(sources: Iterable[Registry], decision: GrantDecision, desired: Desired) -> int:
    return max(desired.waves.of_link(source, decision.registry) for source in sources)


def _change(step: _Step, decision: GrantDecision, desired: Desired) -> Change:
    before = decision.policy
    if step.before is not None:
        before = decision.with_grants(step.before, desired)
    after = decision.with_grants(step.after, desired)
    return Change(
        resource=Resource.REGISTRY_POLICY,
        action=action_of(before, after),
        phase=step.phase,
        wave=desired.waves.names[step.wave],
        before=before,
        after=after,
        links_added=_granted(step, decision, desired) if step.phase is Phase.GRANTS else (),
        links_removed=_withdrawn(step, desired) if step.withdraws else (),
        needs=step.needs,
    )


def _granted(step: _Step, decision: GrantDecision, desired: Desired) -> tuple[LinkEnd, ...]:
    """Sources of links that the policy did not grant before."""
    had, has = replicating(step.had), replicating(step.needed)
    ends = []
    for link in desired.incoming.get(decision.registry, ()):
        account = link.source.account
        granted = intersect(link.prefixes, has.get(account, ()))
        new = beyond(granted, had.get(account, ()))
        if new:
            ends.append(LinkEnd(registry=link.source, prefixes=new, routes=link.routes))
    return tuple(ends)


def _withdrawn(step: _Step, desired: Desired) -> tuple[LinkEnd, ...]:
    """Listed registries of accounts whose grants go."""
    keeps = replicating(step.after)
    return tuple(
        LinkEnd(registry=registry, prefixes=gone)
        for account, prefixes in sorted(replicating(step.had).items())
        if (gone := beyond(prefixes, keeps.get(account, ())))
        for registry in desired.by_account.get(account, ())
    )


def _common(first: frozenset[Grant], second: frozenset[Grant]) -> frozenset[Grant]:
    """What both sets give."""
    first_index, second_index = GrantIndex(first), GrantIndex(second)
    return frozenset(
        Grant(source, prefix, action)
        for source, action in first_index
        for prefix in intersect(
            first_index.prefixes(source, action), second_index.prefixes(source, action)
        )
    )


def _union(sets: Iterable[frozenset[Registry]]) -> frozenset[Registry]:
    return frozenset().union(*sets)
