"""What a drift of a whole fleet with managed grants takes over the wire.

    python -m benchmarks.whole_drift --registries 100000 --workers 2

The fleet is that of `plan_fleet`: accounts with ten regions in cells of twenty. Every registry has
the rules and the policy that the inventory asks for, so a drift reads all of them and finds no
change; it exits with 0 only then. First one process reads, then so many workers, each against an
endpoint process of its own. Prints seconds by the clock and of the processor, memory and calls, and
how the workers compare.
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

from benchmarks.apply_fleet import endpoint, run
from benchmarks.plan_fleet import inventory, wanted

from fleet_repl.inventory import parse
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.values.canonical_json import compact_json

SETTINGS: Final = '[apply]\nconcurrency = 256\nsts_rate = 600\ndeadline = "2h"\n'
"""With 30 ms a call, 256 calls in flight are more than a processor core makes in that time."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One drift of the whole fleet."""

    workers: int
    """Worker processes; 0 where the process itself reads."""
    registries: int
    seconds: float
    """Wall-clock time of the whole command."""
    cpu: float
    """Seconds of processor time, with that of the workers."""
    megabytes: float
    """The most memory that one of its processes took."""
    endpoint_cpu: float
    """Seconds of processor time of the endpoint."""
    calls: dict[str, int]


def prepare(registries: int, folder: Path) -> tuple[Path, Path]:
    """The inventory, and the documents that it asks for, one registry a line."""
    path, documents = folder / "bench.toml", folder / "documents.jsonl"
    path.write_text(inventory(registries) + SETTINGS, encoding="utf-8")
    desired, _ = desired_state(parse(path, environ={}))
    with documents.open("w", encoding="utf-8") as lines:
        for registry in sorted(desired.registries):
            rules, policy = wanted(registry, desired)
            text = None if policy is None else compact_json(policy)
            lines.write(json.dumps([registry.account, registry.region, rules, text]) + "\n")
    return path, documents


def drift(path: Path, documents: Path, workers: int, given: argparse.Namespace) -> Drift:
    """Measure one drift, in a process of its own."""
    command = [sys.executable, "-m", "fleet_repl", "drift", str(path), "--quiet"]
    command += ["--workers", str(workers)] if workers else []
    with endpoint(given.latency_ms, "--documents", str(documents)) as (url, counters):
        ran = run(command, url)
    return Drift(
        workers=workers,
        registries=given.registries,
        seconds=ran.seconds,
        cpu=ran.cpu,
        megabytes=ran.megabytes,
        endpoint_cpu=counters["cpu"],
        calls=counters["calls"],
    )


def table(drifts: list[Drift]) -> Iterator[str]:
    """The lines of a table."""
    yield "workers   seconds     CPU s   MB a process   calls   calls/s   endpoint CPU s"
    for measured in drifts:
        calls = sum(measured.calls.values())
        yield (
            f"{measured.workers or 'none':>7} {measured.seconds:>9.1f} {measured.cpu:>9.1f} "
            f"{measured.megabytes:>14.0f} {calls:>7} {calls / measured.seconds:>9.0f} "
            f"{measured.endpoint_cpu:>16.1f}"
        )
    alone = drifts[0]
    for measured in drifts[1:]:
        share = measured.seconds / alone.seconds
        yield f"{measured.workers} workers take {share:.2f} of the time of one process"


def main() -> None:
    """Measure a drift by one process, and by workers where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registries", type=int, default=100_000)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--workers", type=int, default=0, help="worker processes of a second drift")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, documents = prepare(given.registries, Path(folder))
        readers = (0, given.workers) if given.workers else (0,)
        drifts = [drift(path, documents, workers, given) for workers in readers]
    print("\n".join(table(drifts)))
    if given.json is not None:
        given.json.write_text(
            json.dumps([asdict(measured) for measured in drifts], indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
