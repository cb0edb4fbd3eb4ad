"""`repair` on the command line: the question, codes, documents, and wrong use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from jsonschema import Draft202012Validator
from tests.cli.test_wait import IN_PLACE, PROD
from tests.support.command_line import Cli, FakeBackend, FakeFleet, Terminal
from tests.support.registries import registry_of

from fleet_repl import Fault, FaultKind, ImagePut, Purpose, Reput, ReputState, load_inventory
from fleet_repl.cli.app import run
from fleet_repl.cli.log import now
from fleet_repl.fleet import lacking
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.log_entries import entry_of
from fleet_repl.runs.repair import Lacking
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.images import ImageName
from fleet_repl.values.text import timestamp

QUESTION = "Start up to 1 backfill of demo? [y/N] "


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `verify` says of a fleet in the simulated AWS, both in files of the current folder."""
    monkeypatch.chdir(tmp_path)
    one_route = PROD.partition('[[routes]]\nname = "dr"')[0]
    (tmp_path / "prod.toml").write_text(one_route, encoding="utf-8")
    (tmp_path / "aws.toml").write_text(IN_PLACE, encoding="utf-8")
    file = tmp_path / "delivery.json"
    run(["verify", "prod.toml", *SANDBOX, "--quiet", "--report", str(file)])
    return file


SANDBOX = ("--sandbox", "--scenario", "aws.toml")


def test_missing_grants_are_refused(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, with the remedy."""
    capsys.readouterr()
    assert run(["repair", "prod.toml", str(document), *SANDBOX]) == ExitCode.REFUSED
    ended = capsys.readouterr()
    assert ended.out == ""
    assert "search" not in ended.err
    assert "its registry policy does not grant ecr:ReplicateImage (base/" in ended.err
    assert ended.err.endswith("in place first: fleet-repl apply prod.toml\n")


def test_what_is_lacking_is_copied(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once the grants are there: exit code 0, and the document of a backfill."""
    policy = IN_PLACE.split("policy = ", 1)[1]
    text = f'{IN_PLACE}\n[[registries]]\naccount = "333333333333"\nregion = "eu-west-1"\npolicy = '
    (document.parent / "aws.toml").write_text(text + policy, encoding="utf-8")
    capsys.readouterr()
    args = ("--wait", "--format", "json")
    code = run(["repair", "prod.toml", str(document), *SANDBOX, *args, "--quiet"])
    report = json.loads(capsys.readouterr().out)
    Draft202012Validator(schema("backfill")).validate(report)
    assert (code, report["mode"], report["status"]) == (0, "repair", "ok")
    ends = [(item["destination"]["account"], item["state"]) for item in report["backfills"]]
    assert ends == [("222222222222", "complete"), ("333333333333", "complete")]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("prod.toml",), ExitCode.REFUSED, "the document cannot be read: prod.toml: it is no JSON"),
        (
            ("prod.toml",),
            ExitCode.REFUSED,
            "it is no JSON object fleet-repl verify or coverage INVENTORY --report FILE.json",
        ),
        (("none.json",), ExitCode.ERROR, "the document cannot be read: none.json: No such file"),
        (("delivery.json", "--max-age", "1h", "--dry-run", "--wait"), ExitCode.USAGE, "leave --w"),
        (("delivery.json", "--report", "delivery.json"), ExitCode.ERROR, "delivery.json: "),
    ],
)
def test_documents_that_cannot_be_used(
    document: Path, cli: Cli, args: tuple[str, ...], code: ExitCode, message: str
) -> None:
    """Found out before AWS is called."""
    ended = cli("repair", "prod.toml", *args)
    assert (ended.code, ended.out) == (code, "")
    assert message in " ".join(ended.err.replace("│", " ").split())


