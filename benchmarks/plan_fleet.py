"""What the pure stages cost per registry: reading, links, planning, and the plan's document.

    python benchmarks/plan_fleet.py --registries 100000

Every account has two registries; each tenth one is a hub for the nine after it, and every
account replicates to its second region. The fleet is empty, so everything changes.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fleet_repl import load_inventory
from fleet_repl.desired import desired_state
from fleet_repl.grants import parse_policy
from fleet_repl.observed import Observed
from fleet_repl.planning import plan_registries
from fleet_repl.rules import parse_answer
from fleet_repl.safety import objections

T = TypeVar("T")


def inventory(accounts: int) -> str:
    """Accounts in groups of ten, one route for each hundred groups."""
    listed = "\n".join(
        f'[[accounts]]\nid = "{one + 1:012}"\n'
        f'labels = {{ tier = "{"hub" if one % 10 == 0 else "spoke"}", group = "g{one // 10}" }}'
        for one in range(accounts)
    )
    routes = "\n".join(
        f'[[routes]]\nname = "golden-{group}"\nprefixes = ["base/", "golden/"]\n'
        f'from = {{ labels = {{ tier = "hub", group = "g{group}" }}, regions = ["eu-west-1"] }}\n'
        f'to = {{ labels = {{ tier = "spoke", group = "g{group}" }}, regions = ["eu-west-1"] }}'
        for group in range(0, accounts // 10, 100)
    )
    return f"""version = 1
name = "bench"
[aws]
role = "bench"
regions = ["eu-west-1", "us-east-1"]
{listed}
{routes}
[[routes]]
name = "dr"
from = {{ regions = ["eu-west-1"] }}
to = {{ same_account = true, regions = ["us-east-1"] }}
"""


def timed(what: str, registries: int, work: Callable[[], T]) -> T:
    started = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - started
    print(f"{what:<12} {seconds:7.2f} s  {1e6 * seconds / registries:7.1f} µs a registry")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registries", type=int, default=100_000)
    count = parser.parse_args().registries
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(count // 2))
        read = timed("inventory", count, lambda: load_inventory(path, environ={}))
    desired, _ = timed("links", count, lambda: desired_state(read))
    empty = {
        one: Observed(
            replication=parse_answer(
                {"registryId": one.account, "replicationConfiguration": {"rules": []}}
            ),
            policy=parse_policy(None, desired.owner, one),
        )
        for one in desired.registries
    }
    scope = frozenset(desired.registries)
    planned = timed("plan", count, lambda: plan_registries(desired, empty, scope))
    timed("objections", count, lambda: objections(planned.registries))
    changes = sum(len(one.changes) for one in planned.registries)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{changes:,} changes, peak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
