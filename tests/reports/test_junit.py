"""Plans and reports as a CI server reads them."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.junit import to_junit
from fleet_repl.runs.outcomes import Outcome, Report, Status, wave_outcomes

REPORT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites name="prod" tests="3" failures="1" errors="1" skipped="0" time="12.430">
  <testsuite name="prod" tests="3" failures="1" errors="1" skipped="0" time="12.430" \
timestamp="2026-11-23T12:00:00Z">
    <properties>
      <property name="run_id" value="20261123T120000Z-a1b2c3" />
      <property name="status" value="partial" />
      <property name="writes" value="2 applied, 0 unchanged, 1 failed, 0 skipped, 0 cancelled" />
      <property name="plan_digest" value="sha256:…" />
      <property name="inventory" value="inventories/prod.toml" />
    </properties>
    <testcase classname="prod" name="111111111111 us-east-1 (build)" time="0.212">
      <failure type="held" message="1 link is held">1 link is held
333333333333/eu-west-1 base/, golden/: 333333333333/eu-west-1 could not be read (access-denied)\
</failure>
    </testcase>
    <testcase classname="prod" name="222222222222 eu-west-1 (spoke)" time="4.000">
      <error type="conflict" message="PutReplicationConfiguration: conflict: the rules were \
changed since the plan was made">PutReplicationConfiguration: conflict: the rules were changed \
since the plan was made</error>
    </testcase>
    <testcase classname="prod" name="555555555555 eu-west-1 (555555555555)" time="0.090" />
  </testsuite>
</testsuites>
"""


HELD = (
    "333333333333/eu-west-1 base/, golden/: "
    "333333333333/eu-west-1 could not be read (access-denied)"
)


def verdicts(text: str) -> list[tuple[str, str | None, str | None]]:
    """Name, element and type of every case."""
    listed = []
    for case in ET.fromstring(text).iter("testcase"):
        verdict = next(iter(case), None)
        kind = None if verdict is None else verdict.get("type")
        listed.append((case.attrib["name"], None if verdict is None else verdict.tag, kind))
    return listed


def test_a_report_in_full(report: Report) -> None:
    """The whole document of a run over three registries."""
    first, second, *_, last = report.registries
    small = replace(report, plan_digest="sha256:…", registries=(first, second, last))
    assert to_junit(small) == REPORT


def test_each_outcome_has_its_element(report: Report) -> None:
    """Failed is an error, held a failure, skipped and cancelled are skipped."""
    last = replace(report.registries[4], outcome=Outcome.CANCELLED, because="interrupted")
    text = to_junit(replace(report, registries=(*report.registries[:4], last)))
    assert verdicts(text) == [
        ("111111111111 us-east-1 (build)", "failure", "held"),
        ("222222222222 eu-west-1 (spoke)", "error", "conflict"),
        ("333333333333 eu-west-1 (dark)", "error", "access-denied"),
        ("444444444444 eu-west-1 (old)", "skipped", "skipped"),
        ("555555555555 eu-west-1 (555555555555)", "skipped", "cancelled"),
    ]


def test_waves_have_cases_of_their_own(report: Report) -> None:
    """What a staged run has written is seen, and its rest is skipped, not failed."""
    build = report.registries[0]
    done = replace(build.changes[0], wave="canary")
    left = replace(done, wave="rest", outcome=Outcome.SKIPPED, because="it ends there")
    broken = replace(done, wave="early", outcome=Outcome.FAILED)
    first = replace(
        build, held=(), outcome=Outcome.PARTIAL, changes=(done, left), because="it ends there"
    )
    second = replace(report.registries[2], changes=(broken,))
    waves = wave_outcomes((first, second), ("canary", "idle", "early", "rest"))
    text = to_junit(
        replace(
            report, registries=(first, second), waves=waves, objections=(), status=Status.PARTIAL
        )
    )
    assert verdicts(text) == [
        ("111111111111 us-east-1 (build)", "skipped", "partial"),
        ("333333333333 eu-west-1 (dark)", "error", "access-denied"),
        ("wave canary", None, None),
        ("wave early", "failure", "failed"),
        ("wave rest", "skipped", "skipped"),
    ]
    partial, rest = ET.fromstring(text).iter("skipped")
    assert (partial.text or "").splitlines() == [
        "it ends there",
        "update replication-configuration (wave canary): applied",
        "update replication-configuration: skipped",
    ]
    assert (rest.text or "").splitlines() == [
        "0 applied, 0 unchanged, 0 failed, 1 skipped, 0 cancelled",
        "it ends there",
    ]
    properties = {
        element.get("name"): element.get("value")
        for element in ET.fromstring(text).iter("property")
    }
    assert properties["writes"] == "1 applied, 0 unchanged, 1 failed, 1 skipped, 0 cancelled"
    assert properties["wave canary"] == "1 applied, 0 unchanged, 0 failed, 0 skipped, 0 cancelled"


