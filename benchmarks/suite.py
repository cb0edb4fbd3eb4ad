"""All benchmarks in one run: their results as JSON, what they print, and the plots of
docs/performance.md.

    python -m benchmarks.suite --results benchmarks/results --plots docs/plots

`nox -s bench` runs it with everything that it compares with. `--small` takes two minutes: it shows
that all of them run, and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
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
SMALL_SIZES: Final = (200, 400)
STAGE: Final = re.compile(
    r"^(?P<stage>\w[\w ]*?) +[\d.]+ s +(?P<micros>[\d.]+) µs a registry$", re.MULTILINE
)
OTHERS: Final = (
    ("capacity", "--requests", 60_000, 2_000),
    ("describe", "--calls", 4_000, 200),
    ("apply_fleet", "--accounts", 1_000, 30),
    ("quotas", "--accounts", 1_000, 30),
    ("discover_fleet", "--accounts", 10_000, 60),
    ("doctor_fleet", "--accounts", 10_000, 30),
    ("write_window", "--accounts", 20, 5),
    ("plan_documents", "--registries", 20_000, 400),
    ("cover_rules", "--samples", 20, 1),
    ("startup", "--rounds", 7, 1),
)
"""The benchmarks that print a table and nothing else, each with its size, and a small one."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A run of all benchmarks."""

    results: Path
    """The folder of `peers.json`, `curve.json`, `drift.json`, and `tables.txt`."""
    peers: str | None
    """A Python that has the peers; None: they are not measured."""
    small: bool

    def run(self) -> None:
        """Run every benchmark, and keep its results."""
        (self.results / "tables.txt").write_text("")
        accounts = ["60", "--peer-accounts", "12"] if self.small else ["1000"]
        with_peers = [] if self.peers is None else ["--peers", self.peers]
        self.output("peers", "--tls", "--accounts", *accounts, *with_peers, json_name="peers")
        registries = "400" if self.small else "100000"
        flags = ("--registries", registries, "--workers", "2")
        self.output("whole_drift", *flags, json_name="drift")
        curves = self.results / "curve.json"
        curves.write_text(json.dumps(self.curve(), indent=2) + "\n")
        for name, flag, size, small_size in OTHERS:
            self.output(name, flag, str(small_size if self.small else size))

    def curve(self) -> dict[str, dict[str, float]]:
        """Microseconds a registry, by number of registries and stage."""
        return {
            str(size): {
                match["stage"]: float(match["micros"])
                for match in STAGE.finditer(self.output("plan_fleet", "--registries", str(size)))
            }
            for size in (SMALL_SIZES if self.small else SIZES)
        }

    def output(self, name: str, *flags: str, json_name: str | None = None) -> str:
        """Run a benchmark; returns what it prints, which is shown and kept too."""
        command = [f"benchmarks.{name}", *flags]
        if json_name is not None:
            command += ["--json", str(self.results / f"{json_name}.json")]
        print(f"$ python -m {' '.join(command)}", flush=True)
        done = subprocess.run([sys.executable, "-m", *command], check=True, text=True, stdout=-1)
        print(done.stdout, flush=True)
        with (self.results / "tables.txt").open("a") as tables:
            tables.write(f"$ python -m benchmarks.{name} {' '.join(flags)}\n{done.stdout}\n")
        return done.stdout


def draw_peers(measured: list[dict[str, Any]], path: Path) -> None:
    """Accounts a minute of each side, as bars."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - only plots need it

    plain = (side for side in measured if not side["tls"])
    measured = sorted(plain, key=lambda side: side["accounts"] / side["seconds"])
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
    parser.add_argument("--small", action="store_true", help="only show that all of them run")
    parser.add_argument("--only-plots", action="store_true", help="draw earlier results anew")
    given = parser.parse_args()
    for folder in (given.results, given.plots):
        folder.mkdir(parents=True, exist_ok=True)
    if not given.only_plots:
        Suite(results=given.results, peers=given.peers, small=given.small).run()
    peers, curves = given.results / "peers.json", given.results / "curve.json"
    draw_peers(json.loads(peers.read_text()), given.plots / "peers.svg")
    draw_curve(json.loads(curves.read_text()), given.plots / "curve.svg")


if __name__ == "__main__":
    main()
