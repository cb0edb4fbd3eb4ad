"""What a page says needs a reader: each problem once for all registries that share it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from fleet_repl.ecr.backfills import BackfillOutcome
from fleet_repl.planning.change import HeldLink
from fleet_repl.planning.plan import Objection, RegistryPlan, Warning
from fleet_repl.reports.fault_groups import FailedRegistry, group_faults
from fleet_repl.reports.held_groups import group_held
from fleet_repl.reports.html.marks import Tone
from fleet_repl.reports.html.model import Problem
from fleet_repl.runs.delivery import LinkDelivery, UnreadRegistry
from fleet_repl.runs.doctor import FleetProblem
from fleet_repl.runs.outcomes import RegistryOutcome
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted, listed

_EXAMPLES: Final = 5
"""The most registries or links that a problem names."""
_MOST: Final = 60
"""The most problems of one kind."""

_T = TypeVar("_T")


def place_words(registry: Registry, name: str | None) -> str:
    """Returns `build, 111111111111, us-east-1`, without a name that only repeats the account id."""
    known = f"{name}, " if name and name != registry.account else ""
    return f"{known}{registry.account}, {registry.region}"


def ends_words(link: LinkDelivery | BackfillOutcome) -> str:
    """Returns the source and the destination of a link, each as a place."""
    source = place_words(link.source, link.source_name)
    return f"{source} → {place_words(link.destination, link.destination_name)}"


def fault_words(fault: Fault) -> str:
    """Returns what AWS said: `no permission (AccessDenied), request id 0a1b`."""
    code = f" ({fault.code})" if fault.code else ""
    request = f", request id {fault.request_id}" if fault.request_id else ""
    return f"{fault.message}{code}{request}"


def fault_problems(
    results: Iterable[RegistryPlan | RegistryOutcome | UnreadRegistry],
) -> Iterator[Problem]:
    """Yields a problem for each way of failing of the registries that have an error."""
    groups = group_faults(
        FailedRegistry(registry=result.registry, name=result.name, fault=result.error)
        for result in results
        if result.error is not None
    )
    for group in groups[:_MOST]:
        where = counted(len(group.members), "registry")
        if group.accounts > 1:
            where += f" in {counted(group.accounts, 'account')}"
        yield Problem(
            tone=Tone.BAD,
            kind=group.kind,
            title=f"{group.operation} failed: {where}",
            examples=tuple(
                f"{place_words(member.registry, member.name)}: {fault_words(member.fault)}"
                for member in group.members[:_EXAMPLES]
            ),
            more=max(len(group.members) - _EXAMPLES, 0),
            remedy=tuple((group.hint or "").splitlines()),
        )
    yield from _left_out("way of failing", len(groups))


def held_problems(
    results: Iterable[RegistryPlan | RegistryOutcome], names: Mapping[AccountId, str]
) -> Iterator[Problem]:
    """Yields a problem for each reason for which links are left out."""
    held = ((result.registry, link) for result in results for link in ordered_held(result.held))

    def words(source: Registry, link: HeldLink) -> str:
        ends = (place_words(end, names.get(end.account)) for end in (source, link.destination))
        return " → ".join(ends)

    groups = group_held(held, lambda pair: (pair[1].because, pair[1].destination))
    for because, links in groups[:_MOST]:
        joining = all(link.joining for _, link in links)
        yield Problem(
            tone=Tone.IDLE if joining else Tone.HELD,
            kind="joining" if joining else "held",
            title=f"{counted(len(links), 'link')} left out: {because}",
            examples=tuple(words(*pair) for pair in links[:_EXAMPLES]),
            more=max(len(links) - _EXAMPLES, 0),
        )
    yield from _left_out("reason for held links", len(groups))


def ordered_held(held: Iterable[HeldLink]) -> list[HeldLink]:
    """Returns held links in the order of documents."""
    return sorted(held, key=lambda link: (link.destination, link.prefixes, link.because))


def reason_problems(
    kind: str, tone: Tone, reasons: Iterable[tuple[RegistryPlan | RegistryOutcome, str | None]]
) -> Iterator[Problem]:
    """Yields a problem for each reason. `reasons`: registries, those that have a reason with it."""
    known = (
        (place_words(result.registry, result.name), because)
        for result, because in reasons
        if because is not None
    )
    groups = _grouped(known, lambda pair: pair[1])
    for because, members in groups[:_MOST]:
        yield Problem(
            tone=tone,
            kind=kind,
            title=f"{counted(len(members), 'registry')}: {because}",
            examples=tuple(words for words, _ in members[:_EXAMPLES]),
            more=max(len(members) - _EXAMPLES, 0),
        )
    yield from _left_out(f"reason of {kind} registries", len(groups))


def objection_problems(objections: Sequence[Objection]) -> Iterator[Problem]:
    """Yields the reasons to refuse a plan as a whole."""
    for objection in objections:
        yield Problem(tone=Tone.BAD, kind=objection.kind, title=objection.message)


def warning_problems(warnings: Sequence[Warning], acknowledged: int) -> Iterator[Problem]:
    """Yields a problem for each kind of warning, and the number that is acknowledged."""
    for kind, some in _grouped(warnings, lambda warning: warning.kind):
        messages = list(dict.fromkeys(warning.message for warning in some))
        if len(messages) == 1:
            yield Problem(tone=Tone.CHANGED, kind=kind, title=messages[0])
            continue
        yield Problem(
            tone=Tone.CHANGED,
            kind=kind,
            title=counted(len(messages), "warning"),
            examples=tuple(messages[:_EXAMPLES]),
            more=max(len(messages) - _EXAMPLES, 0),
        )
    if acknowledged:
        title = f"{counted(acknowledged, 'warning')} acknowledged by the inventory"
        yield Problem(tone=Tone.IDLE, kind="acknowledged", title=title)


def fleet_problems(problems: Iterable[FleetProblem]) -> Iterator[Problem]:
    """Yields the problems that an examination of the fleet found."""
    for problem in problems:
        accounts = problem.accounts
        where = f"{counted(len(accounts), 'account')}: {listed(accounts, _EXAMPLES)}"
        regions = f"in {', '.join(problem.regions)}"
        yield Problem(
            tone=Tone.BAD,
            kind=problem.kind,
            title=problem.message,
            examples=tuple(
                words for words, some in ((where, accounts), (regions, problem.regions)) if some
            ),
            remedy=tuple(problem.remedy.splitlines()),
        )


def _grouped(items: Iterable[_T], key: Callable[[_T], str]) -> list[tuple[str, list[_T]]]:
    """Returns items by their key, the largest group first."""
    groups: dict[str, list[_T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def _left_out(noun: str, number: int) -> Iterator[Problem]:
    if number > _MOST:
        title = f"{counted(number - _MOST, noun)} more; the JSON document has them"
        yield Problem(tone=Tone.IDLE, kind="not shown", title=title)
