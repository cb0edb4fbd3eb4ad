"""A report as people read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.inventories import fleet_text
from tests.support.registries import registry_of

from fleet_repl import load_inventory
from fleet_repl.engine.waves import ends_after
from fleet_repl.planning.change import HeldLink, Resource
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.reports.text.reports import report_text
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report, Status, wave_outcomes
from fleet_repl.values.text import counted, elapsed

REPORT = """\
Run 20261123T120000Z-a1b2c3 of prod: partial (objections overridden by --force)

              registries  writes
  failed               2       1
  links held           1
  applied              1       2
  partial              0
  unchanged            1       0
  skipped              1       0
  cancelled            0       0

Failed: 2 registries
  access-denied at AssumeRole: 1 registry
    333333333333 eu-west-1 (dark): not authorized to assume \
arn:aws:iam::333333333333:role/fleet-replication (AccessDenied) [request 7a1c]
    → check that the role exists and trusts the base identity
  conflict at PutReplicationConfiguration: 1 registry
    222222222222 eu-west-1 (spoke): the rules were changed since the plan was made; \
registry policy applied

Held: 1 link left out until the destination grants it
  333333333333/eu-west-1 could not be read (access-denied): 1 link
    111111111111 us-east-1 (build) → 333333333333 eu-west-1 (dark): base/, golden/

Skipped: 1 registry
  the run's deadline of 7200 s had passed: 1 registry
    444444444444 eu-west-1 (old)

Applied: 1 registry
  111111111111 us-east-1 (build): ~ replication configuration

Objections
  foreign-rules: 1 link would be removed

Warnings
  not-transitive: spoke only receives base/

