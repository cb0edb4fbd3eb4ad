"""MiniStack, another implementation of AWS, in a process of its own. It checks signatures, trust
policies and session policies.

It pins a botocore that aiobotocore does not take, so it has a folder of its own, which
FLEET_REPL_MINISTACK names: `uv pip install --target FOLDER "ministack>=1.5.33"`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

MANAGEMENT: Final = "210987654321"
"""The account that everything is made in first."""
SECRET: Final = "test"
"""The secret key of every account's root; its access key is the account's id."""
_SECONDS: Final = 20.0

_SERVE: Final = """
from ministack.app import main
from ministack.services import organizations

public = organizations._public_account
# Accounts have had a State since 2025, which is all that they have had since September 2026.
organizations._public_account = lambda account: {**public(account), "State": account["Status"]}
main()
"""


def ministack_server(folder: Path) -> Iterator[str]:
    """Serves MiniStack on a free port, with its files in `folder`, for a fixture: the URL."""
    packages = os.environ.get("FLEET_REPL_MINISTACK")
    if packages is None:
        pytest.skip("FLEET_REPL_MINISTACK names no folder with MiniStack in it (see nox)")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": packages,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": MANAGEMENT,
        "AUTH": "true",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", _SERVE]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environ, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/_ministack/health", process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
