"""Help, and being told that one has to wait, take no longer than starting a process takes."""

from __future__ import annotations

import os
import subprocess
import sys


def test_help_loads_no_models_and_no_aws() -> None:
    """They take longer to load than all the rest."""
    loaded = "{'pydantic', 'aiobotocore', 'botocore', 'aiohttp'} & set(sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, fleet_repl.cli; print({loaded})"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.stdout == "set()\n"
