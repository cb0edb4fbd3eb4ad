"""Mishap and latency of each call: repeatable draws from the scenario's seed.

A draw depends on the seed, the account, region and operation, and on how many such calls came
before; not on the order in which calls of different registries arrive. So a run repeats, however
concurrent it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from fleet_repl.sandbox.scenario import Mishap, Scenario
from fleet_repl.values.names import AccountId, Region


@dataclass(frozen=True, slots=True)
class Lot:
    """The fate of one call."""

    mishap: Mishap | None
    latency: float
    """Seconds."""


class Faults:
    """The draws of one world."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._seen: Counter[tuple[AccountId, Region, str]] = Counter()

    def draw(self, account: AccountId, region: Region, operation: str) -> Lot:
        """Draws the lot of the next call of this account, region and operation."""
        key = (account, region, operation)
        self._seen[key] += 1
        nth = self._seen[key]
        shortest, longest = self._scenario.latency_ms
        share = _share(self._scenario.seed, "latency", *key, nth) if longest > shortest else 0
        return Lot(
            mishap=self._mishap(account, region, operation, nth),
            latency=(shortest + share * (longest - shortest)) / 1000,
        )

    def _mishap(
        self, account: AccountId, region: Region, operation: str, nth: int
    ) -> Mishap | None:
        for index, rule in enumerate(self._scenario.faults):
            if not rule.matches(account, region, operation):
                continue
            if rule.first is not None:
                hit = nth <= rule.first
            else:
                share = _share(self._scenario.seed, index, account, region, operation, nth)
                hit = share < (rule.rate or 0)
            if hit:
                return rule.kind
        return None


def _share(seed: int, *key: object) -> float:
    """Returns a number in [0, 1), evenly spread over all keys and always the same for one key."""
    text = "/".join(map(str, (seed, *key)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64
