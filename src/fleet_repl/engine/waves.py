"""The waves of a plan: the order of its parts, and the reasons to skip later waves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_repl.inventory import Wave
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The part of a plan that belongs to one wave."""

    name: str
    own: frozenset[Registry]
    """Registries that are in this wave."""
    writing: frozenset[Registry]
    """Registries that this wave writes to, without excluded ones. The rules and the policy of a
    registry may be written in several waves."""
    failing: frozenset[Registry] = frozenset()
    """Registries of `own` that fail already in the plan, such as unreadable ones."""

    @property
    def size(self) -> int:
        """The number of registries that `max_failures` in percent refers to."""
        return len(self.own | self.writing)


def batches(registries: Sequence[RegistryPlan], names: Sequence[str]) -> tuple[Batch, ...]:
    """The parts of a plan in the order of the waves' `names`; a part may be empty.

    A wave that is not in `names` comes before the last one, which holds the rest of the fleet.
    """
    in_plan = (
        wave
        for planned in registries
        for wave in (*(change.wave for change in planned.changes), planned.wave)
    )
    known = dict.fromkeys((*names[:-1], *in_plan, *names[-1:]))
    order = [*(name for name in known if name not in names[-1:]), *names[-1:]]
    own: dict[str, set[Registry]] = {name: set() for name in order}
    writing: dict[str, set[Registry]] = {name: set() for name in order}
    failing: dict[str, set[Registry]] = {name: set() for name in order}
    for planned in registries:
        own[planned.wave].add(planned.registry)
        if planned.spared:
            continue
        if planned.fails:
            failing[planned.wave].add(planned.registry)
        for change in planned.changes:
            writing[change.wave].add(planned.registry)
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
    """Returns why no later wave may follow a wave with `failed` registries, or None where it may.
    `wave`: its limit; None for the wave of the rest, which has none."""
    if wave is None or wave.max_failures.allows(failed, batch.size):
        return None
    return (
        f"wave {batch.name}: {failed:,} of {counted(batch.size, 'registry')} failed, "
        f"and max_failures is {wave.max_failures}"
    )


def ends_after(name: str) -> str:
    """Returns why the waves after `name` are skipped in a run that ends with the wave `name`."""
    return f"the run ends after wave {name} (--wave)"
