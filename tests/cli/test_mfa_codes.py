"""A base profile whose role asks for an MFA code: at the terminal, once for a whole command."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.command_line import Session

HUB: Final = "arn:aws:iam::999999999999:role/hub"
DEVICE: Final = "arn:aws:iam::999999999999:mfa/me"
PROMPT: Final = f"Enter MFA code for {DEVICE}: "
FLEET: Final = """\
version = 1
name = "mfa"
[aws]
role = "fleet"
regions = ["us-east-1"]
{aws}
[organization]
[[routes]]
name = "all"
from = {{ accounts = ["000000000001"] }}
to = {{ labels = {{ ou = "Root" }} }}
"""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a user of a served AWS, whose profile `ops` assumes the role hub.

    There, the accounts' roles trust the hub.
    """
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    Path("served.toml").write_text(FLEET.format(aws=f'via = ["{HUB}"]'))
    Path("fleet.toml").write_text(FLEET.format(aws='profile = "ops"'))
    members = "".join(f'[[organization.members]]\nid = "{number:012}"\n' for number in range(1, 9))
    Path("scenario.toml").write_text(f'[organization]\nmanagement = "999999999999"\n{members}')
    command = [sys.executable, "-m", "fleet_repl", "sandbox", "served.toml"]
    with subprocess.Popen(
        [*command, "--scenario", "scenario.toml"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        exports = [shlex.split(server.stdout.readline())[1] for _ in range(4)]
        served = dict(export.split("=", 1) for export in exports)
        Path("config").write_text(
            "[profile user]\n"
            f"aws_access_key_id = {served['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {served['AWS_SECRET_ACCESS_KEY']}\n"
            f"[profile ops]\nsource_profile = user\nrole_arn = {HUB}\nmfa_serial = {DEVICE}\n"
        )
        yield {
            "AWS_CONFIG_FILE": "config",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ENDPOINT_URL": served["AWS_ENDPOINT_URL"],
            "AWS_REGION": "us-east-1",
        }
        server.send_signal(signal.SIGTERM)


def test_it_is_asked_for_once(at_terminal: Callable[..., Session], environ: dict[str, str]) -> None:
    """One code serves the discovery and, in a connection of their own, the sessions of eight
    accounts. What is typed is not shown, and what is no code is asked for again."""
    session = at_terminal(["plan", "fleet.toml"], **environ)
    session.expect(PROMPT)
    session.send("12345\n")
    session.expect("six digits, please")
    session.send("123456\n")
    assert session.end() == 0, session.seen
    assert session.seen.count(PROMPT) == 2
    assert "12345" not in session.seen
    assert "7 links" in session.seen


def test_ctrl_c_at_the_prompt(at_terminal: Callable[..., Session], environ: dict[str, str]) -> None:
    """It ends the command at once."""
    session = at_terminal(["plan", "fleet.toml"], **environ)
    session.expect(PROMPT)
    session.send("\x03")
    assert session.end() == 130
    assert "Traceback" not in session.seen


def test_a_code_that_was_used(at_terminal: Callable[..., Session], environ: dict[str, str]) -> None:
    """AWS takes each code once."""
    seen = ""
    for code in (0, 1):
        session = at_terminal(["accounts", "fleet.toml"], **environ)
        session.expect(PROMPT)
        session.send("123456\n")
        assert session.end() == code
        seen = session.seen
    assert "MultiFactorAuthentication failed with invalid MFA one time pass code." in seen
    assert "with the code that your device shows next: each works once" in seen


def test_without_a_terminal(environ: dict[str, str]) -> None:
    """Nobody can be asked, and that is said."""
    ended = subprocess.run(
        [sys.executable, "-m", "fleet_repl", "plan", "fleet.toml"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "fleet-repl: there is no usable base identity: the profile asks for an MFA code, and there "
        "is no terminal to ask at\n    run it from a terminal"
    )
