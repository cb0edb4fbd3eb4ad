"""An examination as text: problems with remedies, then how many registries pass each check.

Registries with the same problem make one group, of which a few accounts are named. A full page
names all, and lists the failed and unknown checks of every registry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len

from fleet_repl.inventory.fields import spell_seconds
from fleet_repl.reports.exit_codes import doctor_exit, exit_words
from fleet_repl.reports.text.labels import label
from fleet_repl.reports.text.page import Page, Part, Style
from fleet_repl.reports.text.sections import GROUPS, add_cut, add_remedy
from fleet_repl.runs.doctor import (
    ACCOUNT,
    REGION,
    BaseIdentity,
    CheckState,
    DoctorReport,
    FleetProblem,
)
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted, elapsed

_STYLES: Final = {
    CheckState.OK: Style.ADDED,
    CheckState.FAILED: Style.BAD,
    CheckState.UNKNOWN: Style.CHANGED,
}


def doctor_text(
    report: DoctorReport, *, full: bool = False, colour: bool = False, width: int | None = None
) -> str:
    """Returns the report for people. `full`: no list is cut."""
    page = Page(full=full)
    page.add((f"Doctor of {report.fleet}: ", Style.HEADING), _verdict(report))
    _add_problems(page, report)
    _add_checks(page, report)
    _add_registries(page, report)
    _add_run(page, report)
    _add_notes(page, report.notes)
    add_cut(page)
    took = elapsed((report.finished_at - report.started_at).total_seconds())
    accounts = counted(len(_examined(report)), "account")
    registries = counted(len(report.registries), "registry")
    code = doctor_exit(report)
    page.gap()
    page.add(
        (f"Examined {registries} in {accounts}, in {took}.", Style.HEADING),
        f" Exit {code.value}: {exit_words(code, [counted(len(report.problems), 'problem')])}.",
    )
    return page.render(colour=colour, width=width)


def _examined(report: DoctorReport) -> set[AccountId]:
    return {registry.account for registry in report.registries}


def _verdict(report: DoctorReport) -> Part:
    """`healthy`, or `3 problems, 12 of 400 accounts affected`."""
    if not report.problems:
        return "healthy", Style.ADDED
    problems = counted(len(report.problems), "problem")
    affected = {account for problem in report.problems for account in problem.accounts}
    if not affected:
        return problems, Style.BAD
    of_all = counted(len(_examined(report)), "account")
    return f"{problems}, {len(affected):,} of {of_all} affected", Style.BAD


def _add_problems(page: Page, report: DoctorReport) -> None:
    if not report.problems:
        return
    page.heading("Problems")
    shown = page.within(report.problems, GROUPS)
    for problem in shown:
        _add_problem(page, problem, report)
    page.more(len(report.problems) - len(shown), indent=1)
    remedies = "\n".join(_filled(problem.remedy, problem) for problem in shown)
    left = [
        f"each {name.lower()} of the problem for {name}"
        for name in (ACCOUNT, REGION)
        if re.search(rf"\b{name}\b", remedies)
    ]
    if left:
        page.add((f"(Put {' and '.join(left)}.)", Style.FAINT), indent=1)


def _filled(text: str, problem: FleetProblem) -> str:
    """A text of a problem, with the account and the region filled in where there is only one."""
    for name, values in ((ACCOUNT, problem.accounts), (REGION, problem.regions)):
        if len(values) == 1:
            text = re.sub(rf"\b{name}\b", values[0], text)
    return text


def _add_problem(page: Page, problem: FleetProblem, report: DoctorReport) -> None:
    """Adds `37 accounts: …` with some of the accounts, their regions, and the remedy."""
    number = len(problem.accounts)
    subject = f"{counted(number, 'account')}: " if number else ""
    page.add(subject, (_filled(problem.message, problem), Style.BAD), indent=1)
    if number:
        shown = page.examples(problem.accounts)
        page.cut |= len(shown) < number
        more = [f"{number - len(shown):,} more"] if len(shown) < number else []
        names = [_account(account, report) for account in shown]
        page.add(", ".join([*names, *more]), indent=2)
        page.add(f"in {', '.join(problem.regions)}", indent=2)
    add_remedy(page, _filled(problem.remedy, problem))


def _account(account: AccountId, report: DoctorReport) -> str:
    name = report.names.get(account, account)
    return account if name == account else f"{account} ({name})"


def _add_checks(page: Page, report: DoctorReport) -> None:
    """Adds a row for each check, with the number of registries in each of its states."""
    counts: dict[str, Counter[CheckState]] = {}
    for checks in report.registries.values():
        for name, state in checks.items():
            counts.setdefault(name, Counter())[state] += 1
    if not counts:
        return
    width = max(len("Checks of registries"), *(len(name) + 2 for name in counts))
    column = max(len(CheckState.UNKNOWN), len(f"{len(report.registries):,}")) + 2
    page.gap()
    head = "".join(f"{state:>{column}}" for state in CheckState)
    page.add(("Checks of registries".ljust(width), Style.HEADING), (head, Style.FAINT))
    for name, states in counts.items():
        parts = [
            (f"{states[state]:>{column},}", _STYLES[state] if states[state] else Style.FAINT)
            for state in CheckState
        ]
        page.add(name.ljust(width - 2), *parts, indent=1)


def _add_registries(page: Page, report: DoctorReport) -> None:
    """Adds what failed and what is unknown of each registry; on a full page only."""
    failing = [
        (registry, checks)
        for registry, checks in report.registries.items()
        if any(state is not CheckState.OK for state in checks.values())
    ]
    if not page.full or not failing:
        return
    page.heading("Registries")
    for registry, checks in failing:
        states = [
            f"{state}: {', '.join(names)}"
            for state in (CheckState.FAILED, CheckState.UNKNOWN)
            if (names := [name for name in checks if checks[name] is state])
        ]
        name = label(registry, report.names[registry.account])
        page.add(f"{name}: {'; '.join(states)}", indent=1)


def _add_run(page: Page, report: DoctorReport) -> None:
    base, state = report.base, report.state
    page.heading("The run")
    rows = {
        "base identity": f"{base.arn} ({base.kind})",
        "its credentials": _lasting(base.seconds_left),
        "sessions": f"{spell_seconds(report.session_seconds)} at the most",
        "clock": _clock(base),
        "STS": _sts(report),
        "endpoint": ", ".join(base.way.endpoints) or "AWS's own",
        "proxy": base.way.proxy or "none",
        "dual-stack": "on" if base.way.dual_stack else "off",
        "state": f"{state.location} (readable: {state.readable}, writable: {state.writable}, "
        f"conditional writes: {state.conditional_writes})",
        "lock": state.lock or "nobody holds it",
        "freeze": f"frozen by {state.frozen}" if state.frozen else "none",
    }
    width = max(map(cell_len, rows))
    for name, value in rows.items():
        page.add((name.ljust(width), Style.FAINT), f"  {value}", indent=1)


def _lasting(seconds: float | None) -> str:
    if seconds is None:
        return "no end is known"
    return "ended" if seconds <= 0 else f"last for {elapsed(seconds)} more"


def _clock(base: BaseIdentity) -> str:
    ahead = base.clock_ahead
    if ahead is None:
        return "AWS named no time"
    side = "ahead of" if ahead > 0 else "behind"
    return "as AWS's" if abs(ahead) < 2 else f"{elapsed(abs(ahead))} {side} AWS's"


def _sts(report: DoctorReport) -> str:
    sts = report.sts
    return (
        f"{counted(sts.accounts, 'role')}, {elapsed(sts.seconds)} at [apply] sts_rate = "
        f"{sts.rate:g} a second; at most {sts.measured:,} in a second of this run"
    )


def _add_notes(page: Page, notes: Iterable[str]) -> None:
    lines = [note.splitlines() for note in notes]
    if not lines:
        return
    page.heading("Notes")
    for first, *more in lines:
        page.add(f"- {first}", indent=1)
        for line in more:
            page.add((line, Style.PASTED), indent=3)
