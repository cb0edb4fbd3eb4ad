"""What a registry answers is parsed where it comes in, and by nobody after that."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Status, to_json
from fleet_repl.aws.registries import AwsRegistries
from fleet_repl.ecr.policy import parse_policy
from fleet_repl.ecr.rules import parse_document
from fleet_repl.fleet.kept_plan import load_plan

OLD = fleet_text("1>2,4 base/", "2>3 team/ base/", "3>4")


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Calls of the two parsers wherever they are imported, and the answers that came in."""
    calls: Counter[str] = Counter()

    def wrapped(name: str, real: Any) -> Any:
        def call(*arguments: Any) -> Any:
            calls[name] += 1
            return real(*arguments)

        return call

    with monkeypatch.context() as patch:
        for real in (parse_policy, parse_document):
            counting = wrapped(real.__name__, real)
            for name, module in list(sys.modules.items()):
                if name.startswith("fleet_repl.") and vars(module).get(real.__name__) is real:
                    patch.setattr(module, real.__name__, counting)
        for name in ("describe", "read_policy"):
            patch.setattr(AwsRegistries, name, wrapped(name, getattr(AwsRegistries, name)))
        yield calls


async def changed(aws: Simulated) -> None:
    """Links come and go, so that policies are written twice and rules once."""
    await aws.applied(OLD)
    aws.rewrite(fleet_text("1>2,3 base/", "2>3,4 team/"))


async def test_an_apply_parses_each_answer_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the plan, and those by which writes are confirmed. What is planned and sent is not
    parsed at all: whoever made it knows what it means."""
    async with simulate(fleet_text("1>2,3 base/", "2>3,4 team/")) as aws:
        await changed(aws)
        with counted(monkeypatch) as calls:
            report = await aws.applied()
        assert (report.status, report.writes.applied > 4) == (Status.OK, True)
    assert calls["read_policy"] > 4
    assert calls["parse_policy"] == calls["read_policy"]
    assert calls["parse_document"] == calls["describe"]


async def test_a_plan_out_of_a_file_is_parsed_once_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its rules when it is read, and its policies when it is known whose they are."""
    async with simulate(fleet_text("1>2,3 base/", "2>3,4 team/")) as aws:
        await changed(aws)
        async with aws.connected() as fleet:
            plan = await fleet.plan()
        kept = tmp_path / "plan.json"
        kept.write_text(to_json(plan))
        of_policies = sum(change.resource == "registry-policy" for _, change in plan.changes)
        of_rules = sum(change.resource == "replication-configuration" for _, change in plan.changes)
        with counted(monkeypatch) as calls:
            again = load_plan(kept)
            async with aws.connected() as fleet:
                report = await fleet.apply(again, force=True)
        assert report.status is Status.OK
    assert min(of_policies, of_rules) > 0
    assert calls["parse_policy"] == calls["read_policy"] + 2 * of_policies
    assert calls["parse_document"] <= calls["describe"] + 2 * of_rules
