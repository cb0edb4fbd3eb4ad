"""The whole document of a value, for the formats that are made of documents.

A renderer sees nothing but the document, so that a document of another day or machine looks the
same. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar, overload

from msgspec.structs import replace

from fleet_repl.planning.explain import Explanation
from fleet_repl.planning.fleet_summary import FleetSummary
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.documents.backfill import BackfillReportDocument
from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.registry_outcomes import RegistryOutcomeDocument
from fleet_repl.reports.documents.registry_plans import RegistryDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import DoctorReport
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.errors import InventoryError

_Value = TypeVar("_Value")
_Item = TypeVar("_Item")

WholeDocument: TypeAlias = (
    PlanDocument
    | ReportDocument
    | DeliveryDocument
    | BackfillReportDocument
    | DoctorDocument
    | ExplanationDocument
    | CoverageDocument
    | AccountsDocument
    | ValidateDocument
)
"""A document with everything in it."""
Documented: TypeAlias = (
    Plan
    | Report
    | DeliveryReport
    | BackfillReport
    | DoctorReport
    | Explanation
    | CoverageReport
    | AccountsDocument
    | FleetSummary
    | InventoryError
)
"""A value that has such a document, or that is one."""


def document_of(value: Documented) -> WholeDocument:
    """Returns the whole document of a value. Its registries are made one by one, as they are read:
    a list of a hundred thousand is never held twice."""
    document: WholeDocument
    match value:
        case Plan():
            plans: object = _Made(RegistryDocument.of, value.registries)
            document = replace(PlanDocument.of(value), registries=plans)
        case Report():
            outcomes: object = _Made(RegistryOutcomeDocument.of, value.registries)
            document = replace(ReportDocument.of(value), registries=outcomes)
        case DeliveryReport():
            document = DeliveryDocument.of(value)
        case BackfillReport():
            document = BackfillReportDocument.of(value)
        case DoctorReport():
            document = DoctorDocument.of(value)
        case Explanation():
            document = ExplanationDocument.of(value)
        case CoverageReport():
            document = CoverageDocument.of(value)
        case FleetSummary():
            document = ValidateDocument.of(value)
        case InventoryError():
            document = ValidateDocument.of_problems(value.problems)
        case _:
            document = value
    return document


class _Made(Sequence[_Item], Generic[_Value, _Item]):
    """A sequence whose items are made of values, each time that they are read."""

    def __init__(self, make: Callable[[_Value], _Item], values: Sequence[_Value]) -> None:
        self._make = make
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[_Item]:
        return map(self._make, self._values)

    @overload
    def __getitem__(self, index: int) -> _Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...

    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        if isinstance(index, slice):
            return _Made(self._make, self._values[index])
        return self._make(self._values[index])
