"""AWS's quotas: one rate for all calls that count for the same quota, lowered by throttling.

STS counts calls by who makes them, ECR, CloudTrail, ECS and Lambda by account and region, S3 by
bucket, SQS by queue, Organizations by account.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fleet_repl.aws.credentials import Source
from fleet_repl.aws.request import Call
from fleet_repl.engine.rates import TokenBucket
from fleet_repl.values.clock import Clock
from fleet_repl.values.names import AccountId, Region

_UNTHROTTLED: Final = 1000.0
"""Calls per second where nobody has set a rate: as many as one process can make."""
_RATES: Final = {"cloudtrail": 2.0, "ecs": 40.0, "lambda": 15.0, "organizations": 400.0}
"""Calls per second to begin with. CloudTrail, ECS and Lambda document theirs; throttling finds how
many Organizations takes for long, which are far fewer."""


class Quota:
    """One quota: a call waits here for its turn, and then reports how AWS answered."""

    __slots__ = ("_bucket", "_reserved", "calls")

    def __init__(self, bucket: TokenBucket) -> None:
        self.calls = 0
        """Calls under way."""
        self._bucket = bucket
        self._reserved: list[int] = []

    @property
    def is_new(self) -> bool:
        """Returns whether nothing has to be remembered of it."""
        return not self.calls and not self._reserved and self._bucket.is_new

    async def take(self) -> int:
        """Wait until a call may be made; returns a token for `answered` or `throttled`."""
        return self._reserved.pop() if self._reserved else await self._bucket.take()

    async def reserve(self, calls: int) -> None:
        """Wait until so many calls can be made one after the other without waiting."""
        while len(self._reserved) < calls:
            self._reserved.append(await self._bucket.take())

    def answered(self, token: int) -> None:
        """Report that AWS answered the call."""
        self._bucket.answered(token)

    def throttled(self, token: int) -> None:
        """Report that AWS throttled the call: all next calls of the quota come more slowly."""
        self._bucket.throttled(token)


class Quotas:
    """The quotas that a run uses, each found when it is first needed.

    Those of registries are forgotten again between calls as long as AWS has throttled none: a large
    fleet has one for each registry.
    """

    def __init__(self, clock: Clock, *, sts_rate: float = _UNTHROTTLED) -> None:
        """`sts_rate`: how fast STS may be called at most."""
        self._clock = clock
        self._sts_rate = sts_rate
        self._quotas: dict[tuple[str, int | AccountId | None, Region], Quota] = {}

    @contextmanager
    def of(self, call: Call, source: Source) -> Iterator[Quota]:
        """The quota that a call counts for if it is signed with credentials of `source`."""
        sts = call.service == "sts"
        key = (call.service, id(source) if sts else call.account, call.region)
        if key not in self._quotas:
            rate = self._sts_rate if sts else _RATES.get(call.service, _UNTHROTTLED)
            self._quotas[key] = Quota(TokenBucket(rate, self._clock))
        quota = self._quotas[key]
        quota.calls += 1
        try:
            yield quota
        finally:
            quota.calls -= 1
            if call.service == "ecr" and quota.is_new:
                del self._quotas[key]
