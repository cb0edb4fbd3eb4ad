"""Rate limits: calls a second that a service takes from one account in one region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fleet_repl.sandbox.aws_errors import Service
from fleet_repl.sandbox.scenario import Scenario
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import AccountId, Region

_LOOKUPS: Final = 2.0
"""LookupEvents takes two calls per second, by its documentation."""


@dataclass(slots=True)
class _Allowance:
    calls: float
    at: float


class Quotas:
    """The rate limits of a world. Unused calls are saved up for one second."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self._rates = {
            Service.STS: scenario.sts_rate,
            Service.ECR: scenario.ecr_rate,
            Service.ORGANIZATIONS: scenario.organizations_rate,
            Service.CLOUDTRAIL: _LOOKUPS,
        }
        self._clock = clock
        self._allowances: dict[tuple[Service, AccountId, Region], _Allowance] = {}

    def admit(self, service: Service, caller: AccountId, region: Region) -> bool:
        """Counts a call. Returns whether the rate allows it."""
        rate, now = self._rates.get(service), self._clock.monotonic()
        if rate is None:
            return True
        burst = max(1.0, rate)
        allowance = self._allowances.setdefault((service, caller, region), _Allowance(burst, now))
        allowance.calls = min(burst, allowance.calls + rate * (now - allowance.at))
        allowance.at = now
        if allowance.calls < 1:
            return False
        allowance.calls -= 1
        return True
