"""A plan as people read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import parse_document
from fleet_repl.ecr.templates import parse_template
from fleet_repl.planning.attribution import Moved, Mover
from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State, Vouched
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.runs.drift import sentence
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

OLD = registry_of("4")
YESTERDAY = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
PLAN = """\
Plan for prod (inventories/prod.toml)

111111111111 us-east-1 (build)
  ~ replication configuration
      - to 444444444444 eu-west-1: every repository (no route)
      + to 222222222222 eu-west-1 (spoke): base/, golden/ (route golden)

222222222222 eu-west-1 (spoke)
  + registry policy
      + from 111111111111 us-east-1 (build): base/, golden/ (routes golden, dr)

Unreadable: 1 registry
  access-denied at AssumeRole: 1 registry
    333333333333 eu-west-1 (dark): not authorized to assume \
arn:aws:iam::333333333333:role/fleet-replication (AccessDenied) [request 7a1c]
    → check that the role exists and trusts the base identity

Held: 1 link left out until the destination grants it
  333333333333/eu-west-1 could not be read (access-denied): 1 link
    111111111111 us-east-1 (build) → 333333333333 eu-west-1 (dark): base/, golden/

Routes
  golden    1 link to add: 1 source, 1 destination
  no route  1 link to remove or narrow

Objections
  foreign-rules: 1 link would be removed

Warnings
  not-transitive: spoke only receives base/

