"""Blocks of what was looked at, and not written: images, backfills, accounts and inventories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fleet_repl.reports.documents.accounts import AccountsDocument, FleetAccountDocument
from fleet_repl.reports.documents.backfill import BackfillDocument, ReputDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument, LinkDocument
from fleet_repl.reports.documents.doctor import DoctorDocument, FleetProblemDocument
from fleet_repl.reports.documents.explanation import (
    CarriedDocument,
    ExplanationDocument,
    NotCarriedDocument,
    WaitedDocument,
)
from fleet_repl.reports.documents.shared import NamedPlaceDocument, given
from fleet_repl.reports.documents.validation import ProblemDocument, ValidateDocument
from fleet_repl.reports.markdown.escape import code, prose, remedy, row, table
from fleet_repl.reports.markdown.page import Page
from fleet_repl.reports.markdown.problems import add_faults, add_notes
from fleet_repl.reports.text.labels import label
from fleet_repl.values.text import counted, listed

_MOST: Final = 40_000
"""The most characters of the list that a document is about."""
_SOME: Final = 5
"""The most accounts or regions that are named of a problem."""


def add_delivery(page: Page, report: DeliveryDocument) -> None:
    """Adds the links that images have not arrived on, and the registries that could not be read."""
    counts = {state.value: number for state, number in report.summary.links.items() if number}
    if counts:
        page.add_counts(counts)
    add_faults(page, "Unreadable", ((unread, unread.error) for unread in report.unreadable))
    add_notes(page, "Warnings", given(report.warnings) or ())
    late = [link for link in report.links if link.state.is_problem and link.images]
    page.add_some(
        f"### Links with problems\n\n{table(('link', 'state', 'images', 'because'), ())}",
        list(map(_late, late)),
        noun="links",
        most=_MOST,
    )


def _late(link: LinkDocument) -> str:
    problems = [image for image in link.images if image.state.is_problem]
    told = dict.fromkeys(
        f"{prose(image.because or '')}{f'<br>{remedy(image.hint)}' if image.hint else ''}"
        for image in problems
    )
    return row(
        [
            f"{_place(link.source)} → {_place(link.destination)}",
            link.state.value,
            f"{len(problems):,} of {len(link.images):,}",
            "<br>".join(list(told)[:3]),
        ]
    )


def add_backfills(page: Page, backfills: Sequence[BackfillDocument]) -> None:
    """Adds a table of backfills."""
    page.add_some(
        f"### Backfills\n\n{table(('link', 'state', 'copies', 'failed', 'because'), ())}",
        list(map(_backfill, backfills)),
        noun="backfills",
        most=_MOST,
    )


def _backfill(backfill: BackfillDocument) -> str:
    error, why = backfill.error, backfill.because or backfill.failure_code or ""
    if error is not None:
        why = f"{error.operation}: {error.kind}: {error.message}"
    return row(
        [
            f"{_place(backfill.source)} → {_place(backfill.destination)}",
            backfill.state.value,
            "" if backfill.total is None else f"{backfill.completed or 0:,} of {backfill.total:,}",
            f"{backfill.failed or 0:,}",
            f"{prose(why)}{f'<br>{remedy(error.hint)}' if error and error.hint else ''}",
        ]
    )


def add_doctor(page: Page, report: DoctorDocument) -> None:
    """Adds the problems of a fleet with their remedies, and what is good to know."""
    page.add_some(
        "### Problems\n", list(map(_problem, report.problems)), noun="problems", most=_MOST
    )
    page.add_some("### Notes\n", [f"- {prose(note)}" for note in report.base.notes], noun="notes")


def _problem(problem: FleetProblemDocument) -> str:
    where = ""
    if problem.accounts:
        accounts = counted(len(problem.accounts), "account")
        where = f" ({accounts} in {_some(problem.regions)}: {_some(problem.accounts)})"
    return (
        f"- **{problem.kind.value}**{where}: {prose(problem.message)}<br>{remedy(problem.remedy)}"
    )


def _some(names: Sequence[str]) -> str:
    return listed(list(map(code, names)), _SOME)


def add_accounts(page: Page, document: AccountsDocument) -> None:
    """Adds a table of accounts."""
    add_notes(page, "Warnings", document.warnings)
    header = ("account", "name", "state", "regions", "labels")
    page.add_some(
        table(header, ()), list(map(_account, document.accounts)), noun="accounts", most=_MOST
    )


def _account(account: FleetAccountDocument) -> str:
    labels = (code(f"{key}={value}") for key, value in account.labels.items())
    return row(
        [
            code(account.id),
            code(account.name),
            account.state,
            " ".join(map(code, account.regions)),
            " ".join(labels),
        ]
    )


def add_reputs(page: Page, reputs: Sequence[ReputDocument]) -> None:
    """Adds the images that were put again."""
    if not reputs:
        return
    page.add_some(
        f"### Images put again\n\n{table(('image', 'source', 'state', 'tag', 'error'), ())}",
        [
            row(
                [
                    code(f"{reput.repository}@{reput.digest}"),
                    _place(reput.source),
                    reput.state.value,
                    code(reput.tag or ""),
                    prose(reput.error.message if reput.error else ""),
                ]
            )
            for reput in reputs
        ],
        noun="images",
    )


def add_explanation(page: Page, explanation: ExplanationDocument) -> None:
    """Adds what to do, the links that carry an image, and the registries it does not get to."""
    if explanation.remedy is not None:
        page.add(remedy(explanation.remedy))
    if (waited := given(explanation.waited)) is not None:
        _add_waited(page, waited)
    page.add_some(
        f"### Carried\n\n{table(('link', 'routes', 'prefix', 'status', 'facts'), ())}",
        list(map(_carried, explanation.carried)),
        noun="links",
    )
    page.add_some(
        f"### Not carried\n\n{table(('link', 'because', 'facts'), ())}",
        list(map(_not_carried, explanation.not_carried)),
        noun="registries",
    )


def _add_waited(page: Page, waited: WaitedDocument) -> None:
    page.add_some(
        f"### Awaited\n\n{table(('registry', 'state', 'digest', 'because'), ())}",
        [
            row(
                [
                    code(image.destination),
                    image.state.value,
                    code(image.digest or ""),
                    prose(image.because or ""),
                ]
            )
            for image in waited.images
        ],
        noun="registries",
    )


def _carried(link: CarriedDocument) -> str:
    routes, prefix = " ".join(map(code, link.routes)), code(link.prefix or "*")
    return row([_ends(link), routes, prefix, link.status or "", _facts(link)])


def _not_carried(link: NotCarriedDocument) -> str:
    return row([_ends(link), prose(link.because), _facts(link)])


def _ends(link: CarriedDocument | NotCarriedDocument) -> str:
    return f"{code(link.source)} → {code(link.destination)}"


def _facts(link: CarriedDocument | NotCarriedDocument) -> str:
    return "<br>".join(map(prose, given(link.facts) or ()))


def add_validation(page: Page, document: ValidateDocument) -> None:
    """Adds the problems of an inventory, each with its place."""
    page.add_some(
        "### Problems\n", list(map(_mistake, document.problems)), noun="problems", most=_MOST
    )
    add_notes(page, "Warnings", given(document.warnings) or ())


def _mistake(problem: ProblemDocument) -> str:
    line = "" if problem.line is None else f":{problem.line}"
    value = "" if problem.value is None else f" (found {code(problem.value)})"
    what_to_do = f"<br>{remedy(problem.remedy)}" if problem.remedy else ""
    return (
        f"- {code(f'{problem.file}{line}')} {code(problem.key)}: {prose(problem.message)}{value}"
        f"{what_to_do}"
    )


def _place(place: NamedPlaceDocument) -> str:
    return code(label(place.registry, place.name))
