"""What people and machines read of an examination."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

from jsonschema import Draft202012Validator
from tests.support.clock import NOON

from fleet_repl.reports.documents.doctor import DOCTOR_SCHEMA, doctor_document
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import doctor_exit
from fleet_repl.reports.junit import to_junit
from fleet_repl.reports.text.doctor import doctor_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.doctor import (
    BaseIdentity,
    Checks,
    CheckState,
    DoctorReport,
    FleetProblem,
    ProblemKind,
    StateExamination,
    StsUse,
    Way,
)
from fleet_repl.values.names import AccountId, Region, Registry

OK, FAILED, UNKNOWN = CheckState.OK, CheckState.FAILED, CheckState.UNKNOWN
IRELAND = Region("eu-west-1")
ACCOUNTS = [AccountId(f"{n:012d}") for n in range(1, 13)]


def checks(role: CheckState, put: CheckState) -> Checks:
    rest = OK if role is OK else UNKNOWN
    return {"role": role, "account": rest, "region": rest, "ecr:PutRegistryPolicy": put}


REGISTRIES = {
    **{Registry(account, IRELAND): checks(FAILED, UNKNOWN) for account in ACCOUNTS[:11]},
    Registry(ACCOUNTS[11], IRELAND): checks(OK, FAILED),
}
REPORT = DoctorReport(
    fleet="prod",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=4.2),
    base=BaseIdentity(
        arn="arn:aws:sts::999999999999:assumed-role/AWSReservedSSO_Ops_01/ann",
        account=AccountId("999999999999"),
        seconds_left=2400.0,
        clock_ahead=-312.04,
        way=Way(
            endpoints=("https://ecr.example.test",), proxy="http://proxy:3128", dual_stack=True
        ),
    ),
    session_seconds=3600,
    sts=StsUse(accounts=1200, rate=400, measured=380, throttled=2),
    state=StateExamination(
        location="s3://state/prod",
        readable=OK,
        conditional_writes=OK,
        lock="apply X of ann@ci (process 7) holds the lock of fleet prod since noon",
        frozen="ann@laptop since 2026-11-23T12:00:00Z: audit",
    ),
    problems=(
        FleetProblem(kind=ProblemKind.CLOCK, message="the clock is off", remedy="set it:\nntp"),
        FleetProblem(
            kind=ProblemKind.ROLE_REFUSED,
            accounts=tuple(ACCOUNTS[:11]),
            regions=(IRELAND,),
            message="AccessDenied on AssumeRole: trust policy, external id, SCP or RCP",
            remedy="see that it exists:\nfleet-repl bootstrap prod.toml",
        ),
        FleetProblem(
            kind=ProblemKind.WRITE_DENIED,
            accounts=(ACCOUNTS[11],),
            regions=(IRELAND,),
            message="the role lacks ecr:PutRegistryPolicy",
            remedy='add this:\n{"Effect":"Allow"},\n{"Effect":"Allow"}',
        ),
    ),
    notes=("plain", "with a statement:\n{}"),
    registries=REGISTRIES,
    names={account: AccountId(account) for account in ACCOUNTS[:11]} | {ACCOUNTS[11]: "sh\x1bop"},
)
HEALTHY = replace(
    REPORT,
    problems=(),
    notes=(),
    base=BaseIdentity(
        arn="arn:aws:iam::999999999999:user/ops",
        account=AccountId("999999999999"),
        seconds_left=None,
        clock_ahead=0.4,
    ),
    session_seconds=43_200,
    sts=StsUse(accounts=1, rate=2.5, measured=1),
    state=StateExamination(location=".fleet-repl", readable=OK, writable=OK),
    registries={Registry(ACCOUNTS[11], IRELAND): checks(OK, OK)},
)

TEXT = """\
Doctor of prod: 3 problems, 12 of 12 accounts affected

Problems
  the clock is off
    → set it:
      ntp
  11 accounts: AccessDenied on AssumeRole: trust policy, external id, SCP or RCP
    000000000001, 000000000002, 000000000003, 8 more
    in eu-west-1
    → see that it exists:
      fleet-repl bootstrap prod.toml
  1 account: the role lacks ecr:PutRegistryPolicy
    000000000012 (sh\\x1bop)
    in eu-west-1
    → add this:
      {"Effect":"Allow"},
      {"Effect":"Allow"}

Checks of registries          ok   failed  unknown
  role                         1       11        0
  account                      1        0       11
  region                       1        0       11
  ecr:PutRegistryPolicy        0        1       11

The run
  base identity    arn:aws:sts::999999999999:assumed-role/AWSReservedSSO_Ops_01/ann (sso)
  its credentials  last for 40 min 00 s more
  sessions         1h at the most
  clock            5 min 12 s behind AWS's
  STS              1,200 roles, 3.0 s at [apply] sts_rate = 400 a second; at most 380 in a \
second of this run
  endpoint         https://ecr.example.test
  proxy            http://proxy:3128
  dual-stack       on
  state            s3://state/prod (readable: ok, writable: unknown, conditional writes: ok)
  lock             apply X of ann@ci (process 7) holds the lock of fleet prod since noon
  freeze           frozen by ann@laptop since 2026-11-23T12:00:00Z: audit

Notes
  - plain
  - with a statement:
      {}

Lists are cut short: -v shows all, --report FILE.json keeps all.

Examined 12 registries in 12 accounts, in 4.2 s. Exit 4: 3 problems.
"""
SOUND = """\
Doctor of prod: healthy

Checks of registries          ok   failed  unknown
  role                         1        0        0
  account                      1        0        0
  region                       1        0        0
  ecr:PutRegistryPolicy        1        0        0