Applied 2 of 3 writes in 12.4 s. Exit 4: 2 failed, 1 held, 1 skipped.
"""


def denied(report: Report, number: int) -> Report:
    """A report of `number` registries, two to an account, all denied in the same way."""
    dark = report.registries[2]
    assert dark.error is not None
    registries = tuple(
        replace(
            dark,
            registry=registry_of(n // 2),
            error=replace(dark.error, request_id=f"{n}"),
        )
        for n in range(number)
    )
    return replace(report, registries=registries, objections=(), warnings=(), forced=False)


def test_a_partial_run(report: Report) -> None:
    """Counts first, then what is not unchanged, then what it amounts to."""
    assert report_text(report) == REPORT


def test_nothing_to_do(report: Report) -> None:
    """A run over a fleet that is as it should be says so in a few lines."""
    calm = replace(
        report,
        status=Status.OK,
        forced=False,
        objections=(),
        warnings=(),
        registries=report.registries[4:],
    )
    assert report_text(calm) == (
        "Run 20261123T120000Z-a1b2c3 of prod: ok\n"
        "\n"
        "              registries  writes\n"
        "  failed               0       0\n"
        "  links held           0\n"
        "  applied              0       0\n"
        "  partial              0\n"
        "  unchanged            1       0\n"
        "  skipped              0       0\n"
        "  cancelled            0       0\n"
        "\n"
        "Nothing to do: 1 registry was as the inventory wants, in 12.4 s. Exit 0: done.\n"
    )


def test_five_thousand_denied_registries_are_one_paragraph(report: Report) -> None:
    """What many registries share is told once, with a few examples and a count."""
    assert report_text(denied(report, 5_000)) == (
        "Run 20261123T120000Z-a1b2c3 of prod: partial\n"
        "\n"
        "              registries  writes\n"
        "  failed           5,000       0\n"
        "  links held           0\n"
        "  applied              0       0\n"
        "  partial              0\n"
        "  unchanged            0       0\n"
        "  skipped              0       0\n"
        "  cancelled            0       0\n"
        "\n"
        "Failed: 5,000 registries\n"
        "  access-denied at AssumeRole: 5,000 registries in 2,500 accounts\n"
        + "".join(
            f"    00000000000{account} eu-west-1 (dark): not authorized to assume "
            "arn:aws:iam::333333333333:role/fleet-replication (AccessDenied) "
            f"[request {n}]\n"
            for n, account in enumerate("001")
        )
        + "    … and 4,997 more\n"
        "    → check that the role exists and trusts the base identity\n"
        "\n"
        "Lists are cut short: -v shows all, --report FILE.json keeps all.\n"
        "\n"
        "Applied 0 of 0 writes in 12.4 s. Exit 4: 5,000 failed.\n"
    )


def test_ten_that_share_a_reason_are_all_named(report: Report) -> None:
    """Up to ten, nobody has to look elsewhere for the names."""
    text = report_text(denied(report, 10))
    assert text.count("eu-west-1 (dark)") == 10
    assert "more" not in text
    assert report_text(denied(report, 11)).count("eu-west-1 (dark)") == 3


def test_a_full_page_names_every_failure(report: Report) -> None:
    """With -v each of them has its line."""
    text = report_text(denied(report, 500), full=True)
    assert all(f"[request {n}]" in text for n in range(500))
    assert "more" not in text


@pytest.mark.parametrize(
    ("status", "outcome", "because", "end"),
    [
        (
            Status.REFUSED,
            Outcome.SKIPPED,
            "the plan was refused: foreign-rules",
            "Exit 3: refused as a whole, nothing written.",
        ),
        (
            Status.INTERRUPTED,
            Outcome.CANCELLED,
            "interrupted before it was started",
            "Exit 130: interrupted.",
        ),
    ],
)
def test_registries_left_alone_are_grouped_by_reason(
    report: Report, status: Status, outcome: Outcome, because: str, end: str
) -> None:
    """A refused or interrupted run names why, and its exit code says it too."""
    left = [replace(report.registries[3], outcome=outcome, because=because)] * 12
    text = report_text(replace(report, status=status, forced=False, registries=tuple(left)))
    assert text.startswith(f"Run 20261123T120000Z-a1b2c3 of prod: {status}\n")
    assert (
        f"{outcome.value.capitalize()}: 12 registries\n"
        f"  {because}: 12 registries\n"
        "    444444444444 eu-west-1 (old)\n"
        "    444444444444 eu-west-1 (old)\n"
        "    444444444444 eu-west-1 (old)\n"
        "    … and 9 more\n" in text
    )
    assert text.endswith(f"Applied 0 of 0 writes in 12.4 s. {end}\n")


def test_a_hundred_thousand_applied_registries_are_readable(report: Report) -> None:
    """The list of what was applied is cut short, the counts are not."""
    lines = report_text(replace(report, registries=report.registries[:1] * 100_000)).splitlines()
    assert len(lines) < 100
    assert "  applied        100,000  100,000" in lines
    assert "  … and 99,950 more" in lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 00 s"),
        (192.4, "3 min 12 s"),
        (3600, "1 h 00 min"),
        (timedelta(hours=26, minutes=5).total_seconds(), "26 h 05 min"),
    ],
)
def test_how_long_it_took(seconds: float, text: str) -> None:
    """Durations in the unit that fits."""
    assert elapsed(seconds) == text


def test_counting() -> None:
    """Nouns agree with their numbers, and large numbers can be read."""
    assert counted(1, "registry") == "1 registry"
    assert counted(0, "registry") == "0 registries"
    assert counted(12_000, "link") == "12,000 links"


def staged(report: Report) -> Report:
    """A run that ended after its canary: one registry is done, one in part, one not begun."""
    build, spoke, *_, plain = report.registries
    because = ends_after("canary")
    applied = replace(build.changes[0], wave="canary")
    left = replace(applied, wave="rest", outcome=Outcome.SKIPPED, because=because)
    registries = (
        replace(build, wave="canary", changes=(applied,), held=()),
        replace(
            spoke, outcome=Outcome.PARTIAL, changes=(applied, left), error=None, because=because
        ),
        replace(plain, outcome=Outcome.SKIPPED, changes=(left,), because=because),
    )
    return replace(
        report,
        status=Status.STAGED,
        forced=False,
        objections=(),
        warnings=(),
        registries=registries,
        waves=wave_outcomes(registries, ("canary", "idle", "rest")),
    )


STAGED = """\
Run 20261123T120000Z-a1b2c3 of prod: staged

              registries  writes
  failed               0       0
  links held           0
  applied              1       2
  partial              1
  unchanged            0       0
  skipped              1       2
  cancelled            0       0

Waves
  canary  2 writes to 2 registries: 2 applied
  idle    nothing to write
  rest    2 writes to 2 registries: 2 skipped; the run ends after wave canary (--wave)

Partial: 1 registry
  the run ends after wave canary (--wave): 1 registry
    222222222222 eu-west-1 (spoke): replication configuration applied

