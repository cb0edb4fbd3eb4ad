"""`fleet-repl accounts`, and other commands over an inventory whose accounts are discovered."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import jsonschema
import pytest

from fleet_repl.cli.app import run
from fleet_repl.cli.library import Library
from fleet_repl.reports.documents.schemas import schema

Run: TypeAlias = Callable[..., tuple[int, str, str]]

FLEET = """\
version = 1
name = "org"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[organization]
exclude = ["999999999999"]
labels_from_tags = ["env"]
[[accounts]]
id = "111111111111"
labels = { tier = "hub" }
[[routes]]
name = "golden"
from = { labels = { tier = "hub" } }
to = { labels = { env = "prod" } }
"""
SCENARIO = """\
[organization]
management = "999999999999"
[[organization.units]]
id = "ou-sbox-workloads"
name = "Workloads"
[[organization.members]]
id = "999999999999"
[[organization.members]]
id = "111111111111"
name = "=hub"
[[organization.members]]
id = "222222222222"
name = "shop"
unit = "ou-sbox-workloads"
tags = { env = "prod" }
[[organization.members]]
id = "333333333333"
name = "old"
state = "CLOSED"
"""
TEXT = """\
Fleet org: 3 accounts, 3 registries
  discovered in o-sandbox0001 on NOW UTC

111111111111  =hub  (organization)
  regions  eu-west-1 (file)
  labels   ou=Root (ou), ou_path=Root (ou), tier=hub (file)
222222222222  shop  (organization)
  regions  eu-west-1 (file)
  labels   env=prod (tag), ou=Workloads (ou), ou_path=Workloads (ou)
333333333333  old   (organization)  retired (organization)
  regions  eu-west-1 (file)
  labels   ou=Root (ou), ou_path=Root (ou)
"""
SANDBOX = ("org.toml", "--sandbox", "--scenario", "org.scenario")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("org.toml").write_text(FLEET, encoding="utf-8")
    Path("org.scenario").write_text(SCENARIO, encoding="utf-8")


@pytest.fixture
def ended(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line with the library itself: the exit code, stdout and stderr."""

    def ended(*args: str) -> tuple[int, str, str]:
        code = run(args, Library())
        out, err = capsys.readouterr()
        return code, out, err

    return ended


def test_what_people_read(ended: Run) -> None:
    """A block for each account, and where each fact comes from."""
    code, out, _ = ended("accounts", *SANDBOX)
    assert code == 0
    assert re.sub(r"on \d{4}-\d\d-\d\d at \d\d:\d\d", "on NOW", out) == TEXT


def test_a_document_and_a_table(ended: Run) -> None:
    """Only accounts with the label; the document fits its schema, and no cell is a formula."""
    code, out, _ = ended("accounts", *SANDBOX, "--label", "env=prod", "--format", "json")
    assert code == 0
    document = json.loads(out)
    jsonschema.validate(document, schema("accounts"))
    (shop,) = document["accounts"]
    assert (shop["id"], shop["state"], shop["regions"]) == ("222222222222", "active", ["eu-west-1"])
    assert shop["origins"]["labels"] == {"env": "tag", "ou": "ou", "ou_path": "ou"}
    _, out, _ = ended("accounts", *SANDBOX, "--format", "csv")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["111111111111"]["name"] == "'=hub"
    assert rows["222222222222"]["labels"] == "env=prod ou=Workloads ou_path=Workloads"


