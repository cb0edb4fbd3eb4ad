"""Where an image goes, on the command line: text, documents, reasons, remedies and codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.support.command_line import Cli

from fleet_repl.cli.app import run
from fleet_repl.planning.explain import Reason
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.values.exit_code import ExitCode

FLEET = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"
regions = ["eu-west-1", "us-east-1"]

[[accounts]]
id = "333333333333"
name = "search"

[[accounts]]
id = "444444444444"
name = "old"
state = "retired"

[[external]]
id = "555555555555"
name = "partner"
regions = ["eu-west-1"]

[[external]]
id = "666666666666"
name = "other"
regions = ["eu-west-1"]

[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = ["shop", "partner"], regions = "eu-west-1" }
prefixes = ["base/", "prod"]

[[routes]]
name = "dr"
from = { accounts = "shop", regions = "eu-west-1" }
to = { same_account = true, regions = "us-east-1" }
"""
WHOLE = """\
base/python:3.13 in prod, by the inventory

Carried: 2 links
  111111111111 eu-west-1 (build) → 222222222222 eu-west-1 (shop)
    route golden, prefix base/
  111111111111 eu-west-1 (build) → 555555555555 eu-west-1 (partner)
    route golden, prefix base/
    its account is external: its owner has to let it in

Not carried: 4 registries
  the account of the destination is retired, so routes pass it over: 1 registry
    111111111111 eu-west-1 (build) → 444444444444 eu-west-1 (old)
  replication is not transitive: it gets to 222222222222/eu-west-1, which passes on only what \
is pushed there directly: 1 registry
    111111111111 eu-west-1 (build) → 222222222222 us-east-1 (shop)
  it is of an external account, and no route from the source names it: 1 registry
    111111111111 eu-west-1 (build) → 666666666666 eu-west-1 (other)
  no route leads there: 1 registry
    111111111111 eu-west-1 (build) → 333333333333 eu-west-1 (search)

Nothing to do.
"""
PASTED = """\
→ add this to the inventory if it should get there, and run fleet-repl apply prod.toml:
  [[routes]]
  name = "base"
  from = { accounts = "build", regions = "eu-west-1" }
  to = { accounts = "shop", regions = "us-east-1" }
  prefixes = ["base/"]
"""


@pytest.fixture(autouse=True)
def _prod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fleet in a file of the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prod.toml").write_text(FLEET, encoding="utf-8")


def test_links_and_reasons_are_listed(cli: Cli) -> None:
    """From one source: by route and prefix where it goes, and by reason where it does not."""
    ended = cli("explain", "prod.toml", "base/python:3.13", "--from", "build/eu-west-1")
    assert (ended.code, ended.out, ended.err) == (ExitCode.OK, WHOLE, "")


@pytest.mark.parametrize(
    ("what", "source", "destination", "reason", "because", "remedy"),
    [
        (
            "base/x",
            "111111111111/eu-west-1",
            "build/eu-west-1",
            Reason.SAME_REGISTRY,
            "the same registry",
            None,
        ),
        ("base/x", "partner/eu-west-1", "shop/eu-west-1", Reason.EXTERNAL_SOURCE, "receives", None),
        (
            "base/x",
            "old/eu-west-1",
            "shop/eu-west-1",
            Reason.RETIRED,
            "the account of the source",
            (
                'take state = "retired" off the account in the inventory and add this if it should '
                'get there, and run fleet-repl apply prod.toml:\n[[routes]]\nname = "base"\n'
            ),
        ),
        (
            "product",
            "shop/eu-west-1",
            "build/eu-west-1",
            Reason.NO_ROUTE,
            "no route leads there",
            "[[routes]]",
        ),
        (
            "bases/x",
            "build/eu-west-1",
            "shop/eu-west-1",
            Reason.OTHER_PREFIX,
            (
                "route golden leads there, but only with base/, prod, of which base/ comes "
                "nearest: bases/x does not begin with any of them"
            ),
            'prefixes = ["base/", "prod", "bases/"]',
        ),
        (
            "web/x",
            "build/eu-west-1",
            "shop/eu-west-1",
            Reason.OTHER_PREFIX,
            "only with base/, prod: web/x does not begin with any of them",
            'prefixes = ["base/", "prod", "web/"]',
        ),
        (
            "base/x",
            "build/eu-west-1",
            "shop/us-east-1",
            Reason.NOT_TRANSITIVE,
            "gets to 222222222222/eu-west-1",
            'to = { accounts = "shop", regions = "us-east-1" }',
        ),
        (
            "base/x",
            "search/eu-west-1",
            "shop/eu-west-1",
            Reason.NO_SOURCE,
            "no route starts from the source: nothing leaves it",
            "push it to 111111111111/eu-west-1, from which a route carries it there",
        ),
        (
            "base/x",
            "shop/us-east-1",
            "build/eu-west-1",
            Reason.NO_SOURCE,
            "it only receives",
            'to = { accounts = "build", regions = "eu-west-1" }',
        ),
        (
            "base/x",
            "shop/eu-west-1",
            "other/eu-west-1",
            Reason.EXTERNAL,
            "no route from the source names it",
            'to = { accounts = "other", regions = "eu-west-1" }',
        ),
    ],
)
def test_each_reason_has_its_words_and_its_remedy(
    cli: Cli,
    what: str,
    source: str,
    destination: str,
    reason: Reason,
    because: str,
    remedy: str | None,
) -> None:
    """Between two registries there is one answer, in a document that fits its schema."""
    args = ("--from", source, "--to", destination, "--format", "json")
    ended = cli("explain", "prod.toml", what, *args)
    assert ended.code == ExitCode.OK
    document = json.loads(ended.out)
    Draft202012Validator(schema("explain")).validate(document)
    (why,) = document["not_carried"]
    assert (document["what"], document["carried"], why["reason"]) == (what, [], reason)
    assert because in why["because"]
    assert document["remedy"] is None if remedy is None else remedy in document["remedy"]


