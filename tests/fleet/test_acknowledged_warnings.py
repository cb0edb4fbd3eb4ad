"""Warnings that the inventory acknowledges are counted and not listed, wherever warnings are."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Selection, describe_fleet, load_inventory
from fleet_repl.inventory import ACKNOWLEDGEABLE, Account, Acknowledgement, Inventory
from fleet_repl.planning.acknowledgements import OF_PLANS, noted
from fleet_repl.planning.plan import Warning
from fleet_repl.reports.documents.graph import graph_document
from fleet_repl.reports.documents.plan import parse_plan, plan_document
from fleet_repl.reports.documents.report import parse_report, report_document
from fleet_repl.reports.documents.writer import json_text
from fleet_repl.reports.graph import dot_text, graph_of
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.topology import connect
from fleet_repl.values.names import AccountId, Region

KINDS = ("no-room", "not-transitive")
SUBJECTS = ("golden", "team", "1" * 12, "2" * 12)

groups = st.frozensets(st.sampled_from(SUBJECTS), max_size=3)
warnings = st.builds(
    Warning,
    kind=st.sampled_from(KINDS),
    message=st.just("look at this"),
    about=st.lists(groups, max_size=2).map(tuple),
)
acknowledgements = st.builds(
    Acknowledgement,
    kind=st.sampled_from(KINDS),
    subject=st.none() | st.sampled_from((*SUBJECTS, "build")),
)


def inventory_of(*acknowledged: Acknowledgement) -> Inventory:
    account = Account(
        id=AccountId("1" * 12), name="build", regions=(Region("eu-west-1"),), role=None
    )
    return Inventory(
        path="prod.toml",
        digest=f"sha256:{'a' * 64}",
        name="prod",
        accounts=(account,),
        acknowledged=acknowledged,
    )


def about(kind: str, *groups: Collection[str]) -> Warning:
    return Warning(kind=kind, message="look at this", about=tuple(map(frozenset, groups)))


@given(raised=st.lists(warnings, max_size=6), known=st.lists(acknowledgements, max_size=5))
def test_each_warning_is_listed_or_counted(
    raised: list[Warning], known: list[Acknowledgement]
) -> None:
    """None gets lost, none is told that is known as a whole kind, and each acknowledgement is of
    use or told of once."""
    left, count = noted(raised, inventory_of(*known), judged=OF_PLANS)
    listed = [warning for warning in left if warning.kind != "acknowledged-nothing"]
    assert len(listed) + count == len(raised)
    assert all(item in raised for item in listed)
    whole = {warning.kind for warning in known if warning.subject is None}
    assert not [warning for warning in listed if warning.kind in whole]
    vain = [warning.message for warning in left if warning.kind == "acknowledged-nothing"]
    assert len(vain) == len(set(vain))
    assert not raised or len(vain) < len(known) or count == 0
    if not raised:
        assert len(vain) == len(set(known))


@pytest.mark.parametrize(
    ("warning", "known", "is_known"),
    [
        (about("no-room", {"1" * 12}), ["no-room"], True),
        (about("no-room", {"1" * 12}), ["no-room:build"], True),
        (about("no-room", {"1" * 12}), ["no-room:111111111111"], True),
        (about("no-room", {"1" * 12, "2" * 12}), ["no-room:build"], False),
        (about("no-room", {"1" * 12, "2" * 12}), ["no-room:build", "no-room:222222222222"], True),
        (about("not-transitive", {"team"}, {"golden"}), ["not-transitive:golden"], True),
        (about("not-transitive", {"team"}, {"golden"}), ["not-transitive:team"], True),
        (about("denied", {"OrgPerimeter"}, {"2" * 12}), ["denied:OrgPerimeter"], True),
        (about("denied", {"OrgPerimeter"}, {"2" * 12}), ["no-room"], False),
        (about("denied"), ["denied:OrgPerimeter"], False),
    ],
)
def test_what_an_acknowledgement_is_about(
    warning: Warning, known: list[str], *, is_known: bool
) -> None:
    """A kind, a route, a Sid, an account by id or name; several accounts only all together."""
    listed = []
    for text in known:
        kind, _, subject = text.partition(":")
        listed.append(Acknowledgement(kind=kind, subject=subject or None))
    left, count = noted([warning], inventory_of(*listed), judged=OF_PLANS)
    assert count == int(is_known)
    assert (warning in left) is not is_known


def test_one_that_matches_nothing_is_reported_where_that_is_known() -> None:
    """Of kinds of which somebody has seen every warning, and of no others."""
    known = inventory_of(
        Acknowledgement(kind="not-transitive", subject="golden"), Acknowledgement(kind="no-room")
    )
    left, count = noted([], known, judged={"not-transitive"})
    assert count == 0
    (warning,) = left
    assert (warning.kind, warning.message) == (
        "acknowledged-nothing",
        (
            'acknowledged has "not-transitive:golden", and no warning is about that; take it out, '
            "so that no later warning is missed"
        ),
    )


@pytest.mark.parametrize("others", [False, True])
def test_one_is_of_no_use_where_all_warnings_of_its_kind_are_about_others(*, others: bool) -> None:
    """It would hide a later warning that nobody knows of. One that names some of the accounts of
    a warning is not in vain: who has yet to name the rest must not be told to take it out."""
    warning = about("no-room", {"2" * 12} if others else {"1" * 12, "2" * 12})
    left, count = noted(
        [warning], inventory_of(Acknowledgement(kind="no-room", subject="build")), judged=OF_PLANS
    )
    assert count == 0
    kinds = ["no-room", "acknowledged-nothing"] if others else ["no-room"]
    assert [warning.kind for warning in left] == kinds


def test_every_kind_of_the_page_can_be_acknowledged_or_is_about_one_run() -> None:
    """A new kind has to be put on one side."""
    page = Path(__file__).parents[2].joinpath("docs/how-it-works.md").read_text(encoding="utf-8")
    table = page.partition("\n## Warnings\n")[2].partition("\n## ")[0]
    kinds = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    of_runs = {"unfinished-run", "unreadable-state", "not-recorded", "unset-variable"}
    of_rollbacks = {"grants-in-use", "grants-taken", "ungranted", "foreign-rules"}
    of_discoveries = {
        *("not-discovered", "cached-discovery", "discovery-not-kept", "unknown-regions"),
        "joining",
    }
    about_one_run = of_runs | of_rollbacks | of_discoveries
    assert kinds - about_one_run - {"acknowledged-nothing"} == OF_PLANS
    assert set(ACKNOWLEDGEABLE) == {*OF_PLANS, "unlinked"}


async def test_a_plan_and_its_report_count_what_is_known() -> None:
    """In text and documents, which are read back as they are."""
    more = '[warnings]\nacknowledged = ["not-transitive:1>2 base/", "no-room"]\n'
    text = fleet_text("1>2 base/", "2>3 base/", more=more)
    async with simulate(text) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        report = await fleet.apply(plan)
    assert [warning.kind for warning in plan.warnings] == ["acknowledged-nothing"]
    assert plan.acknowledged == report.acknowledged == 1
    assert "\n1 warning acknowledged\n" in plan_text(plan)
    assert parse_plan(json_text(plan_document(plan)).encode(), "plan").acknowledged == 1
    assert parse_report(json_text(report_document(report)).encode(), "report").acknowledged == 1


async def test_a_part_of_a_fleet_judges_no_acknowledgement() -> None:
    """Whether a warning is about a registry that was not looked at, nobody knows."""
    more = '[warnings]\nacknowledged = ["no-room"]\n'
    async with simulate(fleet_text("1>2 base/", more=more)) as aws, aws.connected() as fleet:
        part = await fleet.plan(selection=Selection(accounts=(aws.at(1).account,)))
        whole = await fleet.plan()
    assert part.warnings == ()
    assert [warning.kind for warning in whole.warnings] == ["acknowledged-nothing"]


def test_validate_and_graph_count_what_is_known(tmp_path: Path) -> None:
    """Offline too."""
    path = tmp_path / "fleet.toml"
    more = '[warnings]\nacknowledged = ["not-transitive", "unlinked:000000000004"]\n'
    path.write_text(fleet_text("1>2 base/", "2>3 base/", more=more))
    inventory = load_inventory(path)
    summary = describe_fleet(inventory)
    assert (summary.warnings, summary.acknowledged) == ((), 1)
    graph = graph_of(inventory, connect(inventory))
    assert (graph.warnings, graph.acknowledged) == ((), 2)
    assert graph_document(graph)["acknowledged"] == 2
    assert "// 2 warnings acknowledged" in dot_text(graph)
