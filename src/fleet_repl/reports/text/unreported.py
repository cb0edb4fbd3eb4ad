"""What is known of a run that left no report: it is under way, or it died."""

from __future__ import annotations

from typing import Final

from fleet_repl.reports.exit_codes import ExitCode
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.runs import moment
from fleet_repl.reports.text.wording import change_name, label
from fleet_repl.runs.history import JournalEntry, Moment, PastRun
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.text import counted

OPEN: Final = 20
"""Writes of unknown end that are listed on a page that is not full."""


def unreported_text(
    run: PastRun,
    *,
    under_way: bool,
    full: bool = False,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Who made it, how many writes it had planned, and how far the journal says that it came."""
    page = Page(full=full)
    meta = run.meta
    page.add((f"Run {meta.run_id} of {meta.fleet}: ", Style.HEADING), ("no report", Style.CHANGED))
    back = "" if meta.rolls_back is None else f" of {meta.rolls_back}"
    holder = f"{meta.holder.user}@{meta.holder.host} (process {meta.holder.pid})"
    page.add(f"{meta.purpose}{back} by {holder}, started {moment(meta.started_at)} UTC", indent=1)
    settled = {_write(one): one for one in run.journal if one.moment is Moment.SETTLED}
    sent = {_write(one): one for one in run.journal if one.moment is Moment.SENDING}
    open_ = [one for write, one in sent.items() if write not in settled]
    ends = [one.outcome for one in settled.values()]
    counts = {
        "writes planned": meta.changes,
        "applied": sum(one is Outcome.APPLIED for one in ends),
        "failed": sum(one is Outcome.FAILED for one in ends),
        "end unknown": len(open_),
    }
    page.gap()
    digits = max(len(f"{number:,}") for number in counts.values())
    for name, number in counts.items():
        page.add(f"{name:<14}  {number:>{digits},}", indent=1)
    _add_open(page, run, open_)
    page.gap()
    _add_end(page, under_way=under_way)
    return page.render(colour=colour, width=width)


def _add_end(page: Page, *, under_way: bool) -> None:
    code = ExitCode.PARTIAL.value
    if under_way:
        page.add("It is under way, and holds the lock of the fleet.")
        page.add(f"Exit {code}: the run has not ended.")
        return
    page.add(
        "It died. The next run of the fleet takes over, looks at what is in place and goes on from "
        "there; nothing has to be mended by hand."
    )
    page.add(f"Exit {code}: what became of the run is not known.")


def _add_open(page: Page, run: PastRun, entries: list[JournalEntry]) -> None:
    if not entries:
        return
    names = {one.registry: one.name for one in run.plan.registries}
    page.heading(f"Announced, and maybe sent: {counted(len(entries), 'write')}")
    shown = page.within(entries, OPEN)
    for one in shown:
        what = change_name(one.resource, one.before, one.after)
        page.add(f"{label(one.registry, names.get(one.registry))}: {one.action} {what}", indent=1)
    page.more(len(entries) - len(shown), indent=1)


def _write(one: JournalEntry) -> tuple[object, ...]:
    """What tells a write from the others of its run."""
    return one.registry, one.resource, one.prefix, one.wave, one.phase
