"""A fleet is examined before any plan: each broken account is told rightly, equal ones once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import CheckState, DoctorReport, Selection, load_inventory, to_json
from fleet_repl.fleet.connect import connect
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.exit_codes import doctor_exit
from fleet_repl.reports.text.doctor import doctor_text
from fleet_repl.sandbox import AccountScenario, Scenario, serve, world_of
from fleet_repl.sandbox.scenario import FaultRule, Mishap
from fleet_repl.values.names import AccountId, Partition, RoleArn

ACCOUNTS = 70
ROLE = "arn:aws:iam::ACCOUNT:role/replication"
BASE = "arn:aws:iam::999999999999:user/sandbox"
HUB = "arn:aws:iam::999999999999:role/hub"
READS = {
    "GetCallerIdentity",
    "AssumeRole",
    "DescribeRegistry",
    "GetRegistryPolicy",
    "GetAccountSetting",
    "DescribeRepositoryCreationTemplates",
    "SimulatePrincipalPolicy",
}


def number(n: int) -> str:
    return f"{n:012d}"


def fleet() -> str:
    """Seventy accounts in two regions, all with a creation template."""
    accounts = "".join(
        f'[[accounts]]\nid = "{number(n)}"\nname = "a{n}"\n' for n in range(1, ACCOUNTS + 1)
    )
    return (
        'version = 1\nname = "prod"\n[aws]\nrole = "replication"\n'
        f'regions = ["eu-west-1", "us-east-1"]\n{accounts}'
        '[[templates]]\nname = "golden"\nprefix = "golden/"\nselect = {}\n'
        'tag_mutability = "immutable"\n'
        f'[[routes]]\nname = "golden"\nfrom = {{ accounts = "{number(70)}" }}\n'
        f'to = {{ accounts = "{number(69)}" }}\nprefixes = ["golden/"]\n'
    )


def three(first: int, **how: Any) -> list[AccountScenario]:
    """Three accounts with the same peculiarity."""
    return [AccountScenario(id=number(n), **how) for n in range(first, first + 3)]


BROKEN = Scenario(
    other_accounts=("222222222222",),
    accounts=(
        *three(1, denied=True),
        *three(4, answers_as="222222222222"),
        *three(7, disabled_regions=("us-east-1",)),
        *three(10, denied_actions=("ecr:DescribeRegistry",)),
        *three(13, denied_actions=("ecr:GetRegistryPolicy", "ecr:DescribeRegistry")),
        *three(16, denied_actions=("ecr:DescribeRepositoryCreationTemplates",)),
        *three(19, denied_actions=("ecr:PutReplicationConfiguration",)),
        *three(22, denied_actions=("ecr:PutRegistryPolicy", "ecr:DeleteRegistryPolicy")),
        *three(25, denied_actions=("iam:CreateServiceLinkedRole",)),
        *three(31, denied_actions=("iam:SimulatePrincipalPolicy",)),
        *three(34, denied_actions=("ecr:GetAccountSetting",)),
    ),
    faults=(
        FaultRule(
            kind=Mishap.GARBAGE,
            rate=1,
            operations=("GetRegistryPolicy",),
            accounts=tuple(number(n) for n in (28, 29, 30)),
            regions=("eu-west-1",),
        ),
    ),
)
"""Thirty broken accounts of ten kinds, and six of which something stays unknown."""

PROBLEMS = f"""\
Doctor of prod: 10 problems, 30 of 70 accounts affected

Problems
  3 accounts: AccessDenied on AssumeRole: trust policy, external id, SCP or RCP
    000000000001 (a1), 000000000002 (a2), 000000000003 (a3)
    in eu-west-1, us-east-1
    → see that {ROLE} exists and trusts {BASE} without an external id (the inventory has none), \
that the latter may sts:AssumeRole it, and that no SCP or RCP denies it; this prints what makes \
the role:
      fleet-repl bootstrap fleet.toml
  3 accounts: another account answers AssumeRole: account ACCOUNT was meant, and it is account \
