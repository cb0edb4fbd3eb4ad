"""Every call that lists an organization is in the policies and on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import fleet_repl.aws.organizations
from fleet_repl.ecr.session_policies import organization_policy

PAGE: Final = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()


def test_calls_policies_and_page_agree() -> None:
    """A new call without its action fails here, and so does an action that no call needs."""
    source = Path(fleet_repl.aws.organizations.__file__).read_text()
    calls = {
        f"organizations:{call}" for call in re.findall(r'"((?:Describe|List)[A-Za-z]+)"', source)
    }
    (statement,) = json.loads(organization_policy())["Statement"]
    assert set(statement["Action"]) == calls
    assert set(re.findall(r'"(organizations:[A-Za-z]+)"', PAGE)) == calls
