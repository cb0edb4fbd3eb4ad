"""The same three calls an account by fleet-repl and by others, and fleet-repl's whole commands.

    python -m benchmarks.peers --accounts 1000 --latency-ms 30 --json peers.json

AssumeRole, DescribeRegistry and GetRegistryPolicy in every account, each side as a process of its
own against the same endpoint process. Sides that take a client an account do some of the accounts
and are scaled. `--peers` is a Python that has botocove, awsrun, RunAcross and boto3, which need
another botocore than this project. With `--tls` all sides are measured over TLS as well.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import trustme
from benchmarks.apply_fleet import HERE, compile_commands, endpoint, inventory, run

OURS: Final = ("floor", "ours", "aiobotocore_clients")
ONE_EACH: Final = frozenset({"aiobotocore_clients"})
"""Sides of this project's environment that take a client an account."""
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
    tls: bool

    @property
    def accounts_a_minute(self) -> float:
        return 60 * self.accounts / self.seconds


@contextmanager
def certificate() -> Iterator[tuple[str, str]]:
    """The flags of an endpoint that takes TLS. Every process that is started meanwhile trusts its
    certificate."""
    with tempfile.TemporaryDirectory() as folder:
        authority, own, trusted = trustme.CA(), Path(folder, "own.pem"), Path(folder, "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(own)
        authority.cert_pem.write_to_path(trusted)
        # The SDK reads the one variable, Python's own contexts the other.
        trusting = {name: str(trusted) for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE")}
        before = dict(os.environ)
        os.environ |= trusting
        try:
            yield "--certificate", str(own)
        finally:
            for name in trusting:
                del os.environ[name]
            os.environ |= before


def contestant(
    side: str, python: str, accounts: int, latency_ms: float, flags: tuple[str, ...]
) -> Measured:
    """Measure a script of `contestants`."""
    command = [python, str(HERE / "contestants" / f"{side}.py")]
    with endpoint(latency_ms, *flags) as (url, _):
        start = run([*command, str(START_UP), str(CONCURRENCY)], url)
    with endpoint(latency_ms, *flags) as (url, counters):
        ran = run([*command, str(accounts), str(CONCURRENCY)], url)
    return Measured(
        side=side,
        accounts=accounts,
        seconds=ran.seconds,
        cpu_ms=1000 * (ran.cpu - start.cpu) / (accounts - START_UP),
        megabytes=ran.megabytes,
        calls=sum(counters["calls"].values()) / accounts,
        tls=bool(flags),
    )


def commands(accounts: int, latency_ms: float, flags: tuple[str, ...]) -> Iterator[Measured]:
    """Measure whole commands: a first apply, then drift by one process and by two workers."""
    compile_commands()
    with tempfile.TemporaryDirectory() as folder, endpoint(latency_ms, *flags) as (url, _):
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(accounts) + "[apply]\nsts_rate = 10000\n")
        for side, words in (
            ("apply", ["apply", "--yes"]),
            ("drift", ["drift"]),
            ("drift --workers 2", ["drift", "--workers", "2"]),
        ):
            command = [sys.executable, "-m", "fleet_repl", *words, str(path), "--quiet"]
            ran = run(command, url)
            yield Measured(
                side=side,
                accounts=accounts,
                seconds=ran.seconds,
                cpu_ms=1000 * ran.cpu / accounts,
                megabytes=ran.megabytes,
                calls=0,
                tls=bool(flags),
            )


def all_sides(given: argparse.Namespace, flags: tuple[str, ...] = ()) -> list[Measured]:
    """Measure every side against endpoints that are started with these flags."""
    few, many, latency_ms = given.peer_accounts, given.accounts, given.latency_ms
    measured = [
        contestant(side, sys.executable, few if side in ONE_EACH else many, latency_ms, flags)
        for side in OURS
    ]
    measured += commands(many, latency_ms, flags)
    if given.peers is not None:
        measured += [contestant(side, given.peers, few, latency_ms, flags) for side in PEERS]
    return measured


def floor_shares(measured: list[Measured]) -> dict[str, float]:
    """The accounts a minute of each side, as a share of the floor's."""
    floor = next(side for side in measured if side.side == "floor")
    return {side.side: side.accounts_a_minute / floor.accounts_a_minute for side in measured}


def table(measured: list[Measured]) -> Iterator[str]:
    """The lines of a table: each side, and how it compares."""
    shares = floor_shares(measured)
    yield f"{'side':<20} accounts/min   x floor   CPU ms/account   memory MB   calls/account"
    for side in measured:
        calls = f"{side.calls:.1f}" if side.calls else ""
        yield (
            f"{side.side:<20} {side.accounts_a_minute:>12,.0f} {shares[side.side]:>9.3f} "
            f"{side.cpu_ms:>16.2f} {side.megabytes:>11.0f} {calls:>15}"
        )


def comparison(plain: list[Measured], over_tls: list[Measured]) -> Iterator[str]:
    """The lines of a table: how far each side's place beside the floor is another over TLS."""
    yield f"{'over TLS : without':<20}   x floor   CPU ms/account"
    before, after = floor_shares(plain), floor_shares(over_tls)
    for side, encrypted in zip(plain, over_tls, strict=True):
        share, cpu = after[side.side] / before[side.side], encrypted.cpu_ms / side.cpu_ms
        yield f"{side.side:<20} {share:>9.2f} {cpu:>16.2f}"


def main() -> None:
    """Measure all sides against endpoints of one kind, or of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--peer-accounts", type=int, default=60)
    parser.add_argument("--peers", default=None)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    measured = all_sides(given)
    print("\n".join(table(measured)))
    if given.tls:
        with certificate() as flags:
            over_tls = all_sides(given, flags)
        print("", "over TLS", *table(over_tls), sep="\n")
        print("", *comparison(measured, over_tls), sep="\n")
        measured += over_tls
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(side) for side in measured], indent=2) + "\n")


if __name__ == "__main__":
    main()
