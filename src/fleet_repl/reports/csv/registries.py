"""Documents as tables with a row for each registry; accounts as one with a row for each account."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Final

from fleet_repl.reports.changed_links import LinkChange, changed_links_of
from fleet_repl.reports.csv.table import Cell, Table, one_line, pairs
from fleet_repl.reports.documents.accounts import AccountsDocument, FleetAccountDocument
from fleet_repl.reports.documents.backfill import BackfillDocument, BackfillReportDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument, LinkDocument
from fleet_repl.reports.documents.doctor import DoctorDocument, FleetProblemDocument
from fleet_repl.reports.documents.moved import MovedDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.registry_outcomes import RegistryOutcomeDocument
from fleet_repl.reports.documents.registry_plans import RegistryDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.shared import ErrorDocument, given
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.runs.doctor import CheckState
from fleet_repl.runs.drift import call_sentences
from fleet_repl.runs.outcomes import Outcome, Writes
from fleet_repl.values.names import Registry

PLACE: Final = ("account", "region", "name")
ERROR: Final = ("error", "operation", "code", "message", "request_id", "remedy")
_LINKS: Final = tuple(f"links_{change.replace('-', '_')}" for change in LinkChange)
_WRITES: Final = tuple(Writes().counts)
_STATES: Final = tuple(DeliveryState)


def plan_registries(plan: PlanDocument) -> Table:
    """Returns a row for each registry of a plan."""
    columns = (
        *("fleet", *PLACE, "wave", "state", "changes", *_LINKS, "drift", "because", *ERROR),
        "changed_by",
    )
    return Table(columns, ((plan.fleet, *_planned(registry)) for registry in plan.registries))


def _planned(registry: RegistryDocument) -> tuple[Cell, ...]:
    return (
        *(registry.account, registry.region, registry.name, registry.wave, registry.state),
        len(registry.changes),
        *_link_counts(registry),
        None if registry.moved is None else registry.moved.by,
        given(registry.joining),
        *error_cells(registry.error),
        _callers(registry.moved),
    )


def report_registries(report: ReportDocument) -> Table:
    """Returns a row for each registry of a report."""
    columns = (
        *("fleet", "run", *PLACE, "wave", "outcome"),
        *(f"writes_{outcome}" for outcome in _WRITES),
        *_LINKS,
        *("attempts", "duration_ms", "because", *ERROR, "changed_by"),
    )
    head = (report.fleet, report.run_id)
    return Table(columns, ((*head, *_finished(registry)) for registry in report.registries))


def _finished(registry: RegistryOutcomeDocument) -> tuple[Cell, ...]:
    writes: Counter[Outcome] = Counter(change.outcome for change in registry.changes)
    return (
        *(registry.account, registry.region, registry.name, registry.wave, registry.outcome),
        *(writes[outcome] for outcome in _WRITES),
        *_link_counts(registry),
        *(registry.attempts, registry.duration_ms, registry.because),
        *error_cells(registry.error),
        _callers(given(registry.moved)),
    )


def _callers(moved: MovedDocument | None) -> str | None:
    """Returns who has changed a registry, with a sentence for each resource that differs."""
    attribution = None if moved is None else moved.moved().attribution
    return "; ".join(call_sentences(attribution)) or None


def _link_counts(registry: RegistryDocument | RegistryOutcomeDocument) -> tuple[int, ...]:
    counts = Counter(link.change for link in changed_links_of(registry))
    return tuple(counts[change] for change in LinkChange)


def delivery_registries(report: DeliveryDocument) -> Table:
    """Returns a row for each source, with its links by state, and for each other registry that
    could not be read."""
    columns = (
        *("fleet", "run", *PLACE, "links"),
        *(f"links_{state.replace('-', '_')}" for state in _STATES),
        *("images", *ERROR),
    )
    links: dict[Registry, list[LinkDocument]] = defaultdict(list)
    names = {unread.registry: unread.name for unread in report.unreadable}
    for link in report.links:
        links[link.source.registry].append(link)
        names[link.source.registry] = link.source.name
    errors = {unread.registry: unread.error for unread in report.unreadable}
    rows = (
        (
            *(report.fleet, report.run_id, *registry, names[registry]),
            *_delivered(links.get(registry, [])),
            *error_cells(errors.get(registry)),
        )
        for registry in sorted(names)
    )
    return Table(columns, rows)


def _delivered(links: list[LinkDocument]) -> tuple[Cell, ...]:
    states = Counter(link.state for link in links)
    images = sum(len(link.images) for link in links)
    return (len(links), *(states[state] for state in _STATES), images)


def backfill_registries(report: BackfillReportDocument) -> Table:
    """Returns a row for each source, with the states of its backfills and their copies."""
    columns = (
        *("fleet", "run", *PLACE, "backfills", "states", "falling_short"),
        *("copies", "completed", "failed"),
    )
    sources: dict[Registry, list[BackfillDocument]] = defaultdict(list)
    for backfill in report.backfills:
        sources[backfill.source.registry].append(backfill)
    head = (report.fleet, report.run_id)
    rows = ((*head, *registry, *_backfilled(some)) for registry, some in sources.items())
    return Table(columns, rows)


def _backfilled(backfills: list[BackfillDocument]) -> tuple[Cell, ...]:
    states = Counter(backfill.state for backfill in backfills)
    return (
        *(backfills[0].source.name, len(backfills), pairs(dict(sorted(states.items())))),
        sum(backfill.outcome().falls_short for backfill in backfills),
        sum(backfill.total or 0 for backfill in backfills),
        sum(backfill.completed or 0 for backfill in backfills),
        sum(backfill.failed or 0 for backfill in backfills),
    )


def doctor_registries(report: DoctorDocument) -> Table:
    """Returns a row for each registry; the problems of the run itself come first, in rows without
    account and region."""
    columns = (
        "fleet",
        "account",
        "region",
        "problems",
        "failed",
        "unknown",
        "messages",
        "remedies",
    )
    return Table(columns, ((report.fleet, *row) for row in _examined(report)))


def _examined(report: DoctorDocument) -> Iterator[tuple[Cell, ...]]:
    problems: dict[Registry, list[FleetProblemDocument]] = defaultdict(list)
    for problem in report.problems:
        if not problem.accounts:
            yield (None, None, problem.kind, None, None, problem.message, one_line(problem.remedy))
        for account, region in product(problem.accounts, problem.regions):
            problems[Registry(account, region)].append(problem)
    for examined in report.registries:
        having = problems[examined.registry]
        by_state = {
            state: " ".join(name for name, result in examined.checks.items() if result is state)
            for state in (CheckState.FAILED, CheckState.UNKNOWN)
        }
        yield (
            *(examined.account, examined.region),
            " ".join(problem.kind for problem in having),
            *by_state.values(),
            "; ".join(problem.message for problem in having),
            "; ".join(one_line(problem.remedy) for problem in having),
        )


def accounts_table(document: AccountsDocument) -> Table:
    """Returns a row for each account; lists are separated by blanks, and labels spelled
    `env=prod`."""
    columns = (
        *("id", "name", "state", "regions", "role", "labels"),
        *("id_from", "name_from", "state_from", "regions_from", "labels_from", "joining_until"),
    )
    return Table(columns, map(_account, document.accounts))


def _account(account: FleetAccountDocument) -> tuple[Cell, ...]:
    origins = account.origins
    return (
        *(account.id, account.name, account.state, " ".join(account.regions), account.role),
        pairs(account.labels),
        *(origins.id, origins.name, origins.state, origins.regions, pairs(origins.labels)),
        given(account.joining_until),
    )


def error_cells(error: ErrorDocument | None) -> tuple[Cell, ...]:
    """Returns the cells of the columns `ERROR`."""
    if error is None:
        return (None,) * len(ERROR)
    return (
        *(error.kind, error.operation, error.code, error.message),
        *(error.request_id, one_line(error.hint or "")),
    )
