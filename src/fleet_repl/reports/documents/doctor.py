"""The examination of a fleet as the JSON document `fleet-repl/doctor/1`. Pure; the keys are a
promise."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from fleet_repl.reports.documents.member_types import UNIQUE, Account, Count, RegionName
from fleet_repl.reports.documents.reader import Document
from fleet_repl.reports.documents.shared import PlaceDocument, recast
from fleet_repl.reports.documents.writer import as_json
from fleet_repl.runs.doctor import CheckState, DoctorReport, ProblemKind
from fleet_repl.values.canonical_json import JsonObject

DOCTOR_SCHEMA: Final = "fleet-repl/doctor/1"

Seconds: TypeAlias = Annotated[float, Meta(ge=0)]


class StsDocument(Document, frozen=True):
    """What the fleet takes from the quota of STS."""

    accounts: Annotated[Count, Meta(description="Accounts with a role to assume.")]
    rate: Annotated[
        float, Meta(gt=0, description="AssumeRole calls per second, as [apply] sts_rate has it.")
    ]
    seconds: Annotated[Seconds, Meta(description="What assuming every role takes at that rate.")]
    measured: Annotated[
        Count, Meta(description="The most AssumeRole calls in a second of this run.")
    ]
    throttled: Annotated[Count, Meta(description="Calls that STS refused as too many.")]


class WayDocument(Document, frozen=True):
    """The way to AWS that settings lay out."""

    endpoints: Annotated[
        tuple[str, ...], Meta(description="In place of AWS's own; without secrets.")
    ]
    proxy: Annotated[str | None, Meta(description="Without a user and a password.")]
    dual_stack: bool


class StateDocument(Document, frozen=True):
    """The state location, as far as it can be known without a write."""

    location: str
    readable: CheckState
    writable: CheckState
    conditional_writes: CheckState
    lock: Annotated[str | None, Meta(description="Its holder; null where nobody holds it.")]
    frozen: Annotated[
        str | None, Meta(description="Who froze the fleet, when and why; null where nobody did.")
    ]


class BaseDocument(Document, frozen=True):
    """What the run stands on: the base identity, its way to AWS, and the state."""

    arn: str
    account: Account
    kind: Annotated[str, Meta(description="user, sso, assumed-role, federated-user or root.")]
    seconds_left: Annotated[
        float | None,
        Meta(description="Until its credentials end; null where nobody says that they do."),
    ]
    longest_session_seconds: Annotated[
        Count, Meta(description="How long a session of a role can last at the most.")
    ]
    clock_ahead_seconds: Annotated[
        float | None,
        Meta(description="This machine's clock before AWS's; null where AWS named no time."),
    ]
    sts: StsDocument
    way: WayDocument
    state: StateDocument
    notes: Annotated[tuple[str, ...], Meta(description="What is no problem, and good to know.")]


class FleetProblemDocument(Document, frozen=True):
    """The same problem of each of the accounts in each of the regions; of neither for one of the
    run itself."""

    kind: ProblemKind
    accounts: Annotated[tuple[Account, ...], Meta(extra_json_schema=UNIQUE)]
    regions: Annotated[tuple[RegionName, ...], Meta(extra_json_schema=UNIQUE)]
    message: str
    remedy: Annotated[
        str,
        Meta(
            description="What to do, and on lines of its own what to run or to paste. ACCOUNT and "
            "REGION stand for the account and the region."
        ),
    ]


class ExaminedDocument(PlaceDocument, frozen=True):
    """The checks of a registry."""

    checks: Annotated[
        dict[str, CheckState],
        Meta(
            description="role, account and region, then the IAM actions that the registry needs.",
            extra_json_schema={"required": ["role", "account", "region"]},
        ),
    ]


class DoctorDocument(Document, frozen=True, kw_only=True, tag_field="schema", tag=DOCTOR_SCHEMA):
    """Whether every account can be reached, read and, as far as IAM tells, written."""

    fleet: str
    base: BaseDocument
    problems: Annotated[
        tuple[FleetProblemDocument, ...],
        Meta(description="Those of the run itself, then those of most accounts first."),
    ]
    registries: Annotated[tuple[ExaminedDocument, ...], Meta(description="By account and region.")]

    @classmethod
    def of(cls, report: DoctorReport) -> DoctorDocument:
        return cls(
            fleet=report.fleet,
            base=_base(report),
            problems=tuple(recast(problem, FleetProblemDocument) for problem in report.problems),
            registries=tuple(
                ExaminedDocument(*registry, dict(checks))
                for registry, checks in report.registries.items()
            ),
        )


def _base(report: DoctorReport) -> BaseDocument:
    base, sts = report.base, report.sts
    return BaseDocument(
        arn=base.arn,
        account=base.account,
        kind=base.kind,
        seconds_left=_rounded(base.seconds_left),
        longest_session_seconds=report.session_seconds,
        clock_ahead_seconds=_rounded(base.clock_ahead),
        sts=StsDocument(
            accounts=sts.accounts,
            rate=sts.rate,
            seconds=round(sts.seconds, 3),
            measured=sts.measured,
            throttled=sts.throttled,
        ),
        way=recast(base.way, WayDocument),
        state=recast(report.state, StateDocument),
        notes=report.notes,
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def doctor_document(report: DoctorReport) -> JsonObject:
    """Returns the document `fleet-repl/doctor/1` of a report."""
    return as_json(DoctorDocument.of(report))
