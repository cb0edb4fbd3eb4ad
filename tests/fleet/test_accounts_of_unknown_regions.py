"""An account does not say which regions it has enabled, so its registries cannot be read: every
command that reads the fleet says so, and ends with the same exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from tests.support.simulated import Simulated, simulate

from fleet_repl import Inventory, Selection, load_inventory
from fleet_repl.cli.app import run
from fleet_repl.cli.library import Library
from fleet_repl.inventory import Discovery, Member
from fleet_repl.planning.discovery import resolved
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.exit_codes import delivery_exit, doctor_exit, plan_exit, report_exit
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.render import render
from fleet_repl.runs.outcomes import Report
from fleet_repl.sandbox import AccountScenario, MemberScenario, OrganizationScenario, Scenario
from fleet_repl.topology import EVERYTHING
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import AccountId
from fleet_repl.watch.round import Verdict, looked

BASE: Final = "9" * 12
SILENT: Final = "000000000002"
FLEET: Final = f"""\
version = 1
name = "org"
[aws]
role = "fleet"
external_id = "${{EXTERNAL_ID}}"
regions = "enabled"
[organization]
exclude = ["{BASE}"]
[[accounts]]
id = "000000000001"
regions = ["eu-west-1"]
[[accounts]]
id = "000000000003"
regions = ["eu-west-1"]
[[routes]]
name = "golden"
from = {{ accounts = "000000000001" }}
to = {{ accounts = "000000000003" }}
prefixes = ["base/"]
"""
OTHERS: Final = Selection(accounts=("000000000001", "000000000003"))
FAULT: Final = Fault(
    kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no", role_refused=True
)
REFUSED: Final = AccountScenario(id=SILENT, denied=True)
UNSAID: Final = AccountScenario(id=SILENT, denied_actions=("account:*", "ec2:*"))


def scenario(silent: AccountScenario, **member: Any) -> Scenario:
    """An organization in which account 2 says nothing of its regions."""
    members = (
        MemberScenario(id=BASE),
        MemberScenario(id="000000000001"),
        MemberScenario(id=SILENT, name="shop", **member),
        MemberScenario(id="000000000003"),
    )
    organization = OrganizationScenario(management=BASE, members=members)
    return Scenario(organization=organization, accounts=(silent,))


@dataclass
class Known(Library):
    """The library with an inventory whose accounts are discovered already."""

    inventory: Inventory

    async def discover(self, inventory: Inventory, **how: Any) -> Inventory:
        return self.inventory


def rendered(result: Documented, format_: ReportFormat = ReportFormat.TEXT) -> str:
    return "".join(render(result, format_))


async def walk(
    aws: Simulated, selection: Selection = EVERYTHING
) -> tuple[dict[str, ExitCode], dict[str, Documented]]:
    """Plans, applies and asks all there is to ask of a fleet: the exit codes and the results."""
    async with aws.connected() as fleet:
        plan = await fleet.plan(selection=selection)
        report = await fleet.apply(plan)
        drift = await fleet.plan(selection=selection)
        delivery = await fleet.verify(selection=selection)
        coverage = await fleet.coverage(selection=selection)
        doctor = await fleet.doctor(selection=selection)
    codes = {
        "plan": plan_exit(plan, detailed=False),
        "apply": report_exit(report),
        "drift": plan_exit(drift, detailed=True),
        "verify": delivery_exit(delivery),
        "coverage": delivery_exit(coverage),
        "doctor": doctor_exit(doctor),
    }
    return codes, {"plan": plan, "apply": report, "verify": delivery, "coverage": coverage}


@pytest.mark.parametrize("silent", [REFUSED, UNSAID], ids=["refused", "unsaid"])
async def test_every_command_ends_with_the_same_code(silent: AccountScenario) -> None:
    """4, whether its role is refused or the question alone: the text says why. Where a command is
    about other accounts, it ends well."""
    async with simulate(FLEET, scenario(silent)) as aws:
        codes, results = await walk(aws)
        of_others, _ = await walk(aws, OTHERS)
    assert codes == dict.fromkeys(codes, ExitCode.PARTIAL)
    assert of_others == dict.fromkeys(codes, ExitCode.OK)
    for name, result in results.items():
        text = rendered(result)
        assert "unknown-regions: 1 account did not say which regions" in text, name
        assert name == "plan" or "Exit 4: regions of accounts unknown.\n" in text, name


async def test_documents_and_junit_say_it() -> None:
    """As a warning and as the status; as a case in error, so that no CI server shows green."""
    async with simulate(FLEET, scenario(REFUSED)) as aws:
        _, results = await walk(aws)
    kinds = {"plan": "plan", "apply": "report", "verify": "delivery", "coverage": "coverage"}
    for name, result in results.items():
        document = json.loads(rendered(result, ReportFormat.JSON))
        jsonschema.validate(document, schema(kinds[name]))
        assert [warning["kind"] for warning in document["warnings"]] == ["unknown-regions"]
        assert document.get("status", "partial") == "partial"
        for format_ in (ReportFormat.MD, ReportFormat.HTML):
            assert "unknown-regions" in rendered(result, format_), (name, format_)
        suite = ET.fromstring(rendered(result, ReportFormat.XML))
        (case,) = suite.findall(".//testcase[@name='enabled regions']")
        assert [child.tag for child in case] == ["error"], name


async def test_a_round_of_a_watch_is_partial() -> None:
    """As its exit code is, though nothing differs."""
    async with simulate(FLEET, scenario(REFUSED)) as aws:
        _, results = await walk(aws)
        plan = await aws.planned()
    assert looked(plan, fix=False) == (Verdict.PARTIAL, ExitCode.PARTIAL)
    assert isinstance(report := results["apply"], Report)
    assert report.status == "partial"


async def test_an_account_that_is_joining_is_no_failure() -> None:
    """Its role cannot be assumed yet, so it cannot say its regions: every command ends well, and
    says why nothing is known of it. A day later that is a failure."""
    joined = scenario(REFUSED, joins_after=3600)
    async with simulate(FLEET, joined) as aws:
        await aws.applied()
        aws.clock.seconds = 2 * 3600
        codes, results = await walk(aws)
        aws.clock.seconds = 26 * 3600
        later, _ = await walk(aws)
    assert codes == dict.fromkeys(codes, ExitCode.OK)
    assert later == dict.fromkeys(codes, ExitCode.PARTIAL)
    text = rendered(results["plan"])
    assert "joining: account 000000000002 joined 0 min ago; its role cannot be assumed yet" in text
    assert "unknown-regions" not in text


def test_the_list_of_accounts_ends_with_that_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of an account that is joining, it ends well. A label narrows it, as elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTERNAL_ID", "s3cr3t")
    fleet = FLEET.replace('id = "000000000001"', 'id = "000000000001"\nlabels = { team = "a" }')
    Path("org.toml").write_text(fleet, encoding="utf-8")
    listed = load_inventory("org.toml")
    now = SYSTEM.now()
    for hours, code, kind in ((30, 4, "unknown-regions"), (3, 0, "joining")):
        joined = now - timedelta(hours=hours)
        member = Member(id=AccountId(SILENT), name="shop", state="ACTIVE", joined=joined)
        discovery = Discovery(at=now, members=(member,), unanswered={member.id: FAULT})
        library = Known(inventory=resolved(listed, discovery))
        assert run(("accounts", "org.toml"), library) == code
        assert f"  {kind}: " in capsys.readouterr().out
        assert run(("accounts", "org.toml", "--label", "team=a"), library) == 0
        assert kind not in capsys.readouterr().out
