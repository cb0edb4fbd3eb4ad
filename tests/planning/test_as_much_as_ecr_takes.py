"""As much as ECR takes is written, and what is more is refused with the reason."""

from __future__ import annotations

import pytest

from fleet_repl.inventory import Limits
from fleet_repl.planning.held_links import over_limits

LIMITS = Limits(rules=10, destinations=25)


@pytest.mark.parametrize("foreign", [0, 3])
def test_a_full_configuration_is_written(foreign: int) -> None:
    """A limit is what ECR still takes, whosever rules fill it."""
    assert over_limits(LIMITS, rules=10, foreign=foreign, destinations=25) is None


@pytest.mark.parametrize(
    ("rules", "foreign", "destinations", "message"),
    [
        (11, 0, 25, "with held links left out it would need 11 rules, and ECR takes 10"),
        (10, 0, 26, "with held links left out it would need 26 destinations, and ECR takes 25"),
        (11, 1, 25, "it would need 11 rules, and ECR takes 10; 1 of the rules is not fleet-repl's"),
        (
            *(10, 2, 26),
            "it would need 26 destinations, and ECR takes 25; 2 of the rules are not fleet-repl's",
        ),
    ],
)
def test_one_more_is_refused(rules: int, foreign: int, destinations: int, message: str) -> None:
    """It says whether rules of others or held links make the difference."""
    fault = over_limits(LIMITS, rules=rules, foreign=foreign, destinations=destinations)
    assert fault is not None
    assert fault.message == message
