"""Log lines on stderr: which events are worth one, as text and as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.command_line import FakeFleet
from tests.support.registries import registry_of

from fleet_repl.cli.flags import Format
from fleet_repl.cli.log import Log
from fleet_repl.cli.options import CommonOptions
from fleet_repl.cli.streams import Streams
from fleet_repl.planning.change import Action, Resource
from fleet_repl.runs.events import (
    CallRetried,
    Event,
    IdentityNotNarrowed,
    PlanMade,
    RegistryFinished,
    RegistryRead,
    RunFinished,
    RunStarted,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.errors import Fault, FaultKind, InventoryError, Problem

HERE = registry_of("1")
SLOW_DOWN = Fault(
    kind=FaultKind.THROTTLED,
    operation="DescribeRegistry",
    code="TooManyRequestsException",
    message="Rate exceeded",
    request_id="7a",
)
NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
MOMENT = "2026-11-23T12:00:00.250Z"
FAULT = {
    "kind": "throttled",
    "operation": "DescribeRegistry",
    "code": "TooManyRequestsException",
    "request_id": "7a",
}
PLACE = {"account": "111111111111", "region": "eu-west-1"}
TOLD = "DescribeRegistry: throttled (TooManyRequestsException): Rate exceeded [request 7a]"


def log(**options: Any) -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    streams = Streams(stdin=None, stdout=io.StringIO(), stderr=stream, environ={})
    return Log(streams, CommonOptions(**options), clock=lambda: NOON), stream


def ended(outcome: Outcome, **fields: Any) -> RegistryFinished:
    return RegistryFinished(
        outcome=RegistryOutcome(registry=HERE, name="build", outcome=outcome, **fields)
    )


LINES: list[tuple[Event, str, dict[str, object]]] = [
    (
        RunStarted(run_id="run", registries=2_000, accounts=1_000),
        "info    run run: 2,000 registries in 1,000 accounts",
        {"event": "run-started", "run_id": "run", "registries": 2_000, "accounts": 1_000},
    ),
    (
        RegistryRead(registry=HERE, error=SLOW_DOWN),
        f"error   111111111111/eu-west-1: {TOLD}",
        {"event": "registry-unreadable", **PLACE, **FAULT},
    ),
    (
        IdentityNotNarrowed(account=HERE.account, error=SLOW_DOWN),
        "info    111111111111: the base identity is not narrowed to this run's calls: " + TOLD,
        {"event": "identity-not-narrowed", "account": HERE.account, **FAULT},
    ),
    (
        CallRetried(
            account=HERE.account,
            operation="DescribeRegistry",
            error=SLOW_DOWN,
            attempt=2,
            delay=0.4321,
        ),
        f"warning 111111111111: {TOLD}; attempt 2 failed, next in 0.4 s",
        {
            "event": "call-retried",
            "account": "111111111111",
            **FAULT,
            "attempt": 2,
            "delay": 0.432,
        },
    ),
    (
        CallRetried(
            account=None,
            operation="GetCallerIdentity",
            error=SLOW_DOWN,
            attempt=1,
            delay=1,
        ),
        f"warning base identity: {TOLD}; attempt 1 failed, next in 1.0 s",
        {
            "event": "call-retried",
            "account": None,
            **FAULT,
            "operation": "GetCallerIdentity",
            "attempt": 1,
            "delay": 1,
        },
    ),
    (
        WriteStarted(registry=HERE, resource=Resource.REGISTRY_POLICY, action=Action.CREATE),
        "info    111111111111/eu-west-1: create registry-policy",
        {"event": "write-started", **PLACE, "resource": "registry-policy", "action": "create"},
    ),
    (
        WriteSettled(registry=HERE, resource=Resource.REGISTRY_POLICY, outcome=Outcome.APPLIED),
        "info    111111111111/eu-west-1: registry-policy applied",
        {"event": "write-settled", **PLACE, "resource": "registry-policy", "outcome": "applied"},
    ),
    (
        WriteSettled(
            registry=HERE,
            resource=Resource.REGISTRY_POLICY,
            outcome=Outcome.FAILED,
            error=SLOW_DOWN,
        ),
        f"error   111111111111/eu-west-1: registry-policy failed: {TOLD}",
        {
            "event": "write-settled",
            **PLACE,
            "resource": "registry-policy",
            "outcome": "failed",
            **FAULT,
        },
    ),
    (
        ended(Outcome.FAILED, error=SLOW_DOWN),
        f"error   111111111111/eu-west-1: {TOLD}",
        {"event": "registry-finished", **PLACE, **FAULT},
    ),
    (
        ended(Outcome.SKIPPED, because="the deadline had passed"),
        "info    111111111111/eu-west-1: skipped: the deadline had passed",
        {
            "event": "registry-finished",
            **PLACE,
            "outcome": "skipped",
            "because": "the deadline had passed",
        },
    ),
]


@pytest.mark.parametrize(("event", "line", "fields"), LINES)
def test_an_event_as_text_and_as_json(event: Event, line: str, fields: dict[str, object]) -> None:
    """With -v each has its line; for machines the facts have fields of their own."""
    text, stream = log(verbose=True)
    text.event(event)
    assert stream.getvalue() == f"{MOMENT} {line}\n"
    document, stream = log(verbose=True, log_format=Format.JSON)
    document.event(event)
    level, message = line.split(maxsplit=1)
    assert json.loads(stream.getvalue()) == {
        "time": MOMENT,
        "level": level,
        "message": message,
        **fields,
    }


@pytest.mark.parametrize(
    "event", [RegistryRead(registry=HERE), ended(Outcome.UNCHANGED)], ids=["read", "unchanged"]
)
def test_what_goes_well_is_no_news(event: Event) -> None:
    """A hundred thousand registries that are fine fill no log."""
    quiet, stream = log(verbose=True)
    quiet.event(event)
    assert stream.getvalue() == ""


def test_without_v_there_are_no_lines() -> None:
    """Whatever the format."""
    for format_ in Format:
        silent, stream = log(log_format=format_)
        for event, _, _ in LINES:
            silent.event(event)
        assert stream.getvalue() == ""


def test_a_runs_end(fleet: FakeFleet) -> None:
    """The plan and the status are worth a line."""
    verbose, stream = log(verbose=True)
    verbose.event(PlanMade(plan=fleet.made))
    verbose.event(RunFinished(report=fleet.report))
    assert stream.getvalue() == (
        f"{MOMENT} info    plan {fleet.made.digest}: 1 change\n{MOMENT} info    run run: ok\n"
    )


def test_notes_errors_and_problems_as_json() -> None:
    """Everything on stderr is one object a line, so that a collector can read it."""
    machine, stream = log(log_format=Format.JSON)
    machine.note("stopping")
    machine.failure("no identity\nset one")
    machine.block("a plan\nfor people\n")
    machine.problems(
        InventoryError([Problem(file="a.toml", line=1, key="name", message="is missing")])
    )
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(item["level"], item["event"], item["message"]) for item in entries] == [
        ("info", "note", "stopping"),
        ("error", "error", "no identity\nset one"),
        ("error", "problem", "is missing"),
        ("error", "error", "1 problem; nothing was called"),
    ]
    assert entries[2]["key"] == "name"


def test_quiet_leaves_errors() -> None:
    """Notes and plans go, errors stay, each of their lines harmless."""
    hushed, stream = log(quiet=True)
    hushed.note("stopping")
    hushed.block("a plan\n")
    hushed.failure("no\x1b[2J identity\nset one")
    assert stream.getvalue() == "fleet-repl: no\\x1b[2J identity\nset one\n"


class Gone(io.StringIO):
    """A stream whose reader has left."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    """It falls silent; the run is what matters."""
    streams = Streams(stdin=None, stdout=io.StringIO(), stderr=Gone(), environ={})
    lost = Log(streams, CommonOptions(verbose=True))
    lost.failure("one")
    lost.block("two\n")
    lost.event(LINES[0][0])


class AtTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(**options: Any) -> tuple[Log, io.StringIO]:
    """A log on a terminal of 40 columns."""
    stream = AtTerminal()
    environ = {"COLUMNS": "40", "NO_COLOR": "1", "TERM": "dumb"}
    streams = Streams(stdin=None, stdout=io.StringIO(), stderr=stream, environ=environ)
    return Log(streams, CommonOptions(**options), clock=lambda: NOON), stream


def test_messages_fit_a_terminal() -> None:
    """They break between words. What follows stands less far in than a remedy, and further in than
    that within one; a command or a statement to paste stays whole."""
    shown, stream = at_terminal()
    shown.failure(
        "there is no usable base identity: Unable to locate credentials\n"
        "    set AWS_PROFILE, or put credentials in the environment\n"
        "    aws organizations list-policies-for-target --target-id 222222222222\n"
        '    {"Effect":"Allow","Action":"ecr:GetRegistryPolicy","Resource":"*"}'
    )
    assert stream.getvalue().splitlines() == [
        "fleet-repl: there is no usable base",
        "  identity: Unable to locate credentials",
        "    set AWS_PROFILE, or put credentials",
        "      in the environment",
        "    aws organizations list-policies-for-target --target-id 222222222222",
        '    {"Effect":"Allow","Action":"ecr:GetRegistryPolicy","Resource":"*"}',
    ]


def test_a_traceback_is_not_wrapped() -> None:
    """It is for a report, as it is."""
    shown, stream = at_terminal(verbose=True)
    shown.trace('  File "/a/long/path/of/a/module/of/fleet-repl.py", line 76, in interruptible')
    assert len(stream.getvalue().splitlines()) == 1


def test_a_text_to_paste_is_not_wrapped() -> None:
    """The comment of a block of Terraform would go on as something else."""
    comment = "# Put these blocks into the root module, and run terraform plan."
    shown, stream = at_terminal()
    shown.paste(comment)
    assert stream.getvalue() == f"{comment}\n"
    quiet, silent = at_terminal(quiet=True)
    quiet.paste(comment)
    assert silent.getvalue() == ""
    as_json, lines = at_terminal(log_format=Format.JSON)
    as_json.paste(comment)
    assert json.loads(lines.getvalue())["message"] == comment


def test_a_json_line_is_one_line_at_a_terminal_too() -> None:
    """Whoever reads them reads lines."""
    shown, stream = at_terminal(log_format=Format.JSON)
    shown.failure("there is no usable base identity: Unable to locate credentials")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(CommonOptions):
    """Options of a command with an inventory and a state."""

    inventory: Path | None = None
    state: str | None = None


@pytest.mark.parametrize(
    ("inventory", "state", "advice"),
    [
        ("our fleet.toml", None, "unfreeze 'our fleet.toml'; or accounts: 'our fleet.toml'"),
        ("f.toml", "s3://b/x", "unfreeze f.toml --state s3://b/x; or accounts: f.toml"),
        ("-", None, "unfreeze INVENTORY; or accounts: INVENTORY"),
        (None, None, "unfreeze INVENTORY; or accounts: INVENTORY"),
    ],
)
def test_an_error_names_the_inventory_at_hand(
    inventory: str | None, state: str | None, advice: str
) -> None:
    """A command in it can be pasted as it is, where there is an inventory to name. What takes
    effect in the state has to look for it in the same place."""
    unfreeze, accounts = advice.split("; or accounts: ")
    stream = io.StringIO()
    streams = Streams(stdin=None, stdout=io.StringIO(), stderr=stream, environ={})
    path = None if inventory is None else Path(inventory)
    Log(streams, Chosen(inventory=path, state=state)).failure(
        "frozen\n    fleet-repl unfreeze INVENTORY\n    fleet-repl accounts INVENTORY once"
    )
    assert stream.getvalue().splitlines() == [
        "fleet-repl: frozen",
        f"    fleet-repl {unfreeze}",
        f"    fleet-repl accounts {accounts} once",
    ]
