"""What the pages of verifications, backfills, examinations and accounts show, word by word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from tests.support.clock import NOON
from tests.support.plans import PROD
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome, BackfillState
from fleet_repl.planning.discovery import Origin
from fleet_repl.reports.documents.accounts import (
    AccountsDocument,
    FleetAccountDocument,
    OriginsDocument,
)
from fleet_repl.reports.documents.shared import WarningDocument
from fleet_repl.reports.html import html_pieces, page_of
from fleet_repl.reports.html.model import Fact
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageState,
    Gap,
    ImageInUse,
    InUse,
    LinkCoverage,
    RouteCoverage,
    Runtime,
    Tally,
    Unasked,
    Unrouted,
    Workload,
)
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    PushedImage,
)
from fleet_repl.runs.doctor import (
    BaseIdentity,
    CheckState,
    DoctorReport,
    FleetProblem,
    ProblemKind,
    StateExamination,
    StsUse,
)
from fleet_repl.runs.outcomes import BackfillMode, BackfillReport, Status
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import AccountId

BUILD = registry_of("1", "us-east-1")
SHOP, DARK = map(registry_of, "23")
OK, FAILED, UNKNOWN = CheckState.OK, CheckState.FAILED, CheckState.UNKNOWN


def link(state: DeliveryState, *images: Delivery, joining: str | None = None) -> LinkDelivery:
    return LinkDelivery(
        source=BUILD,
        source_name="build",
        destination=SHOP,
        destination_name="shop",
        external=False,
        prefixes=("base/",),
        routes=("golden",),
        state=state,
        images=images,
        joining=joining,
    )


def verification(*links: LinkDelivery) -> DeliveryReport:
    return DeliveryReport(
        run_id="run",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=2),
        fleet="prod",
        inventory=PROD,
        count=5,
        age=timedelta(days=7),
        sources=1,
        sampled=2,
        links=links,
    )


def account(**facts: Any) -> FleetAccountDocument:
    """An account that the organization lists, whose label is a tag of it."""
    origins = OriginsDocument(
        id=Origin.ORGANIZATION,
        name=Origin.ORGANIZATION,
        regions=Origin.ACCOUNT,
        state=Origin.ORGANIZATION,
        labels={"env": Origin.TAG},
    )
    known: dict[str, Any] = {
        "id": AccountId("1" * 12),
        "name": "build",
        "regions": ("eu-west-1", "us-east-1"),
        "labels": {"env": "prod"},
        "role": "arn:aws:iam::111111111111:role/fleet-replication",
        "state": "active",
        "origins": origins,
    }
    return FleetAccountDocument(**known | facts)


def accounts_of(*accounts: FleetAccountDocument, **facts: Any) -> AccountsDocument:
    known: dict[str, Any] = {"organization": None, "discovered_at": None, "warnings": ()}
    return AccountsDocument(fleet="prod", accounts=accounts, **known | facts)


IMAGE = PushedImage(repository="base/go", digest="sha256:ab", tags=("1",), pushed_at=NOON)
ARRIVED = Delivery(image=IMAGE, state=DeliveryState.COMPLETE, seconds=12)
LOST = Delivery(
    image=IMAGE,
    state=DeliveryState.FAILED,
    code="DENIED",
    because="its registry policy does not grant it",
    hint="fleet-repl apply does that",
)


def test_a_verification() -> None:
    """Its cause and its remedy once for all images, and each image of a link with its state."""
    page = page_of(verification(link(DeliveryState.FAILED, ARRIVED, LOST)))
    assert page.sentence == (
        "1 of 2 deliveries arrived on 1 link of 1 source, half of them within 12.0 s; "
        "1 link with problems."
    )
    assert [(tile.number, tile.label) for tile in page.tiles] == [(1, "failed"), (0, "unreadable")]
    (problem,) = page.problems
    assert problem.title == "1 delivery: its registry policy does not grant it"
    assert problem.remedy == ("fleet-repl apply does that",)
    (row,) = page.table.rows
    assert row.summary == "→ shop, 222222222222, eu-west-1; 2 images"
    about, first, second = row.blocks
    assert about.note == "base/; route golden"
    assert (first.tone, Fact(term="AWS code", value="DENIED") in first.facts) == ("bad", True)
    assert Fact(term="Took", value="12.0 s") in second.facts


def test_a_link_of_a_joining_account_is_no_problem() -> None:
    """It has a state of its own, and says why."""
    page = page_of(verification(link(DeliveryState.UNKNOWN, joining="it came an hour ago")))
    assert [tile.label for tile in page.tiles if tile.number] == ["joining"]
    assert page.sentence == "0 of 0 deliveries arrived on 1 link of 1 source."
    assert page.table.rows[0].blocks[1].note == "it came an hour ago"


def test_backfills() -> None:
    """How far each came, and one problem for all destinations that are still without images."""
    copying = Backfill(
        id="b",
        destination=SHOP,
        status="IN_PROGRESS",
        started_at=NOON,
        total=40,
        completed=12,
    )
    denied = Fault(kind=FaultKind.ACCESS_DENIED, operation="StartReplication", message="no")
    outcome = BackfillOutcome(
        source=BUILD,
        source_name="build",
        destination=SHOP,
        destination_name="shop",
        state=BackfillState.IN_PROGRESS,
        started=True,
        backfill=copying,
    )
    failed = replace(
        outcome, destination=DARK, state=BackfillState.FAILED, backfill=None, error=denied
    )
    report = BackfillReport(
        run_id="run",
        status=Status.PARTIAL,
        started_at=NOON,
        finished_at=NOON,
        fleet="prod",
        inventory=PROD,
        route=None,
        mode=BackfillMode.START,
        backfills=(outcome, failed),
    )
    page = page_of(report)
    assert page.sentence == "2 backfills: 1 failed, 1 in progress; 2 started by this run."
    assert [problem.title for problem in page.problems] == ["1 destination still without images"]
    assert [(row.mark.word, row.summary) for row in page.table.rows] == [
        ("failed", "→ shop, 333333333333, eu-west-1: no numbers are known"),
        ("in progress", "→ shop, 222222222222, eu-west-1: 12 of 40 copies"),
    ]


@pytest.fixture
def examination() -> DoctorReport:
    """One registry that can be written, and one whose role is refused."""
    return DoctorReport(
        fleet="prod",
        started_at=NOON,
        finished_at=NOON,
        base=BaseIdentity(
            arn="arn:aws:iam::999999999999:user/ops",
            account=SHOP.account,
            seconds_left=None,
            clock_ahead=None,
        ),
        session_seconds=3600,
        sts=StsUse(accounts=2, rate=10, measured=2),
        state=StateExamination(location=".fleet-repl", readable=OK, writable=OK),
        problems=(
            FleetProblem(
                kind=ProblemKind.ROLE_REFUSED,
                accounts=(DARK.account,),
                regions=(DARK.region,),
                message="AccessDenied on AssumeRole",
                remedy="see that it exists:\nfleet-repl bootstrap prod.toml",
            ),
        ),
        notes=(),
        registries={
            SHOP: {"role": OK, "account": OK, "region": OK},
            DARK: {"role": FAILED, "account": UNKNOWN, "region": UNKNOWN},
        },
        names={SHOP.account: "shop", DARK.account: "dark"},
    )


def test_an_examination(examination: DoctorReport) -> None:
    """Registries against checks, and what to run or to paste."""
    page = page_of(examination)
    assert page.sentence == ("Examined 2 registries in 2 accounts; 1 problem, 1 account affected.")
    assert page.matrix is not None
    assert [column.name for column in page.matrix.columns] == ["role", "account", "region"]
    assert [
        (row.heading.name, [cell.mark.word for cell in row.cells if cell is not None])
        for row in page.matrix.rows
    ] == [("dark", ["failed", "unknown", "unknown"]), ("shop", ["ok", "ok", "ok"])]
    (problem,) = page.problems
    assert problem.remedy == ("see that it exists:", "fleet-repl bootstrap prod.toml")
    assert [(row.name, row.mark.word, row.summary) for row in page.table.rows] == [
        ("dark", "failed", "role failed, 2 checks unknown"),
        ("shop", "ok", ""),
    ]
    assert "To run or to paste" in "".join(html_pieces(examination))


def test_a_healthy_fleet(examination: DoctorReport) -> None:
    """It says what was found out, and nothing of problems."""
    healthy = replace(examination, problems=(), registries={SHOP: {"role": OK}})
    page = page_of(healthy)
    assert (page.status.word, page.problems) == ("healthy", ())
    assert page.sentence == (
        "Examined 1 registry in 1 account: every one can be reached, read and written, as far as "
        "IAM tells."
    )


def test_accounts() -> None:
    """Each with its state, its regions, and where each fact about it comes from."""
    until = "2026-11-23T20:00:00Z"
    joining = account(id=AccountId("2" * 12), name="shop", regions=(), joining_until=until)
    retired = account(id=AccountId("3" * 12), name="old", state="retired", role=None)
    warning = WarningDocument(kind="stale-accounts", message="a week old")
    page = page_of(
        accounts_of(
            *(account(), joining, retired),
            organization="o-1",
            discovered_at="2026-11-23T08:00:00Z",
            warnings=(warning,),
        )
    )
    assert (page.status.word, page.sentence) == ("1 warning", "3 accounts with 4 registries.")
    assert [(fact.term, fact.value) for fact in page.facts] == [
        ("Organization", "o-1"),
        ("Discovered", "2026-11-23T08:00:00Z"),
    ]
    assert [(tile.number, tile.label) for tile in page.tiles] == [
        *((1, "active"), (1, "joining"), (1, "retired"), (1, "warnings"))
    ]
    assert [(problem.kind, problem.title) for problem in page.problems] == [
        ("stale-accounts", "a week old")
    ]
    rows = page.table.rows
    assert [(row.name, row.mark.word, row.region, row.summary) for row in rows] == [
        ("shop", "joining", "", f"until {until}"),
        ("old", "retired", "eu-west-1, us-east-1", ""),
        ("build", "active", "eu-west-1, us-east-1", ""),
    ]
    assert {row.labels for row in rows} == {("env=prod",)}
    assert [fact.value for fact in rows[1].blocks[0].facts] == [
        "none: the base identity",
        *("organization", "organization", "organization", "account", "tag"),
    ]
    regions = next(choice for choice in page.table.choices if choice.name == "region")
    assert regions.options == ("eu-west-1", "us-east-1")
    html = "".join(html_pieces(accounts_of(account())))
    assert "<span>eu-west-1</span> <span>us-east-1</span>" in html
    assert page_of(accounts_of(account())).status.word == "listed"


LINK = LinkCoverage(
    source=BUILD,
    source_name="build",
    destination=SHOP,
    destination_name="shop",
    prefixes=("base/",),
    routes=("golden",),
    state=CoverageState.MISSING,
    repositories=Tally(2, 1, 0),
    images=Tally(10, 6, 1),
    gaps=tuple(
        Gap(repository=f"base/{n}", exists=n > 0, has_rule=True, missing=3, newest=(IMAGE,))
        for n in range(40)
    ),
)
USE = ImageInUse(
    registry=BUILD,
    name="build",
    image=ImageName(repository="base/go", digest=f"sha256:{0:064}"),
    tags=("1",),
    workloads=(Workload(Runtime.ECS, str(BUILD), "shop/service:web"),),
    copies=(),
    missing=(SHOP,),
    unknown=(),
)
COVERAGE = CoverageReport(
    run_id="run",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2),
    fleet="prod",
    inventory=PROD,
    with_images=True,
    routes=(
        RouteCoverage(
            name="golden",
            unmatched=("golden/",),
            sources=1,
            repositories=Tally(2, 1, 0),
            images=Tally(10, 6, 1),
            least=Fraction(2, 3),
            unknown=0,
            objective=Fraction(1),
            remedy="they need a backfill:\nfleet-repl backfill",
        ),
    ),
    links=(LINK, replace(LINK, destination=DARK, state=CoverageState.COMPLETE, gaps=())),
    unrouted=(Unrouted(registry=BUILD, name="build", repositories=("app", "team/a", "team/b")),),
    in_use=InUse(runtimes=(Runtime.ECS,), images=(USE,), elsewhere=3, unasked=()),
)


def test_what_is_missing_where() -> None:
    """A row for each link with its gaps, and everything that needs a look as a problem."""
    page = page_of(COVERAGE)
    assert page.sentence == ("Compared images on 2 links: 1 with gaps; 3 repositories in no route.")
    assert [(problem.kind, problem.title) for problem in page.problems] == [
        (
            "objective missed",
            (
                "golden: 6 of 10 images, 1 under way; objective 100% missed: 66.666% at the "
                "destination that has least"
            ),
        ),
        ("matches nothing", "golden: no repository of its 1 source"),
        ("in no route", "app: 1 repository"),
        ("in no route", "team/: 2 repositories"),
        ("nowhere else", f"if {BUILD.region} is gone: 1 of 1 running image"),
    ]
    assert page.problems[0].remedy == ("they need a backfill:", "fleet-repl backfill")
    assert page.table is not None
    first, second = page.table.rows
    assert (first.mark.word, second.mark.word) == ("missing", "complete")
    assert [block.title for block in first.blocks][:2] == ["Link", "base/0"]
    assert first.blocks[1].note == (
        "not there, 3 images missing, the newest :1 of 2026-11-23T12:00:00Z"
    )
    assert first.blocks[-1].note == "10 more repositories"
    assert "team/a" in "".join(html_pieces(COVERAGE))


def test_what_runs_somewhere_that_does_not_say() -> None:
    """A place without permission is no problem of red; without gaps there is nothing else."""
    fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="ListClusters", message="no")
    place = Unasked(runtime=Runtime.ECS, place=str(BUILD), error=fault)
    quiet = replace(
        COVERAGE,
        routes=(),
        links=(),
        unrouted=(),
        in_use=InUse(runtimes=(Runtime.ECS,), images=(), elsewhere=0, unasked=(place,)),
    )
    (problem,) = page_of(quiet).problems
    assert (problem.kind, problem.title) == ("not known", "what runs: 1 place")
    assert problem.examples == (f"ecs in {BUILD}: ListClusters: access-denied: no",)