The run
  base identity    arn:aws:iam::999999999999:user/ops (user)
  its credentials  no end is known
  sessions         12h at the most
  clock            as AWS's
  STS              1 role, 0.4 s at [apply] sts_rate = 2.5 a second; at most 1 in a second of \
this run
  endpoint         AWS's own
  proxy            none
  dual-stack       off
  state            .fleet-repl (readable: ok, writable: ok, conditional writes: unknown)
  lock             nobody holds it
  freeze           none

Examined 1 registry in 1 account, in 4.2 s. Exit 0: done.
"""
MATRIX = """
Registries
  000000000001 eu-west-1: failed: role; unknown: account, region, ecr:PutRegistryPolicy
"""


def test_problems_come_first_and_equal_ones_together() -> None:
    """Then the checks in numbers, the run, and notes."""
    assert doctor_text(REPORT) == TEXT


def test_stand_ins_are_filled_in_where_there_is_one_account() -> None:
    """Elsewhere a line says what they stand for. A variable that ends in the same word stays."""
    remedy = "see AWS_REGION:\nenable --account ACCOUNT --region REGION"
    clock, several, single = (replace(problem, remedy=remedy) for problem in REPORT.problems)
    several = replace(several, regions=(IRELAND, Region("us-east-1")))
    text = doctor_text(replace(REPORT, problems=(single,)))
    assert "see AWS_REGION:\n      enable --account 000000000012 --region eu-west-1\n" in text
    assert "(Put" not in text
    text = doctor_text(replace(REPORT, problems=(several, single)))
    assert "enable --account ACCOUNT --region REGION\n" in text
    note = (
        "  (Put each account of the problem for ACCOUNT and each region of the problem for REGION.)"
    )
    assert f"\n{note}\n" in text
    assert doctor_text(replace(REPORT, problems=(replace(clock, remedy="x"),))).startswith(
        "Doctor of prod: 1 problem\n"
    )


def test_what_is_pasted_is_never_wrapped() -> None:
    """A command on two lines would be two commands, so a narrow terminal breaks it by itself."""
    command = "aws sts assume-role --role-arn arn:aws:iam::1:role/x --role-session-name doctor"
    problem = replace(REPORT.problems[0], remedy=f"look who answers there, as follows:\n{command}")
    text = doctor_text(replace(REPORT, problems=(problem,), notes=(f"see\n{command}",)), width=30)
    assert text.count(f"\n      {command}\n") == 2
    assert "    → look who answers there,\n        as follows:\n" in text


def test_a_healthy_fleet() -> None:
    """Nothing but numbers."""
    assert doctor_text(HEALTHY) == SOUND
    assert doctor_exit(HEALTHY) == 0


def test_a_full_page_lists_every_registry() -> None:
    """With what failed and what is unknown, and no list is cut."""
    text = doctor_text(REPORT, full=True)
    assert MATRIX in text
    assert "  000000000012 eu-west-1 (sh\\x1bop): failed: ecr:PutRegistryPolicy\n" in text
    assert "more\n    in" not in text
    assert "Lists are cut" not in text


def test_colours_change_no_word() -> None:
    """And no escape code of a name gets through."""
    coloured = doctor_text(REPORT, colour=True)
    assert "\x1b[" in coloured
    assert "sh\x1bop" not in coloured


def test_the_document() -> None:
    """Every member, and a schema that it fits."""
    document = json.loads(to_json(REPORT))
    Draft202012Validator(schema("doctor")).validate(document)
    assert document == doctor_document(REPORT)
    assert list(document) == ["schema", "fleet", "base", "problems", "registries"]
    assert document["schema"] == DOCTOR_SCHEMA == "fleet-repl/doctor/1"
    assert document["problems"][2] == {
        "kind": "write-denied",
        "accounts": ["000000000012"],
        "regions": ["eu-west-1"],
        "message": "the role lacks ecr:PutRegistryPolicy",
        "remedy": 'add this:\n{"Effect":"Allow"},\n{"Effect":"Allow"}',
    }
    assert document["registries"][11] == {
        "account": "000000000012",
        "region": "eu-west-1",
        "checks": {
            "role": "ok",
            "account": "ok",
            "region": "ok",
            "ecr:PutRegistryPolicy": "failed",
        },
    }
    assert document["base"] == {
        "arn": REPORT.base.arn,
        "account": "999999999999",
        "kind": "sso",
        "seconds_left": 2400.0,
        "longest_session_seconds": 3600,
        "clock_ahead_seconds": -312.04,
        "sts": {"accounts": 1200, "rate": 400, "seconds": 3.0, "measured": 380, "throttled": 2},
        "way": {
            "endpoints": ["https://ecr.example.test"],
            "proxy": "http://proxy:3128",
            "dual_stack": True,
        },
        "state": {
            "location": "s3://state/prod",
            "readable": "ok",
            "writable": "unknown",
            "conditional_writes": "ok",
            "lock": REPORT.state.lock,
            "frozen": REPORT.state.frozen,
        },
        "notes": ["plain", "with a statement:\n{}"],
    }


def test_junit_has_a_case_for_each_registry_and_for_the_run() -> None:
    """A CI server shows which ones fail, and why."""
    suite = ET.fromstring(to_junit(REPORT)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("13", "13")
    cases = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
    failure = cases["run: clock"]
    assert failure is not None
    assert (failure.get("type"), failure.text) == ("clock", "the clock is off\nset it:\nntp")
    assert all(failure is not None for failure in cases.values())
    sound = ET.fromstring(to_junit(HEALTHY)).find("testsuite")
    assert sound is not None
    assert (sound.get("tests"), sound.get("failures")) == ("1", "0")