Plan: 4 registries, 2 to change, 1 unchanged, 1 unreadable; 1 link to add, 1 to remove, 1 held.
apply refuses this plan unless it is given --force.
"""


def many(plan: Plan, number: int) -> Plan:
    """The plan with its first registry in `number` accounts."""
    registries = tuple(
        replace(plan.registries[0], registry=registry_of(n, "us-east-1")) for n in range(number)
    )
    summary = replace(plan.summary, registries=number, changed=number, held=number)
    return replace(plan, registries=registries, summary=summary)


def quiet(plan: Plan, *, registries: int) -> Plan:
    """A plan without any change."""
    summary = replace(
        plan.summary,
        registries=registries,
        changed=0,
        unchanged=registries,
        unreadable=0,
        held=0,
        links_added=0,
        links_removed=0,
    )
    return replace(
        plan,
        registries=plan.registries[3:] * registries,
        summary=summary,
        objections=(),
        warnings=(),
    )


def test_a_plan_of_four_registries(plan: Plan) -> None:
    """What changes and why, what stands in the way, then one line of totals."""
    assert plan_text(plan) == PLAN


def test_a_plan_without_changes(plan: Plan) -> None:
    """It says so, and nothing else."""
    assert plan_text(quiet(plan, registries=2)) == (
        "Plan for prod (inventories/prod.toml)\n\n"
        "No changes. 2 registries are as the inventory wants.\n"
    )
    assert plan_text(quiet(plan, registries=1)).endswith(
        "No changes. 1 registry is as the inventory wants.\n"
    )


def test_no_changes_but_an_objection(plan: Plan) -> None:
    """Rules that carry what a route excludes, and cannot do without, are not as anybody wants."""
    collateral = Objection(kind="collateral", message="base/go not without base/go-secret")
    text = plan_text(replace(quiet(plan, registries=2), objections=(collateral,)))
    assert "as the inventory wants" not in text
    assert text.endswith("apply refuses this plan unless it is given --allow collateral.\n")


def test_no_changes_but_something_unreadable(plan: Plan) -> None:
    """A registry that could not be read is not one that is fine."""
    calm = quiet(plan, registries=1)
    dark = replace(
        calm,
        registries=(*calm.registries, plan.registries[2]),
        summary=replace(calm.summary, registries=2, unreadable=1),
    )
    assert plan_text(dark).endswith(
        "No changes: 2 registries, 0 to change, 1 unchanged, 1 unreadable; "
        "0 links to add, 0 to remove, 0 held.\n"
    )


def test_colours_do_not_change_the_words(plan: Plan) -> None:
    """Additions are green and removals red; without the colours it is the same text."""
    text = plan_text(plan, colour=True)
    assert "\x1b[32m+ \x1b[0mto 222222222222" in text
    assert "\x1b[31m- \x1b[0mto 444444444444" in text
    for code in ("0", "1", "31", "32", "33", "1;31"):
        text = text.replace(f"\x1b[{code}m", "")
    assert text == PLAN


def test_a_hundred_thousand_registries_are_readable(plan: Plan) -> None:
    """Equal changes are told once; long lists are cut short, and it is said where the rest is."""
    lines = plan_text(many(plan, 100_000)).splitlines()
    assert len(lines) < 40
    assert "100,000 registries, all of the plan" in lines
    assert lines.count("  ~ replication configuration") == 1
    assert "  333333333333/eu-west-1 could not be read (access-denied): 100,000 links" in lines
    assert "    … and 99,997 more" in lines
    assert "Lists are cut short: -v shows all, --report FILE.json keeps all." in lines


def test_a_full_page_leaves_nothing_out(plan: Plan) -> None:
    """With -v every registry is listed."""
    text = plan_text(many(plan, 200), full=True)
    assert text.count("~ replication configuration") == 200
    assert "more" not in text
    assert "cut short" not in text


def harmless(plan: Plan, number: int) -> Plan:
    """The plan with `number` registries, each of which gets links of its own."""
    build = plan.registries[0]
    (rules,) = build.changes
    registries = tuple(
        replace(
            build,
            registry=registry_of(n, "us-east-1"),
            held=(),
            changes=(
                replace(
                    rules,
                    links_removed=(),
                    links_added=(replace(rules.links_added[0], prefixes=(f"team-{n}/",)),),
                ),
            ),
        )
        for n in range(number)
    )
    return replace(plan, registries=registries)


def test_nothing_is_cut_for_one_line(plan: Plan) -> None:
    """Saying that one registry was left out takes as much room as the registry."""
    assert "cut short" not in plan_text(harmless(plan, 51))
    assert "\n… and 2 more\n" in plan_text(harmless(plan, 52))


def test_what_takes_something_away_is_first_and_never_cut(plan: Plan) -> None:
    """However late in the order of accounts, and however much of it there is."""
    build, calm = plan.registries[0], harmless(plan, 80).registries
    (rules,) = build.changes
    losing = tuple(
        replace(
            build,
            registry=Registry(AccountId(f"9{n:011}"), Region("us-east-1")),
            held=(),
            changes=(
                replace(
                    rules,
                    links_removed=tuple(
                        LinkEnd(registry=OLD, prefixes=(f"gone-{n}-{m}/",)) for m in range(30)
                    ),
                ),
            ),
        )
        for n in range(60)
    )
    lines = plan_text(replace(plan, registries=(*calm, *losing))).splitlines()
    headings = [line for line in lines if line.endswith("us-east-1 (build)")]
    assert headings[:60] == [f"{entry.registry.account} us-east-1 (build)" for entry in losing]
    assert sum("- to 444444444444" in line for line in lines) == 60 * 30
    assert "… and 30 more" in lines


@pytest.mark.parametrize(
    "danger",
    [
        {"links_removed": (LinkEnd(registry=OLD, prefixes=("",)),)},
        {"deletes_started": (LinkEnd(registry=OLD, prefixes=("",)),)},
        {"action": Action.DELETE, "resource": Resource.REGISTRY_POLICY},
        {"action": Action.DELETE, "resource": Resource.CREATION_TEMPLATE},
        {"phase": Phase.WITHDRAWALS, "resource": Resource.REGISTRY_POLICY},
        {"before": parse_document({"rules": [{"speed": "high"}]})},
    ],
)
def test_what_is_dangerous(plan: Plan, danger: dict[str, Any]) -> None:
    """Links and grants that go, deletions, rules of unknown meaning, policies and templates."""
    *others, last = harmless(plan, 3).registries
    (rules,) = last.changes
    bad = replace(last, changes=(replace(rules, **danger),))
    lines = plan_text(replace(plan, registries=(*others, bad))).splitlines()
    assert lines[2] == "000000000002 us-east-1 (build)"


def test_a_policy_that_is_deleted(plan: Plan) -> None:
    """Whatever it said, nothing of it is put right."""
    (grant,) = plan.registries[1].changes
    gone = replace(
        grant, action=Action.DELETE, before=grant.after, after=grant.before, links_added=()
    )
    text = plan_text(replace(plan, registries=(replace(plan.registries[1], changes=(gone,)),)))
    assert text.startswith(
        "Plan for prod (inventories/prod.toml)\n\n222222222222 eu-west-1 (spoke)\n"
        "  - registry policy\n\nObjections\n"
    )


def test_many_links_and_prefixes_are_folded_too(plan: Plan) -> None:
    """A hub with many destinations and prefixes does not fill the screen; a full page has all."""
    first = plan.registries[0]
    ends = tuple(
        LinkEnd(
            registry=registry_of(n),
            prefixes=tuple(f"p{m:02}/" for m in range(10)),
            routes=("mesh",),
        )
        for n in range(25)
    )
    change = replace(first.changes[0], links_added=ends, links_removed=())
    long = replace(plan, registries=(replace(first, changes=(change,), held=()),))
    lines = plan_text(long).splitlines()
    assert lines[4] == (
        "      + to 25 registries (000000000000 eu-west-1, 000000000001 eu-west-1, "
        "000000000002 eu-west-1 and 22 more): "
        "p00/, p01/, p02/, p03/, p04/ and 5 more prefixes (route mesh)"
    )
    assert "Lists are cut short: -v shows all, --report FILE.json keeps all." in lines
    assert sum("+ to " in line for line in plan_text(long, full=True).splitlines()) == 25


def test_withdrawals_and_refusals_are_marked(plan: Plan) -> None:
    """What waits for the rules, and what must not be written, is said where it stands."""
    first, second = plan.registries[:2]
    fault = Fault(
        kind=FaultKind.UNKNOWN_FIELDS,
        operation="DescribeRegistry",
        message="the rules hold fields that this version does not know: rules[0].speed",
        hint="overwrite them with --allow unknown-fields",
    )
    refused = replace(
        first, refused={Resource.REPLICATION_CONFIGURATION: fault}, error=fault, held=()
    )
    later = replace(second.changes[0], phase=Phase.WITHDRAWALS, links_added=(), links_removed=())
    text = plan_text(replace(plan, registries=(refused, replace(second, changes=(later,)))))
    assert "  ~ replication configuration (not to be written, see below)\n" in text
    assert (
        "  + registry policy (once the rules are written)\n"
        "      the same links, put right\n" in text
    )
    assert (
        "Not to be overwritten: 1 registry\n"
        "  unknown-fields at DescribeRegistry: 1 registry\n"
        "    111111111111 us-east-1 (build): the rules hold fields that this version does not "
        "know: rules[0].speed\n"
        "    → overwrite them with --allow unknown-fields\n" in text
    )


def test_an_unreadable_registry_is_not_listed_as_changing(plan: Plan) -> None:
    """A registry of which nothing is known appears with its error only."""
    dark = RegistryPlan(
        registry=plan.registries[2].registry,
        name="dark",
        state=State.UNREADABLE,
        error=plan.registries[2].error,
    )
    assert plan_text(replace(plan, registries=(dark,))).count("333333333333 eu-west-1 (dark)") == 1


def test_deletions_and_templates(plan: Plan) -> None:
    """Deletions that start to travel are marked, and a template is told by its prefix."""
    build, spoke, *_ = plan.registries
    on = LinkEnd(registry=spoke.registry, prefixes=("golden/",), routes=("golden",))
    off = LinkEnd(registry=spoke.registry, prefixes=("base/",), routes=("golden",))
    rules = replace(
        build.changes[0],
        links_added=(),
        links_removed=(),
        deletes_started=(on,),
        deletes_stopped=(off,),
    )
    template = replace(
        spoke.changes[0],
        resource=Resource.CREATION_TEMPLATE,
        phase=Phase.TEMPLATES,
        before=parse_template(None),
        after=parse_template({"prefix": "golden"}),
        links_added=(),
    )
    shown = plan_text(
        replace(
            plan,
            registries=(
                replace(build, changes=(rules,), held=()),
                replace(spoke, changes=(template,)),
            ),
        )
    )
    assert shown.startswith("""\
