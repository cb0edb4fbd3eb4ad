"""What must hold in every world at every moment, as pure functions of what happened in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from tests.sequences.trace import (
    POLICY,
    RULES,
    Began,
    Change,
    Crashed,
    Edited,
    Ended,
    Finished,
    Happening,
    Hop,
    Read,
    Rested,
    Wrote,
    foreign,
    is_of_fleet,
    links,
    meaning,
    own,
)

Trace: TypeAlias = Sequence[Happening]
Invariant: TypeAlias = Callable[[Trace], Iterator[str]]

_DOCUMENTS: Final = (RULES, POLICY)
_SETTLED: Final = ("applied", "unchanged")
_LEFT_ALONE: Final = ("unchanged", "skipped", "cancelled")


def violations(trace: Trace) -> list[str]:
    """Everything that was not as it must be, in the order of what must be."""
    return [
        f"{invariant.__name__}: {text}" for invariant in INVARIANTS for text in invariant(trace)
    ]


def foreign_content_stays(trace: Trace) -> Iterator[str]:
    """A run without --force writes what is others' just as it saw it last; a rollback may take
    back what the run in question did to it."""
    for at, wrote, began in _writes(trace):
        if began.forced or wrote.resource not in _DOCUMENTS:
            continue
        seen = _last_read(trace[:at], wrote)
        if seen is None:
            yield f"{_name(wrote)} was written without a look at it"
            continue
        there, left = (foreign(item, wrote.fleet, wrote.resource) for item in (seen, wrote.after))
        added, removed = _done(trace[:at], began.undoes, wrote)
        for foreign_item in sorted(there - left - added):
            yield f"{_name(wrote)} lost {foreign_item}, which its run had seen"
        for foreign_item in sorted(left - there - removed):
            yield f"{_name(wrote)} got {foreign_item}, which its run had not seen"


def _done(trace: Trace, run: str | None, wrote: Wrote) -> tuple[set[str], set[str]]:
    """What a run has added to a document and taken out of it."""
    added: set[str] = set()
    removed: set[str] = set()
    for change in trace:
        if run is not None and isinstance(change, Wrote) and _is_about(change, wrote, run):
            before, after = (
                meaning(document, change.resource) for document in (change.before, change.after)
            )
            added, removed = added | (after - before), removed | (before - after)
    return added, removed


def nothing_stands_between_look_and_write(trace: Trace) -> Iterator[str]:
    """What a stranger does is lost only where it comes between a last look and its write."""
    for at, wrote, began in _writes(trace):
        if began.forced or not began.careful or wrote.resource not in _DOCUMENTS:
            continue
        for edit in _edits_unseen(trace[:at], wrote):
            lost = foreign(edit.after, wrote.fleet, wrote.resource) - foreign(
                wrote.after, wrote.fleet, wrote.resource
            )
            if lost and edit.at_write_of != wrote.run:
                yield f"{_name(wrote)} lost {min(lost)}, made after its run's last look"


def foreign_templates_stay(trace: Trace) -> Iterator[str]:
    """A run changes no creation template of others."""
    for _, wrote, began in _writes(trace):
        if wrote.resource in _DOCUMENTS or began.forced:
            continue
        letter = wrote.fleet[0]
        names = {*wrote.before, *wrote.after}
        for name in names:
            changed = wrote.before.get(name) != wrote.after.get(name)
            if changed and not name.startswith(letter):
                yield f"{_name(wrote)}: {name} is not the fleet's, and was changed"


def grants_come_first_and_go_last(trace: Trace) -> Iterator[str]:
    """No write of a run leaves a link without its grant that had it, or makes one without."""
    for at, wrote, began in _writes(trace):
        if began.forced or not began.wary:
            continue
        start = next(index for index, happening in enumerate(trace) if happening is began)
        meddled = {
            change.place
            for change in trace[start:at]
            if isinstance(change, Edited | Wrote)
            and change.resource == POLICY
            and getattr(change, "run", None) != wrote.run
        }
        for source, end, prefix in sorted(wrote.ungranted_after - wrote.ungranted_before):
            if end not in meddled and source not in began.retired:
                yield f"{_name(wrote)} left {source} > {end} {prefix} without a grant"


def writes_are_announced(trace: Trace) -> Iterator[str]:
    """The journal tells of each write before it arrives."""
    for _, wrote, _ in _writes(trace):
        if not wrote.announced:
            yield f"{_name(wrote)} is not in the journal of its run"


def applied_means_in_place(trace: Trace) -> Iterator[str]:
    """What a report calls applied was written so, and was seen in place after that."""
    for at, ended in enumerate(trace):
        if not isinstance(ended, Ended):
            continue
        began = _began(trace, ended.run)
        for change in ended.changes:
            if change.outcome == "applied" and change.resource in _DOCUMENTS:
                yield from _applied(trace[:at], change, ended, began)


def _applied(trace: Trace, change: Change, ended: Ended, began: Began) -> Iterator[str]:
    name = f"{change.resource} of {change.place} by {ended.run}"
    written = [
        index
        for index, happening in enumerate(trace)
        if isinstance(happening, Wrote) and _is_about(happening, change, ended.run)
    ]
    texts = [meaning(trace[item].after, change.resource) for item in written]  # type: ignore[union-attr]
    if meaning(change.after, change.resource) not in texts:
        yield f"{name} is called applied, and no such write was made"
        return
    same = [item for item in ended.changes if _is_same(item, change)]
    if ended.died or any(item.outcome not in _SETTLED for item in same):
        # The report says of this document that not all went well.
        return
    last = trace[written[-1]]
    assert isinstance(last, Wrote)
    looks = [
        item
        for item in trace[written[-1] :]
        if isinstance(item, Read) and _is_about(item, change, ended.run)
    ]
    if not looks:
        yield f"{name} is called applied, and was not read back"
    elif began.wary and not own(last.after, began.fleet, change.resource) <= own(
        looks[-1].seen, began.fleet, change.resource
    ):
        yield f"{name} is called applied, and its run saw last that it is not in place"
    elif began.wary and _is_overwritten(trace, written[-1], began):
        yield f"{name} is called applied, and was overwritten before its run's last write"


def _is_overwritten(trace: Trace, at: int, began: Began) -> bool:
    """Whether something of the run's write was taken away while it still wrote elsewhere, and is
    not in place at its end. Before it says applied, a run looks once more at all it has done."""
    wrote = trace[at]
    assert isinstance(wrote, Wrote)
    last = max(
        index
        for index, happening in enumerate(trace)
        if isinstance(happening, Wrote) and happening.run == wrote.run
    )
    later = [
        change
        for change in trace[at + 1 : last]
        if isinstance(change, Wrote | Edited)
        and (change.place, change.resource) == (wrote.place, wrote.resource)
    ]
    mine = own(wrote.after, began.fleet, wrote.resource)
    return bool(later) and not mine <= own(later[-1].after, began.fleet, wrote.resource)


def what_is_called_untouched_is(trace: Trace) -> Iterator[str]:
    """Nothing was written where a report says unchanged, skipped or cancelled, and no more."""
    for at, ended in enumerate(trace):
        if not isinstance(ended, Ended):
            continue
        for change in ended.changes:
            same = [item for item in ended.changes if _is_same(item, change)]
            if not all(item.outcome in _LEFT_ALONE and not item.in_doubt for item in same):
                continue
            if ended.died and _is_put_back(trace[:at], change, ended.run):
                # What a dead run wrote is told by a look, which shows nothing of it then.
                continue
            if any(
                isinstance(item, Wrote) and _is_about(item, change, ended.run)
                for item in trace[:at]
            ):
                name = f"{change.resource} of {change.place} by {ended.run}"
                yield f"{name} is called {change.outcome}, and was written"


def _is_put_back(trace: Trace, change: Change, run: str) -> bool:
    """Whether a document was, with a stranger's help, once more as a run found it after that run
    had written it for the last time."""
    wrote = next(
        (
            item
            for item in reversed(trace)
            if isinstance(item, Wrote) and _is_about(item, change, run)
        ),
        None,
    )
    if wrote is None:
        return False
    at = next(index for index, happening in enumerate(trace) if happening is wrote)
    # By the run's journal it was as last seen, which need not be what was there at the write.
    replaced = [
        meaning(item, change.resource) for item in (wrote.before, _last_read(trace[:at], wrote))
    ]
    later = [
        item
        for item in trace[at + 1 :]
        if isinstance(item, Wrote | Edited)
        and (item.place, item.resource) == (change.place, change.resource)
    ]
    return any(isinstance(item, Edited) for item in later) and any(
        meaning(item.after, change.resource) in replaced for item in later
    )


def the_record_keeps_links_in_place(trace: Trace) -> Iterator[str]:
    """What a fleet has made and is in place is on its record."""
    for at, happening in enumerate(trace):
        if isinstance(happening, Rested):
            for source, end, prefix in sorted(
                made(trace[:at], happening.fleet) - happening.recorded
            ):
                yield f"{happening.fleet} has forgotten {source} > {end} {prefix}"


def made(trace: Trace, fleet: str) -> set[Hop]:
    """Links in place that the fleet has put there itself. Others may do that, too: a rollback
    with --force puts back what other fleets had then."""
    hops: set[Hop] = set()
    for change in trace:
        if not isinstance(change, Wrote | Edited) or change.resource != RULES:
            continue
        before, after = ({link for link, _ in links(doc)} for doc in (change.before, change.after))
        hops -= {(change.place, *link) for link in before - after}
        if isinstance(change, Wrote) and change.fleet == fleet:
            hops |= {(change.place, *link) for link in after - before if is_of_fleet(link, fleet)}
    return hops


def everything_ends_well(trace: Trace) -> Iterator[str]:
    """Once nothing goes wrong any more, one run makes it good and the next finds nothing to do."""
    for at, happening in enumerate(trace):
        if isinstance(happening, Finished):
            yield from _ends(happening, made(trace[:at], happening.fleet))


def _ends(end: Finished, made: set[Hop]) -> Iterator[str]:
    if end.statuses[-1] != "ok":
        yield f"{end.fleet} ends as {', '.join(end.statuses)}"
    if end.late_writes:
        yield f"{end.fleet} still wrote {end.late_writes} times when all was done"
    for hop in sorted(end.wanted - end.in_place):
        yield f"{end.fleet} lacks {hop}"
    for hop in sorted(made - end.wanted):
        yield f"{end.fleet} still has {hop}"
    for hop in sorted(made & end.ungranted):
        yield f"{end.fleet} has {hop} without a grant"
    for run in end.unfinished:
        yield f"{end.fleet} never accounted for {run}"
    if end.locked:
        yield f"{end.fleet} is still locked"


def old_wishes_are_not_carried_out(trace: Trace) -> Iterator[str]:
    """No run makes a link that a newer version of the inventory, which another run has applied
    meanwhile, does not ask for."""
    for at, wrote, began in _writes(trace):
        newer = _applied_meanwhile(trace[:at], began)
        if wrote.resource != RULES or began.wanted is None or newer is None:
            continue
        before, after = ({link for link, _ in links(doc)} for doc in (wrote.before, wrote.after))
        for end, prefix in sorted(after - before):
            hop = (wrote.place, end, prefix)
            if is_of_fleet((end, prefix), wrote.fleet) and hop not in newer:
                yield f"{_name(wrote)} makes {hop}, which the inventory asks for no more"


def _applied_meanwhile(trace: Trace, began: Began) -> frozenset[Hop] | None:
    """What the latest run of the fleet asks for that has ended since this one began."""
    start = next(at for at, happening in enumerate(trace) if happening is began)
    ended = {item.run for item in trace[start:] if isinstance(item, Ended)}
    wanted = [
        item.wanted
        for item in trace[start + 1 :]
        if isinstance(item, Began) and item.fleet == began.fleet and item.run in ended
    ]
    return wanted[-1] if wanted else None


def links_wait_for_their_wave(trace: Trace) -> Iterator[str]:
    """A run that ends with the first wave changes no link but those with an end in that wave."""
    for at, wrote, began in _writes(trace):
        if wrote.resource != RULES or began.until is None or not began.careful:
            continue
        if any(_edits_unseen(trace[:at], wrote)):
            continue
        before, after = ({link for link, _ in links(doc)} for doc in (wrote.before, wrote.after))
        for end, prefix in sorted(before ^ after):
            if is_of_fleet((end, prefix), wrote.fleet) and not began.until & {wrote.place, end}:
                yield f"{_name(wrote)} changes {wrote.place} > {end} {prefix} before its wave"


def nothing_crashes(trace: Trace) -> Iterator[str]:
    """Whatever happens ends in a report or in an error that a user can read."""
    for happening in trace:
        if isinstance(happening, Crashed):
            yield f"{happening.run}: {happening.error}"


INVARIANTS: Final[tuple[Invariant, ...]] = (
    foreign_content_stays,
    nothing_stands_between_look_and_write,
    foreign_templates_stay,
    grants_come_first_and_go_last,
    writes_are_announced,
    applied_means_in_place,
    what_is_called_untouched_is,
    the_record_keeps_links_in_place,
    old_wishes_are_not_carried_out,
    links_wait_for_their_wave,
    everything_ends_well,
    nothing_crashes,
)


def _writes(trace: Trace) -> Iterator[tuple[int, Wrote, Began]]:
    runs = {item.run: item for item in trace if isinstance(item, Began)}
    for at, happening in enumerate(trace):
        if isinstance(happening, Wrote):
            yield at, happening, runs[happening.run]


def _began(trace: Trace, run: str) -> Began:
    return next(item for item in trace if isinstance(item, Began) and item.run == run)


def _last_read(trace: Trace, wrote: Wrote) -> Any:
    for happening in reversed(trace):
        if isinstance(happening, Read) and _is_about(happening, wrote, wrote.run):
            return happening.seen if happening.seen is not None else {}
    return None


def _edits_unseen(trace: Trace, wrote: Wrote) -> Iterator[Edited]:
    """A stranger's edits of the document since the run's last look at it, latest first."""
    for happening in reversed(trace):
        if isinstance(happening, Read | Wrote) and _is_about(happening, wrote, wrote.run):
            return
        if isinstance(happening, Edited) and (happening.place, happening.resource) == (
            wrote.place,
            wrote.resource,
        ):
            yield happening


def _is_about(happening: Read | Wrote, other: Wrote | Change, run: str) -> bool:
    return (happening.run, happening.place, happening.resource) == (
        run,
        other.place,
        other.resource,
    )


def _is_same(change: Change, other: Change) -> bool:
    """Whether both are changes of the same document."""
    return (change.place, change.resource) == (other.place, other.resource)


def _name(wrote: Wrote) -> str:
    return f"{wrote.resource} of {wrote.place}, written by {wrote.run},"