def test_the_question(cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal) -> None:
    """What would be started is shown, then the question; a no is exit code 3. With --yes, and for a
    dry run, there is none."""
    file = fitting(cli, inventory, fleet)
    seated.type("n\n")
    assert cli("repair", inventory, file).code == ExitCode.REFUSED
    assert fleet.asked == ["repair --dry-run"]
    assert QUESTION in seated.screen()
    fleet.asked.clear()
    seated.type("y\n")
    assert cli("repair", inventory, file, "--wait").code == ExitCode.OK
    assert fleet.asked == ["repair --dry-run", "repair --wait"]
    fleet.asked.clear()
    assert cli("repair", inventory, file, "--yes").code == ExitCode.OK
    assert cli("repair", inventory, file, "--dry-run").code == ExitCode.OK
    assert fleet.asked == ["repair", "repair --dry-run"]


def test_the_document_is_read_once(
    cli: Cli, fleet: FakeFleet, inventory: str, seated: Terminal
) -> None:
    """What somebody says yes to is what is done: the file may be another by then. And a document
    may have a million entries."""
    file = fitting(cli, inventory, fleet)
    seated.type("y\n")
    repair = fleet.repair
    with (
        mock.patch.object(lacking, "load_lacking", side_effect=lacking.load_lacking) as read,
        mock.patch.object(fleet, "repair", side_effect=repair) as repaired,
    ):
        assert cli("repair", inventory, file).code == ExitCode.OK
    assert read.call_count == 1
    looked, done = [call.args[0] for call in repaired.call_args_list]
    assert isinstance(looked, Lacking)
    assert looked is done


def test_images_are_put_again(
    cli: Cli, backend: FakeBackend, fleet: FakeFleet, inventory: str, seated: Terminal
) -> None:
    """What would be put is shown, then the question. The sessions of this run may put images."""
    file = fitting(cli, inventory, fleet)
    image = ImageName(repository="base/go", digest="sha256:" + "a" * 64)
    reput = Reput(source=registry_of("1"), image=image, destinations=(), state=ReputState.LACKING)
    fleet.backfills = replace(fleet.backfills, backfills=(), reputs=(reput,))
    seated.type("y\n")
    assert cli("repair", inventory, file, "--reput").code == ExitCode.OK
    assert fleet.asked == ["repair --reput --dry-run", "repair --reput"]
    assert backend.purposes[-1] is Purpose.REPAIR
    screen = " ".join(seated.screen().split())
    assert f"{image} in 111111111111 eu-west-1: lacking" in screen
    assert "Put 1 image of demo again, each under a tag of its own? [y/N]" in screen


def test_log_lines() -> None:
    """Of an image that was put, and of one that was not."""
    place: dict[str, Any] = {"source": registry_of("1"), "what": "base/go@sha256:aa"}
    put = entry_of(ImagePut(**place, tag="reput-1"))
    assert put is not None
    assert (put.event, put.message) == (
        "image-put",
        "111111111111/eu-west-1: base/go@sha256:aa put as reput-1",
    )
    fault = Fault(kind=FaultKind.NETWORK, operation="PutImage", message="reset")
    failed = entry_of(ImagePut(**place, tag=None, error=fault))
    assert failed is not None
    assert (failed.level, failed.fields["operation"]) == ("error", "PutImage")


def test_an_interruption(cli: Cli, fleet: FakeFleet, inventory: str) -> None:
    """Exit code 130, and what was started is told."""
    file = fitting(cli, inventory, fleet)
    fleet.applying = fleet.until_stopped
    ended = cli("repair", inventory, file, "--yes")
    assert ended.code == ExitCode.INTERRUPTED
    assert "leaving backfills to AWS, where they go on" in ended.err


def fitting(cli: Cli, inventory: str, fleet: FakeFleet) -> str:
    """A document that was made by this version of the inventory just now."""
    cli("verify", inventory, "--report", "made.json")
    content = json.loads(Path("made.json").read_text(encoding="utf-8"))
    content.pop("digest")
    content["fleet"] = load_inventory(inventory).name
    content["inventory"]["digest"] = load_inventory(inventory).digest
    content["finished_at"] = timestamp(now())
    Path("made.json").write_text(json.dumps(content), encoding="utf-8")
    fleet.asked.clear()
    return "made.json"