Plan for prod (inventories/prod.toml)

111111111111 us-east-1 (build)
  ~ replication configuration
      ! deletions travel from now on, to 222222222222 eu-west-1 (spoke): golden/ (route golden)
      ! deletions travel no more, to 222222222222 eu-west-1 (spoke): base/ (route golden)

222222222222 eu-west-1 (spoke)
  + creation template golden

Routes
  golden  1 link starts to replicate deletions: 1 source, 1 destination

Objections
""")


def test_a_retired_account_that_is_gone(plan: Plan) -> None:
    """It is named, and not among the failures."""
    dark = replace(plan.registries[2], retired=True, gone=True)
    shown = plan_text(replace(plan, registries=(dark,)))
    assert "\nUnreadable" not in shown
    assert "\nRetired and not reached, which is no failure: 1 registry\n" in shown


def in_waves(plan: Plan) -> Plan:
    """The plan in two waves: a grant is written with the source that it is for."""
    build, spoke, *others = plan.registries
    return replace(
        plan,
        registries=(
            replace(
                build,
                wave="pilot",
                changes=tuple(replace(change, wave="pilot") for change in build.changes),
            ),
            replace(
                spoke,
                wave="early",
                changes=tuple(replace(change, wave="pilot") for change in spoke.changes),
            ),
            *others,
        ),
    )


def test_waves(plan: Plan) -> None:
    """Each registry's own, each change's if it is another, and what each of them writes."""
    text = plan_text(in_waves(plan), waves=("pilot", "early", "rest"))
    assert "111111111111 us-east-1 (build), wave pilot\n  ~ replication configuration\n" in text
    assert "222222222222 eu-west-1 (spoke), wave early\n  + registry policy (wave pilot)\n" in text
    assert (
        "\n\nWaves\n"
        "  pilot  2 registries to change\n"
        "  early  0 registries to change\n"
        "  rest   0 registries to change\n"
        "\nObjections\n"
    ) in text


def test_waves_that_are_not_known_are_in_order_of_their_names(plan: Plan) -> None:
    """As of a plan in a file; the last one is the last one all the same."""
    waves = plan_text(in_waves(plan)).partition("\nWaves\n")[2].splitlines()[:3]
    assert [line.split()[0] for line in waves] == ["early", "pilot", "rest"]


def test_a_plan_in_waves_without_changes(plan: Plan) -> None:
    """There is nothing to tell of them."""
    calm = quiet(plan, registries=1)
    (unchanged,) = calm.registries
    calm = replace(calm, registries=(replace(unchanged, wave="pilot"),))
    assert "wave" not in plan_text(calm, waves=("pilot", "rest")).lower()


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (
            Moved(by=Mover.FLEET, run_id="20261122T081500Z-ab12cd", at=YESTERDAY),
            "changed outside: last applied by ",
        ),
        (
            Moved(by=Mover.INVENTORY, run_id="20261122T081500Z-ab12cd", at=YESTERDAY),
            "the inventory asks for something else than was applied by ",
        ),
    ],
)
def test_why_a_registry_differs(plan: Plan, moved: Moved, expected: str) -> None:
    """Below its name, as far as remembered runs tell."""
    build, *others = plan.registries
    shown = plan_text(replace(plan, registries=(replace(build, moved=moved), *others)))
    assert f"111111111111 us-east-1 (build)\n  {expected}" in shown
    assert sentence(moved) in shown


def test_why_is_left_out_where_nobody_knows(plan: Plan) -> None:
    """A first plan would say so of every registry."""
    build, *others = plan.registries
    unknown = replace(build, moved=Moved(by=Mover.UNKNOWN))
    assert plan_text(replace(plan, registries=(unknown, *others))) == PLAN


@pytest.mark.parametrize(
    ("kinds", "flags"),
    [
        (["max-removals"], "--force"),
        (["protected"], "--allow protected"),
        (["rolled-back", "protected"], "--force and --allow protected"),
    ],
)
def test_what_clears_the_objections(plan: Plan, kinds: list[str], flags: str) -> None:
    """No more flags than are needed."""
    objections = tuple(Objection(kind=kind, message="no") for kind in kinds)
    shown = plan_text(replace(plan, objections=objections))
    assert shown.endswith(f"\napply refuses this plan unless it is given {flags}.\n")


def test_a_rollback(plan: Plan) -> None:
    """It says what it takes back, and speaks of its own command."""
    back = replace(plan, rolls_back="20261122T081500Z-ab12cd")
    text = plan_text(back)
    assert text.startswith(
        "Rollback of run 20261122T081500Z-ab12cd of prod (inventories/prod.toml)\n"
    )
    assert text.endswith("\nrollback refuses this plan unless it is given --force.\n")
    assert plan_text(quiet(back, registries=1)).endswith(
        "No changes. 1 registry is as it was before that run.\n"
    )
    assert plan_text(quiet(back, registries=2)).endswith(
        "No changes. 2 registries are as they were before that run.\n"
    )


def test_links_of_a_rollback(plan: Plan) -> None:
    """That no route asks for them says nothing: routes are not why they come and go."""
    assert "      - to 444444444444 eu-west-1: every repository (no route)\n" in plan_text(plan)
    text = plan_text(replace(plan, rolls_back="20261122T081500Z-ab12cd"))
    assert "      - to 444444444444 eu-west-1: every repository\n" in text
    assert "(route golden)" in text
    assert "Routes" not in text


def test_what_somebody_vouches_for_is_listed(plan: Plan) -> None:
    """Each trusted Sid once, with the registries whose policies have such a statement."""
    spoke, dark = plan.registries[1].registry, plan.registries[2].registry
    vouched = tuple(Vouched(registry=item, sid="OrgPerimeter") for item in (spoke, dark))
    text = plan_text(replace(plan, vouched=vouched))
    assert (
        "Vouched for: statements that may keep images out, and are trusted not to\n"
        "  OrgPerimeter in 222222222222/eu-west-1, 333333333333/eu-west-1\n"
    ) in text
    assert "Vouched" not in plan_text(plan)
