"""A remedy has one wording: that of a plan is doctor's, which names no account and no region."""

from __future__ import annotations

from typing import Any

import pytest
from tests.mistakes.conftest import Newcomer

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.sandbox.scenario import FaultRule, Mishap

SHOP = "222222222222"
SCP = "User: x is not authorized to perform: {} with an explicit deny in a service control policy"


@pytest.mark.parametrize(
    "how",
    [
        {"denied": True},
        {"disabled_regions": ("eu-west-1",)},
        {"denied_actions": ("ecr:DescribeRegistry",)},
        {"denied_actions": ("ecr:GetRegistryPolicy",)},
    ],
)
def test_of_a_broken_account(newcomer: Newcomer, how: dict[str, Any]) -> None:
    """Its role, its region, a permission."""
    newcomer.serve(Scenario(accounts=(AccountScenario(id=SHOP, **how),)))
    assert remedy(newcomer, "plan") == remedy(newcomer, "doctor")


@pytest.mark.parametrize(
    ("operation", "code", "action"),
    [
        ("AssumeRole", "AccessDenied", "sts:AssumeRole"),
        ("DescribeRegistry", "AccessDeniedException", "ecr:DescribeRegistry"),
    ],
)
def test_of_an_scp(newcomer: Newcomer, operation: str, code: str, action: str) -> None:
    """That AWS names."""
    newcomer.serve()
    newcomer.answer(operation, code, SCP.format(action), 400)
    assert remedy(newcomer, "plan") == remedy(newcomer, "doctor")


def test_of_a_proxy_in_between(newcomer: Newcomer) -> None:
    """Doctor has one more command: to look again."""
    fault = FaultRule(kind=Mishap.GARBAGE, rate=1, operations=("DescribeRegistry",))
    newcomer.serve(Scenario(faults=(fault,)))
    (said,) = remedy(newcomer, "plan")
    first, again = remedy(newcomer, "doctor")
    assert first == f"{said}; then look again:"
    assert again == "fleet-repl doctor fleet.toml --account ACCOUNT"


def remedy(newcomer: Newcomer, command: str) -> list[str]:
    """What a command says to do about the account, and the lines to paste."""
    printed = newcomer.prints(command, "fleet.toml", "--account", "shop")
    lines = printed.partition("\n    → ")[2].partition("\n\n")[0].splitlines()
    assert lines, printed
    general = (line.replace(SHOP, "ACCOUNT").replace("eu-west-1", "REGION") for line in lines)
    return [line.strip() for line in general]
