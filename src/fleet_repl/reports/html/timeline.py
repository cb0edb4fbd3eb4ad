"""The waves of a plan or a run, each with its phases and what became of their writes. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fleet_repl.planning.change import Phase, Resource
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.html.figures import Segment, Step, Wave
from fleet_repl.reports.html.marks import Tone
from fleet_repl.runs.outcomes import Outcome, Report
from fleet_repl.topology import REST
from fleet_repl.values.text import counted

WIDTH: Final = 1_000
"""The width of a whole bar."""

OUTCOME_TONES: Final = {
    Outcome.APPLIED: Tone.ADDED,
    Outcome.UNCHANGED: Tone.GOOD,
    Outcome.FAILED: Tone.BAD,
    Outcome.PARTIAL: Tone.CHANGED,
    Outcome.SKIPPED: Tone.IDLE,
    Outcome.CANCELLED: Tone.HELD,
}
_STEPS: Final = {
    Resource.CREATION_TEMPLATE: "templates",
    Resource.REGISTRY_POLICY: "policies",
    Resource.REPLICATION_CONFIGURATION: "rules",
}
"""The names of a run's steps. Its document does not say whether a policy was written to grant or
to withdraw."""
_Counts = Mapping[str, Counter[tuple[str, Tone]]]


def _title(wave: str, number: int) -> str:
    """Returns the name of a wave; a fleet without waves has one, whose name says nothing."""
    return "All writes" if wave == REST and number == 1 else wave


def plan_timeline(plan: Plan) -> tuple[Wave, ...]:
    """Returns the waves of a plan in the order in which it writes them, that of the rest last."""
    counts: defaultdict[str, defaultdict[str, Counter[tuple[str, Tone]]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    written: defaultdict[str, set[object]] = defaultdict(set)
    for planned in plan.registries:
        for change in planned.changes:
            refused = change.resource in planned.refused
            key = ("refused", Tone.BAD) if refused else (f"to {change.action}", Tone.CHANGED)
            counts[change.wave][change.phase][key] += 1
            written[change.wave].add(planned.registry)
    return tuple(
        Wave(
            name=_title(wave, len(counts)),
            summary=f"{counted(len(written[wave]), 'registry')} to change",
            because=None,
            steps=_steps(counts[wave], list(Phase)),
        )
        for wave in sorted(counts, key=lambda name: name == REST)
    )


def report_timeline(report: Report) -> tuple[Wave, ...]:
    """Returns the waves of a run in their order."""
    counts: defaultdict[str, defaultdict[str, Counter[tuple[str, Tone]]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    for registry in report.registries:
        for change in registry.changes:
            key = (change.outcome.value, OUTCOME_TONES[change.outcome])
            counts[change.wave][_STEPS[change.resource]][key] += 1
    return tuple(
        Wave(
            name=_title(wave.name, len(report.waves)),
            summary=f"{counted(wave.writes.total, 'write')} to "
            f"{counted(wave.registries, 'registry')}"
            if wave.writes.total
            else "nothing to write",
            because=wave.because,
            steps=_steps(counts[wave.name], list(_STEPS.values())),
        )
        for wave in report.waves
    )


def _steps(counts: _Counts, order: Sequence[str]) -> tuple[Step, ...]:
    return tuple(
        Step(name=name, total=sum(counts[name].values()), segments=segments(counts[name].items()))
        for name in order
        if name in counts
    )


def segments(counts: Iterable[tuple[tuple[str, Tone], int]]) -> tuple[Segment, ...]:
    """Returns the parts of a bar; together they are as wide as it is."""
    ordered = sorted(counts)
    total = sum(number for _, number in ordered)
    ends = [0]
    for _, number in ordered:
        ends.append(ends[-1] + number)
    return tuple(
        Segment(
            word=word,
            number=number,
            tone=tone,
            start=ends[nth] * WIDTH // total,
            width=ends[nth + 1] * WIDTH // total - ends[nth] * WIDTH // total,
        )
        for nth, ((word, tone), number) in enumerate(ordered)
    )