Skipped: 1 registry
  the run ends after wave canary (--wave): 1 registry
    555555555555 eu-west-1

Applied: 1 registry
  111111111111 us-east-1 (build): ~ replication configuration

Applied 2 of 4 writes in 12.4 s. Exit 0: done as asked; the run ends after wave canary (--wave).
"""


def test_a_run_that_ended_as_asked(report: Report) -> None:
    """What each wave has written is counted, and a registry written in part says so."""
    ended = staged(report)
    assert report_text(ended) == STAGED
    assert report_text(ended, waves=("canary", "idle", "rest")) == STAGED
    assert report_exit(ended) == 0


def test_failed_and_held_come_first(report: Report) -> None:
    """Whoever reads a report looks for what needs somebody."""
    text = report_text(report)
    sections = ["\nFailed: ", "\nHeld: ", "\nSkipped: ", "\nApplied: "]
    places = [text.index(section) for section in sections]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("allowed", "forced", "notes"),
    [
        ((), False, ""),
        (("protected",), False, " (--allow protected)"),
        (
            ("protected", "unknown-fields"),
            True,
            " (objections overridden by --force; --allow protected --allow unknown-fields)",
        ),
    ],
)
def test_what_was_allowed(
    report: Report, allowed: tuple[str, ...], forced: bool, notes: str
) -> None:
    """The first line says how far somebody went."""
    ended = replace(report, forced=forced, allowed=allowed)
    first = report_text(ended).partition("\n")[0]
    assert first == f"Run 20261123T120000Z-a1b2c3 of prod: partial{notes}"


def test_a_rollback(report: Report) -> None:
    """The first line says of which run, and the last one what nothing to do means then."""
    calm = replace(
        report,
        status=Status.OK,
        forced=False,
        rolls_back="20261122T081500Z-ab12cd",
        registries=report.registries[4:],
    )
    text = report_text(calm)
    assert text.startswith(
        "Run 20261123T120000Z-a1b2c3 of prod: ok (rolls back 20261122T081500Z-ab12cd)\n"
    )
    assert "Nothing to do: 1 registry was as it was before that run, in 12.4 s." in text
    several = report_text(replace(calm, registries=calm.registries * 2))
    assert "Nothing to do: 2 registries were as they were before that run, in 12.4 s." in several


def test_a_policy_that_is_written_twice(report: Report) -> None:
    """Waves, and a withdrawal after a grant, write one policy several times: told once."""
    build, *others = report.registries
    policy = replace(build.changes[0], resource=Resource.REGISTRY_POLICY)
    twice = replace(build, changes=(policy, replace(policy, wave="rest"), *build.changes))
    text = report_text(replace(report, registries=(twice, *others)))
    assert "~ registry policy (2 times), ~ replication configuration\n" in text
    partly = replace(twice, outcome=Outcome.SKIPPED, because="a reason")
    text = report_text(replace(report, registries=(partly, *others)))
    assert "(build): registry policy and replication configuration applied\n" in text


def test_what_an_earlier_wave_wrote(report: Report) -> None:
    """A policy may be written for an early wave, and its registry be skipped in its own."""
    build, _, _, old, *_ = report.registries
    grant = replace(build.changes[0], resource=Resource.REGISTRY_POLICY, wave="canary")
    partly = replace(old, changes=(grant, replace(grant, wave="rest", outcome=Outcome.SKIPPED)))
    text = report_text(replace(report, registries=(build, partly)))
    assert "\n    444444444444 eu-west-1 (old): registry policy applied\n" in text


def test_a_held_link_names_an_account_outside_of_the_selection(
    report: Report, tmp_path: Path
) -> None:
    """The run has no outcome for its destination, but the inventory has its name."""
    path = tmp_path / "prod.toml"
    path.write_text(
        fleet_text("1>2 base/").replace('000000000002"\n', '000000000002"\nname = "shop"\n', 1)
    )
    build, shop = map(registry_of, (1, 2))
    link = HeldLink(destination=shop, prefixes=("base/",), because="it is outside the selection")
    outcome = RegistryOutcome(registry=build, name="build", outcome=Outcome.UNCHANGED, held=(link,))
    text = report_text(replace(report, registries=(outcome,)), inventory=load_inventory(path))
    assert "    000000000001 eu-west-1 (build) → 000000000002 eu-west-1 (shop): base/\n" in text
