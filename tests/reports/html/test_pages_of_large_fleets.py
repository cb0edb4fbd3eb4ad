"""The page of a large fleet: its problems and its sums, and where the rest is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.reports.html.test_pages_of_checks import account, accounts_of, link, verification
from tests.support.changes import change_of
from tests.support.command_line import BACKFILLS, EXAMINED
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.formats import Rows
from fleet_repl.reports.html import cut_rows, html_pieces, page_of
from fleet_repl.reports.html.matrix import MOST as MOST_PLACES
from fleet_repl.reports.html.table import DIFF_LINES, MOST
from fleet_repl.reports.to_json import Document
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.runs.doctor import CheckState
from fleet_repl.values.errors import Fault, FaultKind

DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no", hint="trust us")
REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
HUB = registry_of(1, "us-east-1")


def planned(number: int, state: State = State.UNCHANGED) -> RegistryPlan:
    registry = registry_of(number, REGIONS[number % 3])
    return RegistryPlan(registry=registry, name=f"account-{number}", state=state)


def spokes(number: int) -> tuple[RegistryPlan, ...]:
    """A hub with links to so many registries, the last of which is new."""
    others = [planned(nth) for nth in range(2, number + 2)]
    last = others[-1].registry
    change = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before=None,
        after={"rules": [{"number": nth} for nth in range(number)]},
        links_added=(LinkEnd(registry=last, prefixes=("",), routes=("golden",)),),
    )
    owned = Applied(links={other.registry: ("",) for other in others})
    hub = RegistryPlan(
        registry=HUB, name="hub", state=State.CHANGED, changes=(change,), owned=owned
    )
    return (hub, *others)


def test_problems_come_first_and_the_rest_is_said_to_be_elsewhere() -> None:
    """Of 20,000 registries a page lists 2,000, all that failed among them."""
    failed = [
        replace(planned(number, State.UNREADABLE), error=DENIED) for number in range(19_000, 20_000)
    ]
    page = page_of(plan_of(*map(planned, range(19_000)), *failed))
    assert len(page.table.rows) == MOST
    assert {row.mark.word for row in page.table.rows[:1000]} == {"unreadable"}
    assert page.table.rows[1000].mark.word == "as wanted"
    assert page.table.cut == (
        "2,000 of 20,000 registries are listed, those with problems or changes first."
    )
    (problem,) = page.problems
    assert problem.title == "AssumeRole failed: 1,000 registries in 1,000 accounts"
    assert (len(problem.examples), problem.more) == (5, 995)


def shown(html: str) -> str:
    """What a page says of the rows that it leaves out, in HTML."""
    return html.partition('<p class="cut">')[2].partition("</p>")[0]


def test_a_page_links_to_the_csv_beside_it() -> None:
    """Whatever its name, the link is one to a file in the same folder; a page on stdout says how to
    get such a file."""
    plan = plan_of(*map(planned, range(1, MOST + 2)))
    said = "2,000 of 2,001 registries are listed, those with problems or changes first. "
    assert shown("".join(html_pieces(plan))) == (
        f"{said}With --report FILE.html, a CSV with every one of them is written beside the page."
    )
    names = {
        "run.csv": '<a href="./run.csv">run.csv</a>',
        "javascript:alert(1) <i>.csv": '<a href="./javascript%3Aalert%281%29%20%3Ci%3E.csv">'
        "javascript:alert(1) &lt;i&gt;.csv</a>",
        "\udcff.csv": '<a href="./%FF.csv">\\udcff.csv</a>',
    }
    for name, anchor in names.items():
        html = "".join(html_pieces(plan, name))
        assert shown(html) == f"{said}Every one of them is in {anchor} beside this page."
        assert html.encode()


@pytest.mark.parametrize("number", [MOST, MOST + 1])
def test_a_page_has_a_csv_beside_it_if_it_leaves_rows_out(number: int) -> None:
    """The rows of the CSV are those of the table: registries, or links."""
    plan = plan_of(*map(planned, range(1, number + 1)))
    registries = {planned.registry: {"role": CheckState.OK} for planned in plan.registries}
    documents: list[tuple[Document | AccountsDocument, Rows]] = [
        (plan, Rows.REGISTRIES),
        (replace(EXAMINED, registries=registries), Rows.REGISTRIES),
        (accounts_of(*[account()] * number), Rows.REGISTRIES),
        (verification(*[link(DeliveryState.COMPLETE)] * number), Rows.LINKS),
        (replace(BACKFILLS, backfills=BACKFILLS.backfills * number), Rows.LINKS),
    ]
    for document, rows in documents:
        page = page_of(document)
        assert len(page.table.rows) == MOST
        assert cut_rows(document) == (None if number == MOST else rows)
        assert (page.table.cut is None) == (number == MOST)


def test_an_axis_of_many_registries_has_a_place_for_each_region() -> None:
    """The hub is a place of its own, because it is the only source."""
    matrix = page_of(plan_of(*spokes(300))).matrix
    assert matrix is not None
    assert [row.heading.name for row in matrix.rows] == ["hub"]
    assert [(column.group, column.name) for column in matrix.columns] == [
        (region, "100 registries") for region in REGIONS
    ]
    found = [(cell.mark.word, cell.number) for cell in matrix.rows[0].cells if cell is not None]
    assert sorted(found) == [("added", 1), ("in place", 100), ("in place", 100)]
    lines = next(cell.lines for cell in matrix.rows[0].cells if cell and cell.number == 1)
    assert (lines[0], lines[-1]) == ("1 added, 99 in place", "and 94 more")
    assert len(page_of(plan_of(*spokes(MOST_PLACES))).matrix.columns) == MOST_PLACES  # type: ignore[union-attr]


def test_up_to_sixty_registries_are_drawn() -> None:
    """With a box for each, and an arrow for each link."""
    drawing = page_of(plan_of(*spokes(59))).drawing
    assert drawing is not None
    assert (len(drawing.boxes), len(drawing.arrows)) == (60, 59)
    assert drawing.text == "60 registries and 59 links between them"
    assert page_of(plan_of(*spokes(60))).drawing is None


def test_differences_are_left_out_once_a_page_has_enough_of_them() -> None:
    """And each row that has none says where its difference is."""
    change = spokes(200)[0].changes[0]
    changed = [
        replace(planned(number, State.CHANGED), changes=(change,)) for number in range(2, 402)
    ]
    page = page_of(plan_of(*changed))
    lengths = [len(block.diff) for row in page.table.rows for block in row.blocks]
    assert sum(lengths) < DIFF_LINES + len(changed)
    assert lengths[0] > 1
    assert page.table.rows[-1].blocks[0].diff[0].text == (
        "left out of this page; the JSON document has it"
    )


def test_a_page_of_a_hundred_thousand_registries_is_small() -> None:
    """A browser opens two megabytes at once; the JSON document has fifty."""
    html = "".join(html_pieces(plan_of(*map(planned, range(1, 100_001)))))
    assert len(html) < 2_000_000
