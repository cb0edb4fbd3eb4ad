"""What the stages without AWS cost per registry, and how much memory a whole drift takes.

    python -m benchmarks.plan_fleet --registries 100000

Accounts have ten regions and stand in cells of twenty. In each region the hub of a cell replicates
to its nineteen leaves, and the first region of each account to two others of its own. `--drift`
says what is in place: `none` for what the inventory wants, so that nothing changes, and `all` for
nothing at all, so that everything does. Each answer is parsed from a text of its own, as those of
AWS are.

Times are of the processor. Memory is resident, above that of a process that has only imported the
package.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from fleet_repl import Inventory, Plan, Registry
from fleet_repl.ecr.policy import Policy, as_composed, compose, parse_policy
from fleet_repl.ecr.rules import document_of, parse_answer, rules_for
from fleet_repl.inventory import parse
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.needed_grants import needed_for
from fleet_repl.planning.objections import objections
from fleet_repl.planning.observed import Observed
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.reports.documents.plan import plan_digest
from fleet_repl.reports.files import write_report
from fleet_repl.reports.to_json import json_pieces
from fleet_repl.values.canonical_json import JsonObject, compact_json, parse_json
from fleet_repl.values.garbage import collect_seldom

T = TypeVar("T")

NOTHING: Final[tuple[JsonObject, None]] = {"rules": []}, None
REGIONS: Final = (
    *("eu-west-1", "us-east-1", "us-east-2", "us-west-2", "eu-central-1"),
    *("eu-north-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"),
)
CELL: Final = 20


def inventory(registries: int) -> str:
    """An inventory of this many registries, in whole cells."""
    cells = max(1, registries // len(REGIONS) // CELL)
    listed = "\n".join(
        f'[[accounts]]\nid = "{number + 1:012}"\nname = "account-{number + 1}"\n'
        f'labels = {{ tier = "{"leaf" if number % CELL else "hub"}", cell = "c{number // CELL}" }}'
        for number in range(cells * CELL)
    )
    routes = "\n".join(
        f'[[routes]]\nname = "golden-{cell}"\nprefixes = ["base/", "golden/"]\n'
        f'from = {{ labels = {{ tier = "hub", cell = "c{cell}" }} }}\n'
        f'to = {{ labels = {{ tier = "leaf", cell = "c{cell}" }}, same_region = true }}'
        for cell in range(cells)
    )
    return f"""version = 1
name = "bench"
[aws]
role = "bench"
regions = {json.dumps(REGIONS)}
{listed}
{routes}
[[routes]]
name = "dr"
from = {{ regions = ["{REGIONS[0]}"] }}
to = {{ same_account = true, regions = {json.dumps(REGIONS[1:3])} }}
"""


def observed(desired: Desired, *, settled: bool) -> dict[Registry, Observed]:
    """What AWS answers about each registry: all that the inventory wants, or nothing at all."""
    return {
        registry: _read(registry, desired, *(wanted(registry, desired) if settled else NOTHING))
        for registry in desired.registries
    }


def wanted(registry: Registry, desired: Desired) -> tuple[JsonObject, JsonObject | None]:
    """The rules and the policy of a registry where everything is in place."""
    links = desired.incoming.get(registry, ())
    granted = [link for link in links if desired.must_be_granted(link.source, registry)]
    grants = needed_for(granted, desired)
    policy = compose(Policy(document=None), grants, desired.owner, registry)
    return document_of(rules_for(desired.links_out(registry))), policy.document


def _read(
    registry: Registry, desired: Desired, rules: JsonObject, policy: JsonObject | None
) -> Observed:
    answer: JsonObject = {"registryId": registry.account, "replicationConfiguration": rules}
    document = None if policy is None else _object(policy)
    policy_read = parse_policy(document, desired.owner, registry)
    return Observed(
        replication=parse_answer(_object(answer)),
        policy=as_composed(policy_read, desired.owner, registry),
    )


def _object(document: JsonObject) -> JsonObject:
    """A document as it comes over the wire: no part of it is shared with any other."""
    value = parse_json(compact_json(document))
    assert isinstance(value, dict)
    return value


def planned(read: Inventory, desired: Desired, seen: dict[Registry, Observed]) -> Plan:
    """The plan of a whole fleet, without its digest."""
    made = plan_registries(desired, seen, frozenset(desired.registries))
    return Plan(
        digest="",
        created_at=datetime.now(UTC),
        fleet=read.name,
        inventory=InventoryRef(path="bench.toml", digest=read.digest),
        summary=summarize(made.registries),
        registries=made.registries,
        objections=objections(made.registries, {}),
        warnings=made.warnings,
        vouched=made.vouched,
    )


def timed(what: str, registries: int, work: Callable[[], T]) -> T:
    started = time.process_time()
    result = work()
    seconds = time.process_time() - started
    print(f"{what:<10} {seconds:7.2f} s  {1e6 * seconds / registries:6.1f} µs a registry")
    return result


def resident() -> float:
    """Bytes of memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registries", type=int, default=100_000)
    parser.add_argument("--drift", choices=("none", "all"), default="none")
    given = parser.parse_args()
    gc.disable()
    count, idle = given.registries, resident()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(count))
        read = timed("inventory", count, lambda: parse(path, environ={}))
        desired, _ = timed("links", count, lambda: desired_state(read))
        collect_seldom()
        seen = timed("answers", count, lambda: observed(desired, settled=given.drift == "none"))
        plan = timed("plan", count, lambda: planned(read, desired, seen))
        plan = replace(plan, digest=timed("digest", count, lambda: plan_digest(plan)))
        used = resident() - idle
        report = Path(folder) / "report.json"
        timed("report", count, lambda: write_report(json_pieces(plan), report))
        size = report.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - idle
    print(f"{len(plan.registries):,} registries, {len(plan.changes):,} changes")
    print(f"report: {size / 1e6:.1f} MB")
    for what, memory in (("planned", used), ("peak", peak)):
        print(
            f"memory, {what:<8} {memory / 1e6:6.0f} MB  {memory / 1024 / count:5.2f} KB a registry"
        )


if __name__ == "__main__":
    main()
