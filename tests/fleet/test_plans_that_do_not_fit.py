"""Plan files whose digest fits and whose content does not: forged, or of a strange origin.

Whoever can write a plan can have it carried out; but nothing is written that the inventory does
not manage, and nothing is taken for a plan that could not be one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Outcome, Plan, PlanError, to_json
from fleet_repl.fleet.kept_plan import load_plan
from fleet_repl.values.canonical_json import digest

Forge: TypeAlias = "Callable[[dict[str, Any]], object]"

STRANGER = "999999999999/eu-west-1"


async def forged(aws: Simulated, path: Path, forge: Forge) -> Path:
    """A plan of the fleet that somebody has changed, with the digest that belongs to it then."""
    document = json.loads(to_json(await aws.planned()))
    forge(document)
    del document["digest"]
    await anyio.Path(path).write_text(json.dumps({**document, "digest": digest(document)}))
    return path


def changes(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [change for item in document["registries"] for change in item["changes"]]


def another_region(document: dict[str, Any]) -> None:
    document["registries"].append({**document["registries"][0], "region": "ap-south-1"})


def another_account(document: dict[str, Any]) -> None:
    document["registries"].append({**document["registries"][0], "account": "999999999999"})


@pytest.mark.parametrize("forge", [another_region, another_account])
async def test_nothing_is_written_that_the_inventory_does_not_list(
    tmp_path: Path, forge: Forge
) -> None:
    """Its roles may reach more registries than are managed: other regions of its accounts."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        plan = load_plan(await forged(aws, tmp_path / "plan.json", forge))
        async with aws.connected() as fleet:
            with pytest.raises(PlanError, match="which is no registry of the inventory"):
                await fleet.apply(plan)
        assert len(aws.world.writes) == 0


def twice(document: dict[str, Any]) -> None:
    document["registries"].append(document["registries"][0])


def out_of_order(document: dict[str, Any]) -> None:
    for change in changes(document):
        change["phase"] = "templates"


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (twice, r"registries\[4\]: 000000000001/eu-west-1 is there already"),
        (
            out_of_order,
            r"changes\[0\]\.phase: no replication-configuration is written among the templates",
        ),
    ],
)
async def test_what_could_be_no_plan_is_none(tmp_path: Path, forge: Forge, reason: str) -> None:
    """It says where."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        path = await forged(aws, tmp_path / "plan.json", forge)
        with pytest.raises(PlanError, match=reason):
            load_plan(path)


async def test_a_grant_that_waits_for_somebody_else_stays(tmp_path: Path) -> None:
    """Nobody has seen its rules written."""

    def wait(document: dict[str, Any]) -> None:
        for change in changes(document):
            change["needs"] = [STRANGER] if change["phase"] == "withdrawals" else []

    async with simulate(fleet_text("1>2 base/", "1>2 team/")) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>2 base/"))
        plan: Plan = load_plan(await forged(aws, tmp_path / "plan.json", wait))
        async with aws.connected() as fleet:
            report = await fleet.apply(plan)
        (outcome,) = (outcome for outcome in report.registries if outcome.registry == aws.at(2))
        assert outcome.outcome is Outcome.SKIPPED
        assert outcome.because is not None
        assert outcome.because.startswith(f"the rules of {STRANGER} were not written")


@pytest.mark.parametrize("depth", [*range(980, 1000), 100_000])
def test_a_document_without_a_bottom_is_no_plan(tmp_path: Path, depth: int) -> None:
    """Also where reading it is just possible, and counting its digest is not."""
    path = tmp_path / "plan.json"
    nested = "[" * depth + "]" * depth
    path.write_text(f'{{"schema":"fleet-repl/plan/1","digest":"","more":{nested}}}')
    with pytest.raises(Exception, match=r"nested too deeply|was altered") as caught:
        load_plan(path)
    assert type(caught.value).__name__ in ("PlanError", "RefusedError")
