"""URLs of SQS queues, which say where a queue is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Partition, Region
from fleet_repl.values.text import quoted

_PATH: Final = re.compile(rf"/(?P<account>{ACCOUNT_ID})/(?P<name>[A-Za-z0-9_-]{{1,80}}(?:\.fifo)?)")
_OLDEST: Final = "queue.amazonaws.com"
"""The host of queues in us-east-1, in URLs that SQS gave out at first."""
_EXAMPLE: Final = "https://sqs.eu-west-1.amazonaws.com/111111111111/deliveries"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAddress:
    url: str
    region: Region | None
    """None where the host names none, as that of a simulated AWS."""
    account: AccountId
    name: str

    @classmethod
    def parse(cls, text: str) -> QueueAddress:
        """Returns the address in a URL. Raises FleetError for a text that is no queue's URL."""
        try:
            parts = urlsplit(text)
            host, _ = (parts.hostname or "").lower(), parts.port
        except ValueError:
            host = ""
        else:
            match = _PATH.fullmatch(parts.path)
            plain = parts.netloc.rpartition("@")[1] == "" and not parts.query + parts.fragment
            if match is not None and host and plain and parts.scheme in ("https", "http"):
                account, name = AccountId(match["account"]), match["name"]
                return cls(url=text, region=_region_of(host), account=account, name=name)
        raise FleetError(f"{quoted(text)} is no URL of an SQS queue; one is {_EXAMPLE}")

    def arn(self, partition: Partition, region: Region) -> str:
        return f"arn:{partition}:sqs:{region}:{self.account}:{self.name}"


def _region_of(host: str) -> Region | None:
    """The region that a host names: `sqs.REGION.amazonaws.com` or one of the other forms."""
    if host == _OLDEST:
        return Region("us-east-1")
    labels = (label for label in host.split(".") if any(item.holds(label) for item in Partition))
    return next(map(Region, labels), None)
