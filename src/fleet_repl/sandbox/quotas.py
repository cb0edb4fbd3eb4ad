"""How many calls a second a service takes from one account in one region."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.sandbox.aws_errors import Service
from fleet_repl.sandbox.scenario import Scenario
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import AccountId, Region


@dataclass(slots=True)
class _Allowance:
    """What is left for one account in one region."""

    calls: float
    at: float


class Quotas:
    """The quotas of one world. What nobody used is saved up for one second."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self._rates = {Service.STS: scenario.sts_rate, Service.ECR: scenario.ecr_rate}
        self._clock = clock
        self._allowances: dict[tuple[Service, AccountId, Region], _Allowance] = {}

    def admit(self, service: Service, caller: AccountId, region: Region) -> bool:
        """Count a call; whether there was room for it."""
        rate, now = self._rates[service], self._clock.monotonic()
        if rate is None:
            return True
        most = max(1.0, rate)
        left = self._allowances.setdefault((service, caller, region), _Allowance(most, now))
        left.calls, left.at = min(most, left.calls + rate * (now - left.at)), now
        if left.calls < 1:
            return False
        left.calls -= 1
        return True
