"""What doctor, verify, backfill and accounts have to say, in the formats made of documents."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import NOON
from tests.support.command_line import BACKFILLS, COVERED, DELIVERED, EXAMINED
from tests.support.registries import registry_of

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.planning.discovery import Origin
from fleet_repl.planning.explain import Explanation
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.accounts import (
    AccountsDocument,
    FleetAccountDocument,
    OriginsDocument,
)
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.formats import ReportFormat, Rows
from fleet_repl.reports.render import Settings, render
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryState,
    LinkDelivery,
    PushedImage,
    UnreadRegistry,
)
from fleet_repl.runs.doctor import CheckState, FleetProblem, ProblemKind
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import AccountId, Region

BUILD, SPOKE, DARK = map(registry_of, "123")
FAULT = Fault(
    kind=FaultKind.ACCESS_DENIED,
    operation="DescribeRegistry",
    code="AccessDenied",
    message="no",
    request_id="7a1c",
    hint="allow it",
)
IMAGE = PushedImage(repository="base/app", digest="sha256:1", tags=("1",), pushed_at=NOON)
DELIVERY = replace(
    DELIVERED,
    sampled=2,
    links=(
        LinkDelivery(
            source=BUILD,
            source_name="build",
            destination=SPOKE,
            destination_name="spoke",
            external=False,
            prefixes=("base/",),
            routes=("golden",),
            state=DeliveryState.FAILED,
            images=(
                Delivery(
                    image=IMAGE, state=DeliveryState.FAILED, because="nobody lets it in", hint="ask"
                ),
                Delivery(image=IMAGE, state=DeliveryState.COMPLETE),
            ),
        ),
    ),
    unreadable=(UnreadRegistry(registry=DARK, name="dark", error=FAULT),),
)
DOCTOR = replace(
    EXAMINED,
    problems=(
        FleetProblem(kind=ProblemKind.CLOCK, message="the clock is off", remedy="set it:\nntp"),
        FleetProblem(
            kind=ProblemKind.READ_DENIED,
            accounts=(BUILD.account,),
            regions=(BUILD.region,),
            message="reads are denied",
            remedy="allow them",
        ),
    ),
    registries={BUILD: {"role": CheckState.OK, "ecr:DescribeRegistry": CheckState.FAILED}},
)
BACKFILL = replace(
    BACKFILLS,
    finished_at=NOON + timedelta(seconds=3),
    backfills=(
        replace(
            BACKFILLS.backfills[0], state=BackfillState.NOT_STARTED, because="no room", error=FAULT
        ),
    ),
)
ACCOUNTS = AccountsDocument(
    fleet="demo",
    organization=None,
    discovered_at=None,
    accounts=(
        FleetAccountDocument(
            id=AccountId("1" * 12),
            name="=build",
            regions=(Region("eu-west-1"), Region("us-east-1")),
            labels={"env": "prod"},
            role=None,
            state="active",
            origins=OriginsDocument(
                id=Origin.FILE,
                name=Origin.FILE,
                regions=Origin.FILE,
                state=Origin.FILE,
                labels={"env": Origin.FILE},
            ),
        ),
    ),
    warnings=(),
)

EXPLAINED = Explanation(
    image=ImageName.parse("base/go"),
    fleet="demo",
    names={},
    live=False,
    carried=(),
    not_carried=(),
)


def written(value: Documented, format_: ReportFormat, rows: Rows = Rows.REGISTRIES) -> str:
    """The document in a format."""
    return "".join(render(value, format_, Settings(rows=rows)))


def table(value: Documented, rows: Rows = Rows.REGISTRIES) -> list[dict[str, str]]:
    """The rows of a document, with the columns that are not empty."""
    reader = csv.DictReader(io.StringIO(written(value, ReportFormat.CSV, rows)), strict=True)
    return [{key: value for key, value in row.items() if value not in ("", "0")} for row in reader]


def findings(value: Documented) -> list[tuple[str, str]]:
    """Rule and message of each result."""
    log: Any = json.loads(written(value, ReportFormat.SARIF))
    return [(result["ruleId"], result["message"]["text"]) for result in log["runs"][0]["results"]]


def test_images_as_rows() -> None:
    """Of sources and of registries that could not be read; or of links."""
    error = {
        "error": "access-denied",
        "operation": "DescribeRegistry",
        "code": "AccessDenied",
        "message": "no",
        "request_id": "7a1c",
        "remedy": "allow it",
    }
    head = {"fleet": "demo", "run": "run", "region": "eu-west-1"}
    assert table(DELIVERY) == [
        {
            **head,
            "account": BUILD.account,
            "name": "build",
            "links": "1",
            "links_failed": "1",
            "images": "2",
        },
        {**head, "account": DARK.account, "name": "dark", **error},
    ]
    [link] = table(DELIVERY, Rows.LINKS)
    assert (link["images"], link["images_failed"], link["images_complete"]) == ("2", "1", "1")
    assert (link["because"], link["remedy"]) == ("nobody lets it in", "ask")


def test_images_as_a_page() -> None:
    """The links that images have not arrived on, with what to do."""
    text = written(DELIVERY, ReportFormat.MD)
    assert text.startswith(
        "Looked for 2 images on 1 link of demo: images have not arrived on 1, 1 registry could "
        "not be read.\n"
    )
    assert (
        "| <code>111111111111 eu-west-1 (build)</code> → <code>222222222222 eu-west-1 "
        "(spoke)</code> | failed | 1 of 2 | nobody lets it in<br>→ ask |"
    ) in text


def test_images_as_findings() -> None:
    """A link on which images have not arrived, and a registry that could not be read."""
    assert findings(DELIVERY) == [
        (
            "access-denied",
            (
                "333333333333/eu-west-1 (dark): DescribeRegistry: no (AccessDenied) "
                "\\[request 7a1c\\]\nallow it"
            ),
        ),
        (
            "images-failed",
            (
                "1 of 2 images have not arrived from 111111111111/eu-west-1 (build) at "
                "222222222222/eu-west-1 (spoke): nobody lets it in\nask"
            ),
        ),
    ]


def test_an_examination() -> None:
    """Problems of the run itself first."""
    assert table(DOCTOR) == [
        {
            "fleet": "demo",
            "problems": "clock",
            "messages": "the clock is off",
            "remedies": "set it: ntp",
        },
        {
            "fleet": "demo",
            "account": BUILD.account,
            "region": "eu-west-1",
            "problems": "read-denied",
            "failed": "ecr:DescribeRegistry",
            "messages": "reads are denied",
            "remedies": "allow them",
        },
    ]
    assert written(DOCTOR, ReportFormat.MD) == (
        "Examined 1 registry of demo: 2 problems.\n\n"
        "### Problems\n\n"
        "- **clock**: the clock is off<br>→ set it:<br><code>ntp</code>\n"
        "- **read-denied** (1 account in <code>eu-west-1</code>: <code>111111111111</code>): "
        "reads are denied<br>→ allow them\n"
    )
    assert findings(DOCTOR) == [
        ("clock", "the clock is off\nset it:\nntp"),
        ("read-denied", "111111111111/eu-west-1: reads are denied\nallow them"),
    ]


def test_backfills() -> None:
    """Those that fall short."""
    [row] = table(BACKFILL)
    assert (row["backfills"], row["states"], row["falling_short"]) == ("1", "not-started=1", "1")
    [link] = table(BACKFILL, Rows.LINKS)
    assert (link["state"], link["because"], link["error"]) == (
        *("not-started", "no room"),
        "access-denied",
    )
    assert "| not-started |  | 0 | DescribeRegistry: access-denied: no<br>→ allow it |" in written(
        BACKFILL, ReportFormat.MD
    )
    [(rule, _)] = findings(BACKFILL)
    assert rule == "backfill-short"


def test_accounts() -> None:
    """A row and a line for each, and no cell that a spreadsheet calculates."""
    [row] = table(ACCOUNTS)
    assert (row["name"], row["regions"], row["labels"], row["labels_from"]) == (
        *("'=build", "eu-west-1 us-east-1"),
        *("env=prod", "env=file"),
    )
    assert (
        "| <code>111111111111</code> | <code>&#61;build</code> | active | "
        "<code>eu-west-1</code> <code>us-east-1</code> | <code>env&#61;prod</code> |"
    ) in written(ACCOUNTS, ReportFormat.MD)
    assert findings(ACCOUNTS) == []


def test_the_page_has_every_column(plan: Plan, report: Report) -> None:
    """In their order, which is a promise."""
    page = Path(__file__).parents[2].joinpath("docs/report.md").read_text(encoding="utf-8")
    rows = page.partition("| of | columns |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()
    documented = [re.findall(r"`([^`]+)`", row.split("|")[2]) for row in rows]
    values: list[Documented] = [plan, report, DELIVERY, BACKFILL, DOCTOR, ACCOUNTS, COVERED]
    headers = [written(value, ReportFormat.CSV) for value in values]
    headers += [
        written(value, ReportFormat.CSV, Rows.LINKS)
        for value in (plan, DELIVERY, BACKFILL, COVERED, EXPLAINED)
    ]
    assert documented == [header.partition("\r\n")[0].split(",") for header in headers]


@pytest.mark.parametrize("value", [DELIVERY, DOCTOR, BACKFILL, ACCOUNTS])
@pytest.mark.parametrize("format_", [ReportFormat.MD, ReportFormat.CSV, ReportFormat.SARIF])
def test_without_anything_to_say(value: Documented, format_: ReportFormat) -> None:
    """An empty document renders, too."""
    empty: dict[str, Any] = {
        "links": (),
        "unreadable": (),
        "problems": (),
        "registries": {},
        "backfills": (),
        "accounts": (),
    }
    if isinstance(value, AccountsDocument):
        bare: Documented = AccountsDocument(
            fleet="demo", organization=None, discovered_at=None, accounts=(), warnings=()
        )
    else:
        fields = {key: item for key, item in empty.items() if hasattr(value, key)}
        bare = replace(value, **fields)  # type: ignore[type-var]
    assert written(bare, format_)
