"""What the pure stages cost per registry: reading, links, planning, and the plan's document.

    python benchmarks/plan_fleet.py --registries 100000

Every account has two registries and replicates from one to the other; in every tenth group of
ten accounts a hub feeds the other nine. Planned twice: from nothing, so that everything changes,
and as it is after that, so that nothing does.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from fleet_repl import Change, Registry, Resource, load_inventory
from fleet_repl.ecr.policy import parse_policy
from fleet_repl.ecr.rules import parse_answer
from fleet_repl.planning.desired import Desired, desired_state
from fleet_repl.planning.objections import objections
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.planner import plan_registries
from fleet_repl.state import Remembered, parse_record, record_document
from fleet_repl.values.canonical_json import JsonObject

T = TypeVar("T")


def inventory(accounts: int) -> str:
    """Accounts in groups of ten; every tenth group has a hub that feeds its nine spokes."""
    listed = "\n".join(
        f'[[accounts]]\nid = "{number + 1:012}"\n'
        f'labels = {{ tier = "{"spoke" if number % 10 else "hub"}", group = "g{number // 10}" }}'
        for number in range(accounts)
    )
    routes = "\n".join(
        f'[[routes]]\nname = "golden-{group}"\nprefixes = ["base/", "golden/"]\n'
        f'from = {{ labels = {{ tier = "hub", group = "g{group}" }}, regions = ["eu-west-1"] }}\n'
        f'to = {{ labels = {{ tier = "spoke", group = "g{group}" }}, regions = ["eu-west-1"] }}'
        for group in range(0, accounts // 10, 10)
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
    desired, _ = timed("links", count, lambda: desired_state(replace(read)))
    empty = {
        registry: observed(registry, desired, {"rules": []}, None)
        for registry in desired.registries
    }
    scope = frozenset(desired.registries)
    planned = timed("first plan", count, lambda: plan_registries(desired, empty, scope))
    timed("objections", count, lambda: objections(planned.registries, {}))
    owned = Remembered(
        record={
            registry.registry: registry.owned
            for registry in planned.registries
            if registry.owned.links
        }
    )
    text = timed("record out", count, lambda: record_document(read.name, owned))
    kept = timed("record in", count, lambda: parse_record(text, read.name, where="bench"))
    settled = {
        registry.registry: observed(registry.registry, desired, *documents(registry.changes))
        for registry in planned.registries
    }
    again = timed(
        "second plan",
        count,
        lambda: plan_registries(desired, settled, scope, record=kept.record),
    )
    first, second = (
        sum(len(registry.changes) for registry in plan.registries) for plan in (planned, again)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"record: {len(text) / 1e6:.1f} MB")
    print(f"{first:,} changes, then {second:,}; peak memory {peak:,.0f} MB")


def observed(
    registry: Registry, desired: Desired, rules: JsonObject, policy: JsonObject | None
) -> Observed:
    answer: JsonObject = {"registryId": registry.account, "replicationConfiguration": rules}
    return Observed(
        replication=parse_answer(answer), policy=parse_policy(policy, desired.owner, registry)
    )


def documents(changes: tuple[Change, ...]) -> tuple[JsonObject, JsonObject | None]:
    """The two documents of a registry once its changes are written."""
    after = {change.resource: change.after.document for change in changes}
    rules = after.get(Resource.REPLICATION_CONFIGURATION)
    return rules or {"rules": []}, after.get(Resource.REGISTRY_POLICY)


if __name__ == "__main__":
    main()
