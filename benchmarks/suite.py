"""All benchmarks in one run: their results as JSON, and the plots of docs/performance.md.

    python -m benchmarks.suite --results benchmarks/results --plots docs/plots

`nox -s bench` runs it with everything that it compares with.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

NAMES: Final = {
    "floor": "the floor: aiohttp, signed",
    "ours": "fleet-repl, three calls",
    "apply": "fleet-repl apply",
    "drift": "fleet-repl drift",
    "drift --workers 2": "fleet-repl drift --workers 2",
    "aiobotocore_clients": "aiobotocore, a client an account",
    "boto3_threads": "boto3, threads",
    "with_botocove": "botocove",
    "with_awsrun": "awsrun",
    "with_runacross": "RunAcross",
}
SIZES: Final = (1_000, 10_000, 100_000)
STAGE: Final = re.compile(
    r"^(?P<stage>\w[\w ]*?) +[\d.]+ s +(?P<micros>[\d.]+) µs a registry$", re.MULTILINE
)
OTHERS: Final = (
    ["benchmarks.describe", "--calls", "4000"],
    ["benchmarks.quotas", "--accounts", "1000", "--latency-ms", "80"],
    ["benchmarks.discover_fleet", "--accounts", "10000"],
    ["benchmarks.doctor_fleet", "--accounts", "10000"],
    ["benchmarks.plan_documents", "--registries", "20000"],
    ["benchmarks.startup", "--rounds", "7"],
)


def output(command: list[str]) -> str:
    """Run a benchmark; returns what it prints, which is shown too."""
    done = subprocess.run([sys.executable, "-m", *command], check=True, text=True, stdout=-1)
    print(f"$ python -m {' '.join(command)}\n{done.stdout}", flush=True)
    return done.stdout


def curve() -> dict[str, dict[str, float]]:
    """Microseconds a registry, by number of registries and stage."""
    return {
        str(size): {
            match["stage"]: float(match["micros"])
            for match in STAGE.finditer(
                output(["benchmarks.plan_fleet", "--registries", str(size)])
            )
        }
        for size in SIZES
    }


def draw_peers(measured: list[dict[str, Any]], path: Path) -> None:
    """Accounts a minute of each side, as bars."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - only plots need it

    measured = sorted(measured, key=lambda side: side["accounts"] / side["seconds"])
    figure, axes = plt.subplots(figsize=(7, 3.6))
    rates = [60 * side["accounts"] / side["seconds"] for side in measured]
    bars = axes.barh([NAMES[side["side"]] for side in measured], rates, color="#4477aa")
    axes.bar_label(bars, [f" {rate:,.0f}" for rate in rates], fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("accounts a minute, logarithmic")
    axes.margins(x=0.2)
    _save(figure, path)


def draw_curve(stages: dict[str, dict[str, float]], path: Path) -> None:
    """Microseconds a registry of each stage over the size of the fleet, as lines."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - only plots need it

    figure, axes = plt.subplots(figsize=(7, 3.6))
    sizes = [int(size) for size in stages]
    for stage in next(iter(stages.values())):
        axes.plot(sizes, [stages[str(size)][stage] for size in sizes], marker="o", label=stage)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("registries, logarithmic")
    axes.set_ylabel("µs of the processor a registry")
    axes.legend(fontsize=8)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    """Write a plot without the time and the program that made it."""
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def main() -> None:
    """Measure everything, then draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--plots", type=Path, default=Path("docs/plots"))
    parser.add_argument("--peers", default=None, help="a Python that has the peers")
    parser.add_argument("--only-plots", action="store_true", help="draw earlier results anew")
    given = parser.parse_args()
    for folder in (given.results, given.plots):
        folder.mkdir(parents=True, exist_ok=True)
    peers, curves = given.results / "peers.json", given.results / "curve.json"
    if not given.only_plots:
        with_peers = [] if given.peers is None else ["--peers", given.peers]
        output(["benchmarks.peers", *with_peers, "--json", str(peers)])
        curves.write_text(json.dumps(curve(), indent=2) + "\n")
        for command in OTHERS:
            output(command)
    draw_peers(json.loads(peers.read_text()), given.plots / "peers.svg")
    draw_curve(json.loads(curves.read_text()), given.plots / "curve.svg")


if __name__ == "__main__":
    main()