def test_who_is_joining(ended: Run) -> None:
    """In every format: until a day after the account came. Nobody else is."""
    came = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    scenario = SCENARIO.replace('name = "shop"', f'name = "shop"\njoined = {came:%FT%TZ}')
    Path("org.scenario").write_text(scenario, encoding="utf-8")
    until = came + timedelta(hours=24)
    _, out, _ = ended("accounts", *SANDBOX)
    assert out.count("joining") == 1
    assert f"\n222222222222  shop  (organization)  joining until {until:%F at %H:%M} UTC\n" in out
    _, out, _ = ended("accounts", *SANDBOX, "--format", "json")
    document = json.loads(out)
    jsonschema.validate(document, schema("accounts"))
    times = [account.get("joining_until") for account in document["accounts"]]
    assert times == [None, f"{until:%FT%TZ}", None]
    _, out, _ = ended("accounts", *SANDBOX, "--format", "csv")
    rows = csv.DictReader(io.StringIO(out))
    assert [row["joining_until"] for row in rows] == ["", f"{until:%FT%TZ}", ""]


def test_a_label_that_nobody_has(ended: Run) -> None:
    """Is a slip, and wrong use."""
    code, out, err = ended("accounts", *SANDBOX, "--label", "env=prd")
    assert (code, out) == (64, "")
    assert 'no account has the label "env=prd"; did you mean "env=prod"?' in err


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ('to = { labels = { env = "prd" } }', 'no account has env = "prd"'),
        ("to = {}", "and ECR takes 1 unique destinations"),
    ],
    ids=["no account matches", "more destinations than ECR takes"],
)
def test_routes_that_do_not_fit_the_accounts_yet(route: str, problem: str, ended: Run) -> None:
    """Whoever mends a selector has to see the accounts and their labels; all else is refused."""
    text = FLEET.replace('to = { labels = { env = "prod" } }', route)
    exclude = 'exclude = ["999999999999"]'
    limited = "[limits]\ndestinations = 1\n[organization]\n"
    text = text.replace("[organization]\n" + exclude, limited)
    Path("org.toml").write_text(text, encoding="utf-8")
    code, out, err = ended("accounts", *SANDBOX)
    assert (code, err) == (0, "")
    assert "222222222222  shop" in out
    code, out, err = ended("plan", *SANDBOX)
    assert (code, out) == (1, "")
    assert problem in err


def test_a_plan_holds_the_accounts(ended: Run) -> None:
    """Whatever the scope; a route leads to whoever has the tag."""
    code, out, _ = ended("plan", *SANDBOX, "--format", "json")
    plan = json.loads(out)
    jsonschema.validate(plan, schema("plan"))
    assert code == 0
    assert [account["id"] for account in plan["accounts"]] == [
        *("111111111111", "222222222222", "333333333333")
    ]
    assert plan["summary"]["links_added"] == 1


def test_nothing_is_kept(ended: Run) -> None:
    """Refused with exit code 3, with what to do."""
    code, out, err = ended("drift", *SANDBOX, "--cached")
    assert (code, out) == (3, "")
    assert re.fullmatch(
        r"fleet-repl: no discovery of fleet org is kept in \S+\n    run without --cached once\n",
        err,
    )


def test_what_was_not_discovered_yet(ended: Run) -> None:
    """validate says what it cannot check, and graph has nothing to draw."""
    code, out, err = ended("validate", "org.toml")
    assert code == 0
    assert "not-discovered: the accounts of this fleet are discovered, which was not done" in out
    assert err == "accounts are discovered, and no discovery is at hand\n"
    code, out, err = ended("graph", "org.toml")
    assert (code, out) == (1, "")
    assert "the accounts of org are discovered, which was not done yet" in err


def test_what_is_wrong_once_accounts_are_known(ended: Run) -> None:
    """Every problem with its line, and nothing was written."""
    fleet = FLEET.replace('from = { labels = { tier = "hub" } }', 'from = { accounts = "shp" }')
    Path("org.toml").write_text(fleet, encoding="utf-8")
    code, out, err = ended("plan", *SANDBOX)
    assert (code, out) == (1, "")
    assert err == (
        "org.toml:14: routes[0].from.accounts: is not the id or name of an account that is listed "
        'or was discovered (found "shp")\n'
        '    did you mean "shop"?\n'
        "fleet-repl: 1 problem; nothing was written\n"
    )
