"""The writes of one registry policy, as grants: which come and go in which wave.

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

from fleet_repl.ecr.policy import Grant, GrantIndex, reduced
from fleet_repl.planning.change import Phase
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.needed_grants import GrantDecision, needed_for
from fleet_repl.topology import Link
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import intersect


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStep:
    """One write of a policy, as the grants that are ours before and after it."""

    wave: int
    phase: Phase
    before: frozenset[Grant] | None
    """None: the policy as it was found."""
    after: frozenset[Grant]
    had: frozenset[Grant]
    """The grants in place when the wave began."""
    needed: frozenset[Grant]
    """The grants of `after` that links need."""
    withdraws: bool
    """True if this write revokes the grants that go in its wave."""
    needs: frozenset[Registry] = frozenset()


def concerned_waves(decision: GrantDecision, desired: Desired) -> Sequence[int]:
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
    """Wave → the grants that its links need."""
    links: dict[int, list[Link]] = {}
    for link in decision.links:
        links.setdefault(desired.waves.of_link(link.source, link.destination), []).append(link)
    return {wave: needed_for(wave_links, desired) for wave, wave_links in links.items()}


def _tidied(decision: GrantDecision, own: int, desired: Desired) -> int | None:
    """The wave in which edited statements of ours are put right, or None where there are none. As
    they stand, they may deny any of the links."""
    if not decision.policy.is_untidy:
        return None
    return min((own, *_by_wave(decision, desired))) if decision.policy.opaque else own


def in_few_steps(decision: GrantDecision, first: int, last: int) -> Iterator[PolicyStep]:
    """At most two steps: needed grants come before the rules of the first wave, and others go after
    the rules of the last wave. Where no rules have to be written first, one step does both."""
    pending = decision.stale.pending
    early = decision.policy.is_untidy or not decision.first <= decision.policy.grants
    at_once = not pending or decision.refusal is not None
    step = PolicyStep(
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
        needs=frozenset().union(*pending.values()),
    )
    if early and decision.shortfall is None:
        yield replace(step, after=decision.first)
        withdrawal = replace(withdrawal, before=decision.first)
    yield withdrawal


def step_by_wave(
    decision: GrantDecision, desired: Desired, waves: Sequence[int]
) -> Iterator[PolicyStep]:
    """The steps of a policy whose grants come and go with their links: at most two a wave."""
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
        step = PolicyStep(
            wave=wave,
            phase=Phase.GRANTS,
            before=before,
            after=final,
            had=had,
            needed=needed,
            withdraws=True,
            needs=frozenset().union(*(stale.pending[grant] for grant in going)),
        )
        untidy = decision.policy.is_untidy and before is None
        for write in _in_a_wave(step, going, untidy=untidy):
            yield write
            before = write.after
        had = final


def _in_a_wave(last: PolicyStep, going: frozenset[Grant], *, untidy: bool) -> Iterator[PolicyStep]:
    """The step before a wave's rules, which adds grants, and the step after them, which revokes
    `going`. With `untidy`, edited statements of ours are put right even if nothing else changes."""
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
    """The grants that the links of a wave and of those before it need."""
    grants = reduced(
        grant for turn, wave_grants in by_wave.items() if turn <= wave for grant in wave_grants
    )
    return _common(grants, decision.needed)


def _last(sources: Iterable[Registry], decision: GrantDecision, desired: Desired) -> int:
    return max(desired.waves.of_link(source, decision.registry) for source in sources)


def _common(first: frozenset[Grant], second: frozenset[Grant]) -> frozenset[Grant]:
    """The grants that both sets give."""
    first_index, second_index = GrantIndex(first), GrantIndex(second)
    return frozenset(
        Grant(source, prefix, action)
        for source, action in first_index
        for prefix in intersect(
            first_index.prefixes(source, action), second_index.prefixes(source, action)
        )
    )
