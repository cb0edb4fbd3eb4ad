"""The words of plan and report documents, key by key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.support.registries import registry_of

from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.change import LinkEnd
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import Effort, Plan
from fleet_repl.reports.documents.plan import plan_digest, plan_document
from fleet_repl.reports.documents.report import report_document
from fleet_repl.runs.outcomes import Report, wave_outcomes
from fleet_repl.values.text import timestamp

HELD = {
    "account": "333333333333",
    "region": "eu-west-1",
    "prefixes": ["base/", "golden/"],
    "because": "333333333333/eu-west-1 could not be read (access-denied)",
}
DENIED = {
    "kind": "access-denied",
    "operation": "AssumeRole",
    "code": "AccessDenied",
    "message": "not authorized to assume arn:aws:iam::333333333333:role/fleet-replication",
    "request_id": "7a1c",
    "hint": "check that the role exists and trusts the base identity",
}


def test_a_plan(plan: Plan) -> None:
    """The whole document of a plan, without the registries it repeats."""
    document = dict(plan_document(plan))
    registries = document.pop("registries")
    assert document == {
        "schema": "fleet-repl/plan/1",
        "digest": plan.digest,
        "created_at": "2026-11-23T12:00:00Z",
        "fleet": "prod",
        "inventory": {"path": "inventories/prod.toml", "digest": "sha256:" + "1" * 64},
        "rolls_back": None,
        "summary": {
            "registries": 4,
            "changed": 2,
            "unchanged": 1,
            "unreadable": 1,
            "held": 1,
            "links_added": 1,
            "links_removed": 1,
        },
        "objections": [{"kind": "foreign-rules", "message": "1 link would be removed"}],
        "warnings": [{"kind": "not-transitive", "message": "spoke only receives base/"}],
    }
    assert isinstance(registries, list)
    assert registries[0] == {
        "account": "111111111111",
        "region": "us-east-1",
        "name": "build",
        "wave": "rest",
        "state": "changed",
        "changes": [
            {
                "resource": "replication-configuration",
                "action": "update",
                "phase": "rules",
                "wave": "rest",
                "before": {"rules": []},
                "after": {"rules": ["…"]},
                "links_added": [
                    {
                        "account": "222222222222",
                        "region": "eu-west-1",
                        "prefixes": ["base/", "golden/"],
                        "routes": ["golden"],
                    }
                ],
                "links_removed": [
                    {
                        "account": "444444444444",
                        "region": "eu-west-1",
                        "prefixes": None,
                        "routes": [],
                    }
                ],
                "deletes_started": [],
                "deletes_stopped": [],
                "needs": [],
            }
        ],
        "refused": [],
        "held": [HELD],
        "error": None,
        "owned": None,
        "retired": False,
        "moved": None,
    }
    assert registries[2] == {
        "account": "333333333333",
        "region": "eu-west-1",
        "name": "dark",
        "wave": "rest",
        "state": "unreadable",
        "changes": [],
        "refused": [],
        "held": [],
        "error": DENIED,
        "owned": None,
        "retired": False,
        "moved": None,
    }


def test_a_report(report: Report) -> None:
    """The whole document of a report, with two of its registries."""
    waves = wave_outcomes(report.registries, ("canary", "rest"))
    document = dict(report_document(replace(report, waves=waves)))
    registries = document.pop("registries")
    assert document == {
        "schema": "fleet-repl/report/1",
        "run_id": "20261123T120000Z-a1b2c3",
        "status": "partial",
        "started_at": "2026-11-23T12:00:00Z",
        "finished_at": "2026-11-23T12:00:12Z",
        "duration_ms": 12430,
        "fleet": "prod",
        "inventory": {"path": "inventories/prod.toml", "digest": "sha256:" + "1" * 64},
        "plan_digest": report.plan_digest,
        "rolls_back": None,
        "forced": True,
        "allowed": [],
        "objections": [{"kind": "foreign-rules", "message": "1 link would be removed"}],
        "warnings": [{"kind": "not-transitive", "message": "spoke only receives base/"}],
        "summary": {
            "applied": 1,
            "partial": 0,
            "unchanged": 1,
            "failed": 2,
            "skipped": 1,
            "cancelled": 0,
            "held": 1,
            "writes": {"applied": 2, "unchanged": 0, "failed": 1, "skipped": 0, "cancelled": 0},
        },
        "waves": [
            {
                "name": "canary",
                "registries": 0,
                "writes": {
                    "applied": 0,
                    "unchanged": 0,
                    "failed": 0,
                    "skipped": 0,
                    "cancelled": 0,
                },
                "because": None,
            },
            {
                "name": "rest",
                "registries": 2,
                "writes": {
                    "applied": 2,
                    "unchanged": 0,
                    "failed": 1,
                    "skipped": 0,
                    "cancelled": 0,
                },
                "because": None,
            },
        ],
        "backfills": [],
    }
    assert isinstance(registries, list)
    assert registries[0] == {
        "account": "111111111111",
        "region": "us-east-1",
        "name": "build",
        "wave": "rest",
        "outcome": "applied",
        "attempts": 5,
        "duration_ms": 212,
        "changes": [
            {
                "resource": "replication-configuration",
                "action": "update",
                "wave": "rest",
                "outcome": "applied",
                "request_id": "9f",
                "before": {"rules": []},
                "after": {"rules": ["…"]},
            }
        ],
        "held": [HELD],
        "error": None,
        "because": None,
    }
    assert registries[2]["error"] == DENIED
    assert registries[3]["because"] == "the run's deadline of 7200 s had passed"


def test_what_a_run_will_need_of_a_plan(plan: Plan) -> None:
    """What becomes the fleet's own, what a withdrawal waits for, and who has moved."""
    first = plan.registries[0]
    end = registry_of("2")
    change = replace(first.changes[0], needs=frozenset({end, first.registry}), wave="canary")
    moved = Moved(by=Mover.FLEET, run_id="20261101T081500Z-ab12cd", at=plan.created_at)
    drifted = replace(
        first,
        wave="canary",
        changes=(change,),
        owned=Applied(links={end: ("",), first.registry: ("a/", "b/")}, templates=("base",)),
        moved=moved,
    )
    document: Any = plan_document(replace(plan, registries=(drifted,)))
    registry = document["registries"][0]
    assert (registry["wave"], registry["changes"][0]["wave"]) == ("canary", "canary")
    assert registry["changes"][0]["needs"] == ["111111111111/us-east-1", "222222222222/eu-west-1"]
    assert registry["owned"] == {
        "links": {"111111111111/us-east-1": ["a/", "b/"], "222222222222/eu-west-1": None},
        "templates": ["base"],
    }
    assert registry["moved"] == {
        "by": "fleet",
        "run": "20261101T081500Z-ab12cd",
        "at": "2026-11-23T12:00:00Z",
        "message": "changed outside: last applied by run 20261101T081500Z-ab12cd on "
        "2026-11-23 12:00 UTC",
    }


def test_links_are_sorted(plan: Plan) -> None:
    """The order in which links were found says nothing, so it makes no other digest."""
    ends = tuple(LinkEnd(registry=registry_of(digit), prefixes=("a/",)) for digit in "312")
    first = plan.registries[0]
    plans = [
        replace(
            plan,
            registries=(replace(first, changes=(replace(first.changes[0], links_added=some),)),),
        )
        for some in (ends, ends[::-1])
    ]
    assert plan_document(plans[0]) == plan_document(plans[1])
    assert plan_digest(plans[0]) == plan_digest(plans[1])


def test_the_effort_of_reading_is_no_content(plan: Plan) -> None:
    """How many calls a plan took is in the report; the same plan has the same digest."""
    other = replace(plan, digest="", efforts={plan.registries[0].registry: Effort(7, 1.5)})
    assert plan_digest(other) == plan.digest


def test_moments_are_reported_in_utc() -> None:
    """A moment of another time zone is the same moment in UTC."""
    there = datetime(2026, 11, 23, 13, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp(there) == "2026-11-23T12:00:00Z"