222222222222
    000000000004 (a4), 000000000005 (a5), 000000000006 (a6)
    in eu-west-1, us-east-1
    → check the account in the inventory, its role, and AWS_ENDPOINT_URL:
      aws sts assume-role --role-arn {ROLE} --role-session-name doctor
  3 accounts: UnrecognizedClientException: the account has not enabled the region
    000000000007 (a7), 000000000008 (a8), 000000000009 (a9)
    in us-east-1
    → enable it, or take it out of the account's regions:
      aws account enable-region --account-id ACCOUNT --region-name us-east-1
  3 accounts: AccessDeniedException on DescribeRegistry
    000000000010 (a10), 000000000011 (a11), 000000000012 (a12)
    in eu-west-1, us-east-1
    → add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:
      {{"Effect":"Allow","Action":"ecr:DescribeRegistry","Resource":"*"}}
  3 accounts: AccessDeniedException on DescribeRegistry, GetRegistryPolicy
    000000000013 (a13), 000000000014 (a14), 000000000015 (a15)
    in eu-west-1, us-east-1
    → add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:
      {{"Effect":"Allow","Action":["ecr:DescribeRegistry","ecr:GetRegistryPolicy"],"Resource":"*"}}
  3 accounts: AccessDeniedException on DescribeRepositoryCreationTemplates
    000000000016 (a16), 000000000017 (a17), 000000000018 (a18)
    in eu-west-1, us-east-1
    → add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:
      {{"Effect":"Allow","Action":"ecr:DescribeRepositoryCreationTemplates","Resource":"*"}}
  3 accounts: service on GetRegistryPolicy: the answer is no JSON object
    000000000028 (a28), 000000000029 (a29), 000000000030 (a30)
    in eu-west-1
    → something on the way may have answered in AWS's place: check the proxy and \
AWS_ENDPOINT_URL; then look again:
      fleet-repl doctor fleet.toml --account ACCOUNT
  3 accounts: {ROLE} lacks ecr:PutRegistryPolicy, ecr:DeleteRegistryPolicy
    000000000022 (a22), 000000000023 (a23), 000000000024 (a24)
    in eu-west-1, us-east-1
    → add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:
      {{"Effect":"Allow","Action":["ecr:PutRegistryPolicy","ecr:DeleteRegistryPolicy"],\
"Resource":"*"}}
  3 accounts: {ROLE} lacks ecr:PutReplicationConfiguration
    000000000019 (a19), 000000000020 (a20), 000000000021 (a21)
    in eu-west-1, us-east-1
    → add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:
      {{"Effect":"Allow","Action":"ecr:PutReplicationConfiguration","Resource":"*"}}
  3 accounts: {ROLE} lacks iam:CreateServiceLinkedRole
    000000000025 (a25), 000000000026 (a26), 000000000027 (a27)
    in eu-west-1, us-east-1
    → add this to a policy of {ROLE}, and see that no SCP, RCP or permissions boundary denies it:
      {{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":\
"arn:aws:iam::*:role/aws-service-role/replication.ecr.amazonaws.com/*","Condition":\
{{"StringEquals":{{"iam:AWSServiceName":"replication.ecr.amazonaws.com"}}}}}},
      {{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":\
"arn:aws:iam::*:role/aws-service-role/ecr.amazonaws.com/*","Condition":\
{{"StringEquals":{{"iam:AWSServiceName":"ecr.amazonaws.com"}}}}}}
  (Put each account of the problem for ACCOUNT.)

Checks of registries                            ok   failed  unknown
  role                                         134        6        0
  account                                      128        6        6
  region                                       125        3       12
  ecr:DescribeRegistry                         113       12       15
  ecr:GetRegistryPolicy                        116        9       15
  ecr:GetAccountSetting                        116        0       24
  ecr:DescribeRepositoryCreationTemplates      116        6       18
  ecr:PutReplicationConfiguration              116        6       18
  ecr:PutRegistryPolicy                        116        6       18
  ecr:DeleteRegistryPolicy                     116        6       18
  ecr:CreateRepositoryCreationTemplate         122        0       18
  ecr:UpdateRepositoryCreationTemplate         122        0       18
  ecr:DeleteRepositoryCreationTemplate         122        0       18
  ecr:CreateRepository                         122        0       18
  iam:CreateServiceLinkedRole                  116        6       18

"""


async def examined(aws: Simulated, **how: Any) -> DoctorReport:
    async with aws.connected(purpose=None) as connection:
        return await connection.doctor(**how)


def checks(report: DoctorReport, n: int = 1, region: str = "eu-west-1") -> dict[str, str]:
    """The checks of one registry that are not ok."""
    (registry_checks,) = [
        some for at, some in report.registries.items() if at == (number(n), region)
    ]
    return {
        name: str(state) for name, state in registry_checks.items() if state is not CheckState.OK
    }


def document(report: DoctorReport) -> Any:
    """The report's document, which fits its schema."""
    parsed = json.loads(to_json(report))
    Draft202012Validator(schema("doctor")).validate(parsed)
    return parsed


async def test_thirty_broken_accounts_of_ten_kinds_are_reported_rightly() -> None:
    """Each kind is one group with its accounts, its regions and its remedy, and nothing of the
    other forty is a problem. No call is made that could write."""
    async with simulate(fleet(), BROKEN) as aws:
        report = await examined(aws)
        assert set(aws.world.calls) == READS
        assert aws.world.writes == []
    text = doctor_text(report).replace(str(Path(aws.inventory.path)), "fleet.toml")
    assert text[: len(PROBLEMS)] == PROBLEMS
    assert doctor_exit(report) == 4
    named = {account for problem in report.problems for account in problem.accounts}
    assert named == {number(n) for n in range(1, 31)}
    assert report.notes == (
        (
            "what 3 accounts may write is unknown: AccessDenied on SimulatePrincipalPolicy; this "
            "lets each role ask for itself:\n"
            '{"Effect":"Allow","Action":"iam:SimulatePrincipalPolicy",'
            '"Resource":"arn:aws:iam::*:role/*"}'
        ),
    )
    problem = document(report)["problems"][2]
    assert problem["kind"] == "region-disabled"
    assert problem["accounts"] == [number(n) for n in (7, 8, 9)]
    assert problem["regions"] == ["us-east-1"]


async def test_a_healthy_fleet_has_no_problem() -> None:
    """Every check passes, and each account takes one session and few calls."""
    async with simulate(fleet_text("1>2 base/", accounts=3)) as aws:
        report = await examined(aws)
        assert aws.world.calls == {
            "GetCallerIdentity": 1,
            "AssumeRole": 3,
            "DescribeRegistry": 3,
            "GetRegistryPolicy": 3,
            "GetAccountSetting": 3,
            "SimulatePrincipalPolicy": 3,
        }
    assert (report.problems, report.notes, doctor_exit(report)) == ((), (), 0)
    assert [checks(report, n) for n in (1, 2, 3)] == [{}, {}, {}]
    base = document(report)["base"]
    assert (base["arn"], base["kind"], base["seconds_left"]) == (BASE, "user", None)
    assert base["longest_session_seconds"] == 43_200
    assert abs(base["clock_ahead_seconds"]) < 60
    assert base["sts"] == {
        "accounts": 3,
        "rate": 400,
        "seconds": 0.007,
        "measured": 3,
        "throttled": 0,
    }
    assert base["way"] == {"endpoints": [aws.endpoint.url], "proxy": None, "dual_stack": False}
    assert base["state"] == {
        "location": str(aws.state.parent),
        "readable": "ok",
        "writable": "ok",
        "conditional_writes": "unknown",
        "lock": None,
        "frozen": None,
    }


async def test_nothing_is_left_in_the_state() -> None:
    """The state is looked at only."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await examined(aws)
        assert not (Path(aws.inventory.path).parent / ".fleet-repl").exists()


async def test_a_refused_account_is_unknown_beyond_its_role() -> None:
    """What comes behind the failure was not asked."""
    async with simulate(fleet(), BROKEN) as aws:
        report = await examined(aws, selection=Selection(accounts=("a1", "a4", "a7", "a70")))
    states = checks(report, 1)
    assert states.pop("role") == "failed"
    assert set(states.values()) == {"unknown"}
    assert checks(report, 4)["account"] == "failed"
    assert checks(report, 7) == {}
    assert checks(report, 7, "us-east-1")["region"] == "failed"
    assert len(report.registries) == 8


async def test_a_role_on_the_way_is_reported_once_for_all_accounts() -> None:
    """It is no problem of any account's own role."""
    text = fleet_text("1>2 base/").replace("[aws]\n", f'[aws]\nvia = ["{HUB}"]\n')
    async with simulate(text) as aws:
        aws.world.directory._via = ()
        report = await examined(aws)
    (problem,) = report.problems
    assert problem.kind == "via-refused"
    assert len(problem.accounts) == 4
    assert problem.message == (
        "AccessDenied on AssumeRole of a role of [aws] via: trust policy, external id, SCP or RCP"
    )
    assert problem.remedy.endswith(
        f"\naws sts assume-role --role-arn {HUB} --role-session-name doctor"
    )
    assert report.session_seconds == 3_600


async def test_a_role_behind_others_is_its_accounts_own_problem() -> None:
    """It has to trust the last role on the way."""
    text = fleet_text("1>2 base/").replace("[aws]\n", f'[aws]\nvia = ["{HUB}"]\n')
    async with simulate(text, Scenario(accounts=tuple(three(1, denied=True)))) as aws:
        report = await examined(aws)
    (problem,) = report.problems
    assert problem.kind == "role-refused"
    assert problem.accounts == (number(1), number(2), number(3))
    assert f"trusts {HUB} without an external id (the inventory has none), that" in problem.remedy


async def test_an_external_id_is_looked_for_and_never_shown() -> None:
    """The remedy says that the trust policy asks for one."""
    text = fleet_text("1>2 base/").replace("[aws]\n", '[aws]\nexternal_id = "${EXTERNAL_ID}"\n')
    async with simulate(text, Scenario(accounts=tuple(three(1, denied=True)))) as aws:
        report = await examined(aws)
    assert "and asks for the external id of the inventory" in report.problems[0].remedy
    assert "s3cr3t" not in to_json(report) + doctor_text(report, full=True)


async def test_a_retired_account_may_be_gone() -> None:
    """Its role is refused, and that is a note and no problem."""
    text = fleet_text("1>2 base/", accounts=3)
    retired = text.replace(f'id = "{number(3)}"\n', f'id = "{number(3)}"\nstate = "retired"\n')
    gone = Scenario(accounts=(AccountScenario(id=number(3), closed=True),))
    async with simulate(retired, gone) as aws:
        report = await examined(aws)
    assert report.problems == ()
    assert set(checks(report, 3).values()) == {"unknown"}
    assert report.notes == ("1 retired account cannot be reached: nothing is emptied there",)


async def test_a_base_identity_may_act_itself() -> None:
    """A user is asked about like a role."""
    text = fleet_text("1>2 base/")
    own = text.replace(f'id = "{number(1)}"\n', f'id = "{number(1)}"\nrole = "none"\n')
    lacking = AccountScenario(id=number(1), denied_actions=("ecr:PutRegistryPolicy",))
    async with simulate(own, Scenario(accounts=(lacking,))) as aws:
        report = await examined(aws)
    assert report.base.arn == f"arn:aws:iam::{number(1)}:user/sandbox"
    assert report.sts.accounts == 3
    (problem,) = report.problems
    assert problem.message == "the base identity lacks ecr:PutRegistryPolicy"
    assert problem.accounts == (number(1),)


async def test_without_grants_and_templates_less_is_needed() -> None:
    """Policies are neither read nor asked about."""
    text = fleet_text("1>2 base/", more='[ownership]\ngrants = "off"\n')
    denied = AccountScenario(id=number(1), denied_actions=("ecr:*RegistryPolicy",))
    async with simulate(text, Scenario(accounts=(denied,))) as aws:
        report = await examined(aws)
        assert "GetRegistryPolicy" not in aws.world.calls
    assert report.problems == ()
    assert list(next(iter(report.registries.values()))) == [
        *("role", "account", "region", "ecr:DescribeRegistry"),
        *("ecr:PutReplicationConfiguration", "iam:CreateServiceLinkedRole"),
    ]


async def test_a_freeze_and_a_lock_are_reported_and_no_problem() -> None:
    """Who holds them since when; a lock in the state shows that conditional writes work."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        async with aws.history() as history:
            await history.freeze("prod", who="ann@laptop", why="audit")
        frozen = await examined(aws)
        async with aws.history() as history:
            await history.unfreeze("prod")
        async with aws.connected(locked=True):
            held = await examined(aws)
        after = await examined(aws)
    assert frozen.state.frozen is not None
    assert frozen.state.frozen.startswith("ann@laptop since ")
    assert frozen.state.frozen.endswith(": audit")
    assert frozen.state.conditional_writes == "unknown"
    assert held.state.lock is not None
    assert "holds the lock of fleet prod since" in held.state.lock
    assert after.state.lock is None
    assert after.state.conditional_writes == "ok"
    assert [doctor_exit(report) for report in (frozen, held, after)] == [0, 0, 0]


async def test_a_state_that_cannot_be_read_is_a_problem() -> None:
    """The accounts are examined all the same."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        aws.state.mkdir(parents=True, mode=0o700)
        (aws.state / "lock.json").write_text("no lock")
        report = await examined(aws)
    (problem,) = report.problems
    assert (problem.kind, problem.accounts, problem.regions) == ("state", (), ())
    assert problem.message.startswith("the fleet's lock cannot be used: ")
    assert report.state.readable == "failed"
    assert len(report.registries) == 4


async def test_what_a_session_may_write_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM simulates users and roles, so a base identity that is a session is not asked about where
    it acts itself; and the sessions of roles that it assumes last an hour."""
    path = tmp_path / "fleet.toml"
    own = fleet_text("1>2 base/", accounts=2)
    path.write_text(own.replace(f'id = "{number(1)}"\n', f'id = "{number(1)}"\nrole = "none"\n'))
    inventory = load_inventory(path, environ={})
    world = world_of(inventory)
    role = RoleArn(partition=Partition.AWS, account=AccountId(number(1)), path="ops")
    key = world.keyring.open_session(world.directory.assumed(role, "ann"), 3600)
    async with serve(world) as server:
        environment = {
            **server.environment(),
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_SESSION_TOKEN": key.token or "",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        async with connect(inventory, purpose=None) as connection:
            report = await connection.doctor(selection=Selection(accounts=(number(1),)))
    assert world.calls["SimulatePrincipalPolicy"] == 0
    assert (report.base.kind, report.session_seconds) == ("assumed-role", 3_600)
    assert report.base.way.endpoints == (server.url,)
    assert report.problems == ()
    assert checks(report)["ecr:PutReplicationConfiguration"] == "unknown"
    assert report.notes == (
        (
            "what 1 account may write is unknown: IAM simulates roles and users, and who acts "
            "there itself is no known one"
        ),
    )


async def test_a_profile_that_is_not_there_is_its_accounts_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own identity cannot be had, and the other account is examined all the same."""
    path = tmp_path / "fleet.toml"
    text = fleet_text("1>2 base/", accounts=2)
    path.write_text(text.replace(f'id = "{number(2)}"\n', f'id = "{number(2)}"\nprofile = "ops"\n'))
    inventory = load_inventory(path, environ={})
    async with serve(world_of(inventory)) as server:
        environment = {
            **server.environment(),
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        async with connect(inventory, purpose=None) as connection:
            report = await connection.doctor()
    (problem,) = report.problems
    assert (problem.kind, problem.accounts) == ("role-failed", (number(2),))
    assert problem.message == (
        "access-denied on credentials: profile ops: there is no usable base identity: The config "
        "profile (ops) could not be found"
    )
    assert problem.remedy == (
        "see `aws configure list-profiles`, and set AWS_PROFILE or [aws] profile; then look again:"
        f"\nfleet-repl doctor {path} --account ACCOUNT"
    )
    assert checks(report, 1) == {}
    assert checks(report, 2)["role"] == "failed"


async def test_a_bad_day_breaks_no_account() -> None:
    """Throttling, lost sessions, errors of AWS and fresh credentials that are refused at first all
    pass; what STS has throttled is noted."""
    bad = Scenario(
        sts_rate=2,
        sessions_expire_after_calls=3,
        sessions_refused_for_seconds=2,
        faults=(
            FaultRule(kind=Mishap.SERVER_ERROR, rate=0.1),
            FaultRule(kind=Mishap.THROTTLED, rate=0.1),
            FaultRule(kind=Mishap.DROPPED, rate=0.05),
        ),
    )
    async with simulate(fleet_text("1>2 base/", accounts=12), bad) as aws:
        report = await examined(aws)
        assert aws.world.writes == []
    assert report.problems == ()
    assert report.sts.throttled > 0
    assert [note.partition(" refused ")[0] for note in report.notes] == ["STS"]
    states = {state for some in report.registries.values() for state in some.values()}
    assert states == {CheckState.OK}


async def test_an_interruption_ends_it() -> None:
    """What was examined by then is told, with the exit code of interruptions."""
    async with (
        simulate(fleet_text("1>2 base/")) as aws,
        aws.connected(purpose=None) as connection,
    ):
        connection.stop()
        report = await connection.doctor()
    assert report.interrupted
    assert report.registries == {}
    assert doctor_exit(report) == 130
    assert "Examined 0 registries in 0 accounts" in doctor_text(report)


async def test_after_the_deadline_the_rest_is_a_problem() -> None:
    """Registries that nobody came to are failed reads."""
    async with (
        simulate(fleet_text("1>2 base/")) as aws,
        aws.connected(purpose=None) as connection,
    ):
        aws.clock.seconds += 7201
        report = await connection.doctor()
    (problem,) = report.problems
    assert problem.kind == "read-failed"
    assert len(problem.accounts) == 4
    assert problem.message == (
        "timeout on DescribeRegistry: the run's deadline of 7200 s had passed"
    )


async def test_a_writing_connection_examines_as_well() -> None:
    """Sessions that may write are no hindrance, and nothing is written with them."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        async with aws.connected() as connection:
            report = await connection.doctor()
        assert aws.world.writes == []
    assert report.problems == ()
