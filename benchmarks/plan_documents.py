"""What the document of a plan costs: reading it, its digest, and its text; beside plain `json`.

    python -m benchmarks.plan_documents --registries 20000

The plan is that of `plan_fleet.py`, where everything changes. Times are of the processor, the best
of a few attempts; to compare two versions, compare their ratios to `json.loads` of the same text.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.plan_fleet import inventory, observed, planned

from fleet_repl import Plan, to_json
from fleet_repl.inventory import parse
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.reports.documents.plan import parse_plan, plan_content, plan_digest
from fleet_repl.values.canonical_json import parse_json

T = TypeVar("T")

ATTEMPTS = 5


def changing(count: int) -> Plan:
    """A plan of this many registries, all of which change."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(count))
        read = parse(path, environ={})
    desired, _ = desired_state(read)
    plan = planned(read, desired, observed(desired, settled=False))
    return replace(plan, digest=plan_digest(plan))


def timed(what: str, unit: float, work: Callable[[], T]) -> float:
    best = float("inf")
    for _ in range(ATTEMPTS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    print(f"{what:<22} {best:7.3f} s  {best / (unit or best):5.2f} x json.loads")
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registries", type=int, default=20_000)
    content = plan_content(changing(parser.parse_args().registries))
    plan = parse_plan(content, "bench")
    indented = to_json(plan).encode()
    print(f"{len(content) / 1e6:.1f} MB")
    unit = timed("json.loads", 0, lambda: json.loads(content))
    timed("parse_json", unit, lambda: parse_json(content))
    timed("read", unit, lambda: parse_plan(content, "bench"))
    timed("read, indented", unit, lambda: parse_plan(indented, "bench"))
    timed("digest", unit, lambda: plan_digest(plan))
    timed("text", unit, lambda: plan_content(plan))
    timed("text, indented", unit, lambda: to_json(plan))


if __name__ == "__main__":
    main()
