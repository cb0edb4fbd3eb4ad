"""The waves of a plan: in which order its parts are carried out, and when the rest is not.

Pure: it counts, and says why later waves are skipped. What a wave's writes are is the plan's to
say, and carrying them out is for the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet_repl.inventory import Wave
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What of a plan belongs to one wave."""

    name: str
    own: frozenset[Registry]
    """Registries whose own wave it is."""
    writing: frozenset[Registry]
    """Registries that it writes to, which spared ones are not. The rules and the policy of one may
    be written in several waves."""
    failing: frozenset[Registry] = frozenset()
    """Those of `own` that the plan itself calls failed: unreadable ones, and the like."""

    @property
    def size(self) -> int:
        """How many registries a share of the wave is a share of."""
        return len(self.own | self.writing)


def batches(registries: Sequence[RegistryPlan], names: Sequence[str]) -> tuple[Batch, ...]:
    """The parts of a plan in the order of `names`; one may be empty.

    A wave that is not in `names` comes before the last of them, which is that of the rest.
    """
    found = dict.fromkeys(
        (*names[:-1], *(wave for one in registries for wave in _waves(one)), *names[-1:])
    )
    order = [*(name for name in found if name not in names[-1:]), *names[-1:]]
    own: dict[str, set[Registry]] = {name: set() for name in order}
    writing: dict[str, set[Registry]] = {name: set() for name in order}
    failing: dict[str, set[Registry]] = {name: set() for name in order}
    for one in registries:
        own[one.wave].add(one.registry)
        if one.spared:
            continue
        if one.fails:
            failing[one.wave].add(one.registry)
        for change in one.changes:
            writing[change.wave].add(one.registry)
    return tuple(
        Batch(
            name=name,
            own=frozenset(own[name]),
            writing=frozenset(writing[name]),
            failing=frozenset(failing[name]),
        )
        for name in order
    )


def too_many_failures(batch: Batch, wave: Wave | None, failed: int) -> str | None:
    """Why no later wave may follow one of whose registries `failed` have, or None where it may.

    The wave of the rest has no limit: `wave` is None.
    """
    if wave is None or wave.max_failures.allows(failed, batch.size):
        return None
    return (
        f"wave {batch.name}: {failed:,} of {counted(batch.size, 'registry')} failed, "
        f"and max_failures is {wave.max_failures}"
    )


def ends_after(name: str) -> str:
    """Why the waves after `name` are skipped where the run was to end with it."""
    return f"the run ends after wave {name} (--wave)"


def _waves(one: RegistryPlan) -> Iterable[str]:
    return (*(change.wave for change in one.changes), one.wave)
