"""Help, and being told that one has to wait, take no longer than starting a process takes."""

from __future__ import annotations

import os
import subprocess
import sys


def test_help_loads_no_models_no_aws_and_no_planner() -> None:
    """They take longer to load than all the rest."""
    heavy = ["pydantic", "msgspec", "aiobotocore", "botocore", "aiohttp", "tomllib"]
    heavy.append("fleet_repl.planning.planner")
    heavy.append("fleet_repl.planning.plan_warnings")
    loaded = f"set({heavy}) & set(sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, fleet_repl.cli; print({loaded})"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.stdout == "set()\n"


def test_values_of_an_inventory_load_no_pydantic() -> None:
    """Only reading an inventory does: plans and reports speak of its values too."""
    loaded = "set(sys.modules) & {'pydantic', 'pydantic_core'}"
    program = f"import sys, fleet_repl, fleet_repl.inventory.document; print({loaded})"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.stdout == "set()\n"