def test_a_failed_registry_names_its_held_links_too(report: Report) -> None:
    """One element for a case, and nothing of what is wrong with it lost."""
    held = report.registries[0].held
    both = replace(report.registries[2], held=held)
    [error] = ET.fromstring(to_junit(replace(report, registries=(both,)))).iter("error")
    assert error.text is not None
    assert error.text.splitlines()[1:] == [
        "check that the role exists and trusts the base identity",
        "1 link is held",
        HELD,
    ]


def test_a_refused_run_is_not_green(report: Report) -> None:
    """Each objection that was not overridden is a failure of its own."""
    refused = replace(report, status=Status.REFUSED, forced=False, registries=())
    assert verdicts(to_junit(refused)) == [("objection: foreign-rules", "failure", "foreign-rules")]
    assert verdicts(to_junit(replace(refused, forced=True))) == []


def test_a_plan_shows_drift(plan: Plan) -> None:
    """A registry that would be changed fails, one that cannot be read is an error."""
    text = to_junit(plan)
    assert verdicts(text) == [
        ("111111111111 us-east-1 (build)", "failure", "drift"),
        ("222222222222 eu-west-1 (spoke)", "failure", "drift"),
        ("333333333333 eu-west-1 (dark)", "error", "access-denied"),
        ("555555555555 eu-west-1 (555555555555)", None, None),
        ("objection: foreign-rules", "failure", "foreign-rules"),
    ]
    [first, *_] = ET.fromstring(text).iter("failure")
    assert first.text is not None
    assert first.text.splitlines() == [
        "it differs from the inventory",
        "update replication-configuration",
        "1 link is held",
        HELD,
    ]


@given(data=st.data())
def test_the_xml_is_valid_whatever_the_texts(
    data: DataObject, plans: SearchStrategy[Plan], reports: SearchStrategy[Report]
) -> None:
    """Characters that XML forbids never come through, and the counts add up."""
    for text in (to_junit(data.draw(plans)), to_junit(data.draw(reports))):
        suite = ET.fromstring(text.encode())[0]
        cases = list(suite.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases)
        for element, count in (("failure", "failures"), ("error", "errors"), ("skipped",) * 2):
            assert int(suite.attrib[count]) == len(list(suite.iter(element)))


def test_hostile_texts_are_spelled_out(report: Report) -> None:
    """A name with markup and controls in it is a name, not markup."""
    hostile = replace(report.registries[4], name='"><error/>\x00\x1b[2J\ufffe')
    assert verdicts(to_junit(replace(report, registries=(hostile,)))) == [
        ('555555555555 eu-west-1 ("><error/>\\x00\\x1b[2J\\ufffe)', None, None)
    ]


def test_a_plan_says_who_has_moved_and_when_it_writes(plan: Plan) -> None:
    """The lines of a registry that drifted, and the run that a plan takes back."""
    first = plan.registries[0]
    moved = Moved(by=Mover.FLEET, run_id="r1", at=plan.created_at)
    change = replace(first.changes[0], wave="canary")
    drifted = replace(first, held=(), moved=moved, changes=(change,))
    text = to_junit(replace(plan, registries=(drifted,), objections=(), rolls_back="r0"))
    case = next(ET.fromstring(text).iter("failure"))
    assert (case.text or "").splitlines() == [
        "it differs from the inventory",
        "changed outside: last applied by run r1 on 2026-11-23 12:00 UTC",
        "update replication-configuration (wave canary)",
    ]
    properties = ET.fromstring(text).iter("property")
    assert ("rolls_back", "r0") in [
        (property_.get("name"), property_.get("value")) for property_ in properties
    ]


def test_a_report_says_what_it_took_back(report: Report) -> None:
    """As a property of the suite."""
    properties = ET.fromstring(to_junit(replace(report, rolls_back="r0"))).iter("property")
    assert ("rolls_back", "r0") in [
        (property_.get("name"), property_.get("value")) for property_ in properties
    ]
