"""The same three calls an account by fleet-repl and by others, and fleet-repl's whole commands.

    python -m benchmarks.peers --accounts 1000 --latency-ms 30 --json peers.json

AssumeRole, DescribeRegistry and GetRegistryPolicy in every account, each side as a process of its
own against the same endpoint process. Sides that take a client an account do some of the accounts
and are scaled. `--peers` is a Python that has botocove, awsrun, RunAcross and boto3, which need
another botocore than this project.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.apply_fleet import HERE, endpoint, inventory, run

OURS: Final = ("floor", "ours", "aiobotocore_clients")
PEERS: Final = ("boto3_threads", "with_botocove", "with_awsrun", "with_runacross")
CONCURRENCY: Final = 64
START_UP: Final = 10
"""Accounts of the run that shows what a side costs before its first account."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One side, for the accounts that it was given."""

    side: str
    accounts: int
    seconds: float
    """Wall-clock time of the whole process."""
    cpu_ms: float
    """Processor time an account, in milliseconds, without that of starting up."""
    megabytes: float
    """The most memory that the process took."""
    calls: float
    """Calls an account."""

    @property
    def accounts_a_minute(self) -> float:
        return 60 * self.accounts / self.seconds


def contestant(side: str, python: str, accounts: int, latency_ms: float) -> Measured:
    """Measure a script of `contestants`."""
    command = [python, str(HERE / "contestants" / f"{side}.py")]
    with endpoint(latency_ms) as (url, _):
        start = run([*command, str(START_UP), str(CONCURRENCY)], url)
    with endpoint(latency_ms) as (url, counters):
        ran = run([*command, str(accounts), str(CONCURRENCY)], url)
    return Measured(
        side=side,
        accounts=accounts,
        seconds=ran.seconds,
        cpu_ms=1000 * (ran.cpu - start.cpu) / (accounts - START_UP),
        megabytes=ran.megabytes,
        calls=sum(counters["calls"].values()) / accounts,
    )


def commands(accounts: int, latency_ms: float) -> Iterator[Measured]:
    """Measure whole commands: a first apply, then drift by one process and by two workers."""
    with tempfile.TemporaryDirectory() as folder, endpoint(latency_ms) as (url, _):
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(accounts) + "[apply]\nsts_rate = 10000\n")
        for side, flags in (
            ("apply", ["apply", "--yes"]),
            ("drift", ["drift"]),
            ("drift --workers 2", ["drift", "--workers", "2"]),
        ):
            command = [sys.executable, "-m", "fleet_repl", *flags, str(path), "--quiet"]
            ran = run(command, url)
            yield Measured(
                side=side,
                accounts=accounts,
                seconds=ran.seconds,
                cpu_ms=1000 * ran.cpu / accounts,
                megabytes=ran.megabytes,
                calls=0,
            )


def table(measured: list[Measured]) -> Iterator[str]:
    """The lines of a table: each side, and how it compares."""
    floor = next(side for side in measured if side.side == "floor")
    yield f"{'side':<20} accounts/min   x floor   CPU ms/account   memory MB   calls/account"
    for side in measured:
        share = side.accounts_a_minute / floor.accounts_a_minute
        calls = f"{side.calls:.1f}" if side.calls else ""
        yield (
            f"{side.side:<20} {side.accounts_a_minute:>12,.0f} {share:>9.3f} {side.cpu_ms:>16.2f} "
            f"{side.megabytes:>11.0f} {calls:>15}"
        )


def main() -> None:
    """Measure all sides against endpoints of one kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--peer-accounts", type=int, default=60)
    parser.add_argument("--peers", default=None)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    measured = [
        contestant(
            side,
            sys.executable,
            given.accounts if side != "aiobotocore_clients" else given.peer_accounts,
            given.latency_ms,
        )
        for side in OURS
    ]
    measured += commands(given.accounts, given.latency_ms)
    if given.peers is not None:
        measured += [
            contestant(side, given.peers, given.peer_accounts, given.latency_ms) for side in PEERS
        ]
    print("\n".join(table(measured)))
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(side) for side in measured], indent=2) + "\n")


if __name__ == "__main__":
    main()
