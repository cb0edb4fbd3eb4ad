"""How near a drift comes to the least time that AWS's quotas, the latency and the processor allow.

    python -m benchmarks.quotas --accounts 2000 --latency-ms 80

STS takes 600 AssumeRole calls a second, and a hundredth of all calls is throttled. The bound is the
greatest of three: accounts by the rate, calls by what is in flight at a time, and the processor
time that was measured. Prints it beside the wall-clock time, and how evenly accounts were served.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from benchmarks.apply_fleet import ENVIRONMENT, endpoint, inventory

import fleet_repl
from fleet_repl.runs.events import RegistryRead
from fleet_repl.values.garbage import collect_seldom

RATE: Final = 600
CONCURRENCY: Final = 64
THROTTLED: Final = 0.01
REGIONS: Final = 3
LISTED: Final = 'regions = ["us-east-1", "us-east-2", "eu-west-1"]'


def fleet(accounts: int) -> str:
    """An inventory of accounts with three regions each."""
    text = inventory(accounts).replace('regions = ["us-east-1"]', LISTED, 1)
    return f"{text}[apply]\nsts_rate = {RATE}\nconcurrency = {CONCURRENCY}\n"


async def drift(path: Path) -> tuple[float, float, int, float]:
    """Wall-clock and processor seconds of a plan, its calls, and the longest that an account's
    registries lay apart."""
    read: dict[str, list[float]] = defaultdict(list)

    def listen(event: fleet_repl.Event) -> None:
        if isinstance(event, RegistryRead):
            assert event.error is None, event.error
            read[event.registry.account].append(time.perf_counter())

    loaded = fleet_repl.load_inventory(path)
    async with fleet_repl.connect(loaded, purpose=None, on_event=listen) as connected:
        began, cpu = time.perf_counter(), time.process_time()
        await connected.plan()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        calls = sum(connected.statistics().calls.values())
    return seconds, cpu, calls, max(max(times) - min(times) for times in read.values())


def main() -> None:
    """Measure one drift against its bound, with the garbage collector as commands set it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--latency-ms", type=float, default=80)
    given = parser.parse_args()
    gc.disable()
    collect_seldom()
    os.environ |= ENVIRONMENT
    with (
        tempfile.TemporaryDirectory() as folder,
        endpoint(given.latency_ms, "--throttled", str(THROTTLED)) as (url, _),
    ):
        path = Path(folder) / "bench.toml"
        path.write_text(fleet(given.accounts))
        os.environ["AWS_ENDPOINT_URL"] = url
        seconds, cpu, calls, apart = asyncio.run(drift(path))
    bounds = {
        "the quota of STS": given.accounts / RATE,
        "latency and concurrency": calls * given.latency_ms / 1000 / CONCURRENCY,
        "the processor": cpu,
    }
    for name, bound in bounds.items():
        print(f"{name:<24} {bound:6.2f} s")
    print(f"measured                 {seconds:6.2f} s, {calls} calls")
    print(f"of the bound             {seconds / max(bounds.values()):6.2f}")
    print(f"one account took at most {apart:6.2f} s from its first registry to its last")


if __name__ == "__main__":
    main()
