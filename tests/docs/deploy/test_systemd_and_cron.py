"""The systemd units and the crontab say what those programs understand."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.docs.deploy.conftest import Parse

from fleet_repl.inventory import Apply
from fleet_repl.values.exit_code import ExitCode

KNOWN = {
    # Of the manual page systemd.unit:
    "Unit": {"Description", "Wants", "After"},
    "Install": {"WantedBy"},
    # Of the manual page systemd.timer:
    "Timer": {"OnCalendar", "Persistent", "RandomizedDelaySec", "AccuracySec"},
    "Service": {
        # Of the manual page systemd.service:
        "Type",
        "ExecStart",
        "SuccessExitStatus",
        "TimeoutStartSec",
        "TimeoutStopSec",
        # Of the manual page systemd.kill:
        "KillSignal",
        # Of the manual page systemd.resource-control:
        "MemoryMax",
        # Of the manual page systemd.exec:
        "EnvironmentFile",
        "DynamicUser",
        "StateDirectory",
        "StateDirectoryMode",
        "UMask",
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "PrivateUsers",
        "ProtectClock",
        "ProtectHostname",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "ProtectKernelTunables",
        "ProtectControlGroups",
        "ProtectProc",
        "NoNewPrivileges",
        "CapabilityBoundingSet",
        "RestrictAddressFamilies",
        "RestrictNamespaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "LockPersonality",
        "SystemCallArchitectures",
        "SystemCallFilter",
        "SystemCallErrorNumber",
    },
}
"""Sections and the settings in them, by the manual page that has each."""

Unit = Callable[[str], configparser.ConfigParser]


@pytest.fixture(scope="module")
def unit(deploy: Path) -> Unit:
    """A unit file, read strictly: a setting that is given twice is an error."""

    def read(name: str) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string((deploy / "systemd" / name).read_text(encoding="utf-8"))
        return parser

    return read


@pytest.fixture(scope="module")
def crontab(deploy: Path) -> tuple[dict[str, str], list[list[str]]]:
    """The variables and the jobs: five times, the user, the rest."""
    variables: dict[str, str] = {}
    jobs: list[list[str]] = []
    for line in (deploy / "cron/fleet-repl").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            variables[match[1]] = match[2]
        elif line and not line.startswith("#"):
            jobs.append(line.split(maxsplit=6))
    return variables, jobs


@pytest.mark.parametrize("name", ["fleet-repl.service", "fleet-repl.timer"])
def test_units_say_what_systemd_knows(name: str, unit: Unit) -> None:
    """Every section and every setting is one of its manual pages'."""
    parser = unit(name)
    for section in parser.sections():
        assert set(parser[section]) <= KNOWN[section]


def test_every_setting_that_is_known_here_is_used(unit: Unit) -> None:
    """The list above holds nothing that no unit has."""
    parsers = [unit("fleet-repl.service"), unit("fleet-repl.timer")]
    used = {
        section: {key for parser in parsers if section in parser for key in parser[section]}
        for section in KNOWN
    }
    assert used == KNOWN


def test_systemd_itself_has_nothing_to_say(deploy: Path, tmp_path: Path) -> None:
    """Where it is installed; the program is put where the unit looks for one."""
    program = shutil.which("systemd-analyze")
    service = (deploy / "systemd/fleet-repl.service").read_text()
    assert "ExecStart=/opt/fleet-repl/bin/fleet-repl " in service
    if program is None:
        return
    stand_in = service.replace("/opt/fleet-repl/bin/fleet-repl", "/bin/true")
    (tmp_path / "fleet-repl.service").write_text(stand_in)
    shutil.copy(deploy / "systemd/fleet-repl.timer", tmp_path)
    units = [str(tmp_path / f"fleet-repl.{kind}") for kind in ("service", "timer")]
    verified = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_service_runs_a_round(unit: Unit, parse: Parse) -> None:
    """Its flags exist; its state is the folder that systemd makes for it."""
    service = unit("fleet-repl.service")["Service"]
    program, *args = shlex.split(service["ExecStart"])
    options = parse(args)
    assert Path(program).name == "fleet-repl"
    assert (options["command"], options["once"], options["fix"]) == ("watch", True, True)
    assert options["state"] == "${STATE_DIRECTORY}"
    assert service["StateDirectory"] == "fleet-repl"


def test_the_service_lets_a_round_end_by_itself(unit: Unit) -> None:
    """It is given longer than a run's deadline, and a stopped one time to finish its writes."""
    service = unit("fleet-repl.service")["Service"]
    hours, minutes = re.fullmatch(r"(\d+)h (\d+)min", service["TimeoutStartSec"]).groups()  # type: ignore[union-attr]
    assert int(hours) * 3600 + int(minutes) * 60 > Apply().deadline
    assert service["TimeoutStopSec"] == "5min"
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["SuccessExitStatus"]) == ExitCode.INTERRUPTED


def test_the_service_can_do_little_harm(unit: Unit) -> None:
    """A user of its own, one folder to write to, no capability."""
    service = unit("fleet-repl.service")["Service"]
    assert service["DynamicUser"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectoryMode"] == "0700"
    assert service["CapabilityBoundingSet"] == ""
    assert service["NoNewPrivileges"] == "yes"


def test_the_timer_catches_up_and_spreads(unit: Unit) -> None:
    """A round that was missed is made up for; hosts do not all start at once."""
    timer = unit("fleet-repl.timer")["Timer"]
    assert timer["Persistent"] == "true"
    assert int(timer["RandomizedDelaySec"]) < 15 * 60


def test_cron_jobs_can_be_parsed(
    crontab: tuple[dict[str, str], list[list[str]]], parse: Parse
) -> None:
    """Times, the user, and commands whose flags exist."""
    _, jobs = crontab
    commands = []
    for *times, user, line in jobs:
        assert all(re.fullmatch(r"\*|\*/\d+|\d+", time) for time in times)
        assert len(times) == 5
        assert user == "fleet-repl"
        # cron takes a bare one for the end of the line.
        assert "%" not in line
        program, *args = shlex.split(line.partition(" >")[0])
        assert program == "fleet-repl"
        commands.append(parse(args)["command"])
    assert commands == ["watch", "drift"]


def test_cron_prints_only_what_is_worth_a_mail(
    crontab: tuple[dict[str, str], list[list[str]]],
) -> None:
    """What a job said is kept, and shown where it ended with another code than 0."""
    variables, jobs = crontab
    assert variables["MAILTO"]
    assert variables["PATH"].startswith("/opt/fleet-repl/bin:")
    for *_, line in jobs:
        kept = re.search(r" >(\S+) 2>&1 \|\| cat (\S+)$", line)
        assert kept is not None
        assert kept[1] == kept[2]


def test_exit_codes_are_reported_where_they_matter(deploy: Path) -> None:
    """Each file for schedules names those that make it fail."""
    for name in ("cron/fleet-repl", "systemd/fleet-repl.service", "kubernetes/cronjob.yaml"):
        head = " ".join((deploy / name).read_text().replace("#", " ").split())
        for code in (ExitCode.ERROR, ExitCode.PENDING, ExitCode.REFUSED, ExitCode.PARTIAL):
            assert re.search(rf"\b{int(code)} (error|drift|refused|partial)\b", head), name