def test_a_remedy_can_be_pasted(cli: Cli, tmp_path: Path) -> None:
    """The route to add makes a valid inventory, by which the image gets there."""
    args = ("base/x", "--from", "build/eu-west-1", "--to", "shop/us-east-1")
    text = cli("explain", "prod.toml", *args).out
    assert text.endswith(PASTED)
    route = "\n".join(line.strip() for line in PASTED.splitlines()[1:])
    (tmp_path / "prod.toml").write_text(f"{FLEET}\n{route}\n", encoding="utf-8")
    assert "Carried: 1 link\n" in cli("explain", "prod.toml", *args).out


def test_a_route_may_wait_for_a_retired_account(cli: Cli, tmp_path: Path) -> None:
    """It needs no other one: it carries the image there once the account is active again."""
    args = ("base/x", "--to", "old/eu-west-1")
    fleet = FLEET.replace('["shop", "partner"]', '["shop", "partner", "old"]')
    (tmp_path / "prod.toml").write_text(fleet, encoding="utf-8")
    assert cli("explain", "prod.toml", *args).out.endswith(
        '\n→ take state = "retired" off the account in the inventory, and run:\n'
        "  fleet-repl apply prod.toml\n"
    )
    active = fleet.replace('state = "retired"\n', "")
    (tmp_path / "prod.toml").write_text(active, encoding="utf-8")
    assert "Carried: 1 link\n" in cli("explain", "prod.toml", *args).out


def test_the_route_that_comes_nearest_is_widened(cli: Cli, tmp_path: Path) -> None:
    """Of several that lead to registries, whatever the order of these."""
    tools = '[[routes]]\nname = "tools"\nfrom = { accounts = "shop", regions = "eu-west-1" }\n'
    tools += 'to = { accounts = "build" }\nprefixes = ["tools/"]\n'
    fleet = f'{FLEET}prefixes = ["shop/"]\n{tools}'
    (tmp_path / "prod.toml").write_text(fleet, encoding="utf-8")
    for what, route in ("basis/x", "golden"), ("tool", "tools"):
        assert f"→ widen route {route} in the" in cli("explain", "prod.toml", what).out


def test_a_prefix_carries_what_begins_with_it(cli: Cli) -> None:
    """`prod` carries `production/x` too, as ECR's PREFIX_MATCH does."""
    args = ("production/x", "--to", "shop/eu-west-1", "--format", "json")
    (carried,) = json.loads(cli("explain", "prod.toml", *args).out)["carried"]
    assert carried == {
        "from": "111111111111/eu-west-1",
        "to": "222222222222/eu-west-1",
        "routes": ["golden"],
        "prefix": "prod",
        "status": None,
    }


def test_without_a_source_registries_are_listed_once(cli: Cli, tmp_path: Path) -> None:
    """Those that it gets to from nowhere, as a table with a row for each link too."""
    cli("explain", "prod.toml", "team/app", "--report", "out.csv", "--report", "out.md")
    rows = [*csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8")))]
    assert [(row["destination_account"], row["carried"], row["reason"]) for row in rows] == [
        ("222222222222", "true", ""),
        ("111111111111", "false", "no-route"),
        ("222222222222", "false", "other-prefix"),
        ("333333333333", "false", "no-route"),
        ("444444444444", "false", "retired"),
        ("555555555555", "false", "other-prefix"),
        ("666666666666", "false", "external"),
    ]
    page = (tmp_path / "out.md").read_text(encoding="utf-8")
    assert page.startswith("team/app in prod: 1 link carries it, and it does not get to 6 ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("Base/x",), '"Base/x" is no repository that ECR can have'),
        (("base/x", "--from", "bild/eu-west-1"), 'no account is called "bild"; did you mean'),
        (("base/x", "--to", "shop/eu-west-9"), 'no region "eu-west-9", but eu-west-1 and us-'),
        (("base/x", "--to", "shop"), '"shop" is no registry: write ACCOUNT/REGION'),
        (("base/x", "--format", "pdf"), "'pdf' is not one of 'text', 'json'"),
    ],
)
def test_wrong_questions_are_wrong_usage(cli: Cli, args: tuple[str, ...], message: str) -> None:
    """Exit code 64, with what would be right."""
    ended = cli("explain", "prod.toml", *args)
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert message in " ".join(ended.err.replace("│", " ").split())


def test_aws_is_asked_with_live(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules in place count, and not the inventory's alone; without --live, no sandbox is needed."""
    args = ("base/x:1", "--from", "build/eu-west-1", "--to", "shop/eu-west-1")
    assert run(["explain", "prod.toml", *args, "--live", "--sandbox", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(schema("explain")).validate(document)
    assert document["live"] is True
    (why,) = document["not_carried"]
    assert why["reason"] == Reason.NO_RULE
    assert document["remedy"].endswith(":\nfleet-repl apply prod.toml")
    ended = cli("explain", "prod.toml", *args, "--sandbox")
    assert (ended.code, "they need --live" in ended.err) == (ExitCode.USAGE, True)


def test_a_registry_that_cannot_be_read_is_partial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer says so, and the exit code is 4."""
    (tmp_path / "storm.toml").write_text(
        '[[accounts]]\nid = "111111111111"\ndenied = true\n', encoding="utf-8"
    )
    args = ("base/x", "--from", "build/eu-west-1", "--live", "--sandbox")
    assert run(["explain", "prod.toml", *args, "--scenario", "storm.toml"]) == ExitCode.PARTIAL
    text = capsys.readouterr().out
    assert "the rules of the source could not be read: AssumeRole: access-denied" in text
