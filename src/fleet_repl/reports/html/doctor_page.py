"""The examination of a fleet as a page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.reports.html.figures import Heading, Matrix
from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.matrix import MOST, Entry, matrix_of
from fleet_repl.reports.html.model import Block, Fact, Page, Row, Tile
from fleet_repl.reports.html.problems import fleet_problems
from fleet_repl.reports.html.run_head import mark_tile, tile
from fleet_repl.reports.html.table import table_of
from fleet_repl.runs.doctor import Checks, CheckState, DoctorReport
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted

_MARKS: Final = {
    CheckState.FAILED: Mark(word="failed", symbol="✕", tone=Tone.BAD),
    CheckState.UNKNOWN: Mark(word="unknown", symbol="?", tone=Tone.HELD),
    CheckState.OK: Mark(word="ok", symbol="●", tone=Tone.GOOD),
}


def doctor_page(report: DoctorReport) -> Page:
    """Returns the page of an examination."""
    worst = {registry: _worst(checks) for registry, checks in report.registries.items()}
    return Page(
        kind="Examination",
        fleet=report.fleet,
        status=_status(report),
        sentence=_sentence(report),
        facts=tuple(_facts(report)),
        tiles=_tiles(report, Counter(worst.values())),
        timeline=(),
        problems=tuple(fleet_problems(report.problems)),
        matrix=_matrix(report),
        drawing=None,
        table=table_of(
            "registry",
            tuple(report.registries.items()),
            lambda item: _MARKS[worst[item[0]]].tone,
            lambda item: _row(*item, report.names),
        ),
    )


def _worst(checks: Checks) -> CheckState:
    return next((state for state in _MARKS if state in checks.values()), CheckState.OK)


def _status(report: DoctorReport) -> Mark:
    if report.interrupted:
        return Mark(word="interrupted", symbol="■", tone=Tone.BAD)
    if report.problems:
        return Mark(word=counted(len(report.problems), "problem"), symbol="✕", tone=Tone.BAD)
    return Mark(word="healthy", symbol="✓", tone=Tone.GOOD)


def _sentence(report: DoctorReport) -> str:
    accounts = {registry.account for registry in report.registries}
    registries = counted(len(report.registries), "registry")
    what = f"Examined {registries} in {counted(len(accounts), 'account')}"
    affected = {account for problem in report.problems for account in problem.accounts}
    if not report.problems:
        return f"{what}: every one can be reached, read and written, as far as IAM tells."
    problems = counted(len(report.problems), "problem")
    return f"{what}; {problems}, {counted(len(affected), 'account')} affected."


def _facts(report: DoctorReport) -> Iterator[Fact]:
    base, state = report.base, report.state
    yield Fact(term="Base identity", value=base.arn)
    yield Fact(term="State", value=state.location)
    yield Fact(term="State readable", value=state.readable.value)
    yield Fact(term="State writable", value=state.writable.value)
    for term, value in (("Lock", state.lock), ("Frozen", state.frozen)):
        if value is not None:
            yield Fact(term=term, value=value)
    for note in report.notes:
        yield Fact(term="Note", value=note)


def _tiles(report: DoctorReport, counts: Counter[CheckState]) -> tuple[Tile, ...]:
    problems = tile(len(report.problems), "problems", Tone.BAD, "each listed once")
    return (problems, *(mark_tile(_MARKS[state], counts[state], "registries") for state in _MARKS))


def _matrix(report: DoctorReport) -> Matrix | None:
    sizes = Counter(registry.region for registry in report.registries)
    names = dict.fromkeys(check for checks in report.registries.values() for check in checks)
    columns = {
        name: Heading(group="", name=name, detail="", place=place)
        for place, name in enumerate(names)
    }
    single = len(report.registries) <= MOST
    entries = (
        Entry(
            down=Heading(
                group=registry.region,
                name=_name(registry, report.names)
                if single
                else counted(sizes[registry.region], "registry"),
                detail=registry.account if single else "",
            ),
            across=columns[check],
            mark=_MARKS[state],
            text=f"{_name(registry, report.names)} {registry.region}: {check} {state}",
        )
        for registry, checks in report.registries.items()
        for check, state in checks.items()
    )
    words = ("The fleet, registries against checks", "registry", "check", "check result")
    return matrix_of(entries, tuple(_MARKS.values()), words)


def _name(registry: Registry, names: Mapping[AccountId, str]) -> str:
    return names.get(registry.account, registry.account)


def _row(registry: Registry, checks: Checks, names: Mapping[AccountId, str]) -> Row:
    mark = _MARKS[_worst(checks)]
    bad = [f"{check} failed" for check, state in checks.items() if state is CheckState.FAILED]
    unknown = sum(state is CheckState.UNKNOWN for state in checks.values())
    bad += [f"{counted(unknown, 'check')} unknown"] if unknown else []
    return Row(
        mark=mark,
        name=_name(registry, names),
        account=registry.account,
        region=registry.region,
        wave=None,
        summary=", ".join(bad),
        outcomes=(mark.word,),
        blocks=(
            Block(
                title="Checks",
                facts=tuple(Fact(term=name, value=state.value) for name, state in checks.items()),
            ),
        ),
    )
