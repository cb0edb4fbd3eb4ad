"""Planning a large fleet takes minutes of computing: its lock is renewed meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio.to_thread
import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.planner import plan_registries
from fleet_repl.runs.rollback import plan_rollback


@pytest.mark.parametrize(
    ("place", "work"),
    [
        ("connect.desired_state", desired_state),
        ("plan.plan_registries", plan_registries),
        ("rollback.plan_rollback", plan_rollback),
    ],
)
async def test_others_get_on_meanwhile(
    monkeypatch: pytest.MonkeyPatch, place: str, work: Callable[..., object]
) -> None:
    """The event loop turns while it computes: here the one waits for the other."""
    turned = threading.Event()
    began = threading.Event()

    def long(*given: Any, **how: Any) -> Any:
        began.set()
        assert turned.wait(5), "nothing else was done meanwhile"
        return work(*given, **how)

    async def turn() -> None:
        await anyio.to_thread.run_sync(began.wait)
        turned.set()

    async with simulate(fleet_text("1>2 base/")) as aws:
        first = await aws.applied()
        monkeypatch.setattr(f"fleet_repl.fleet.{place}", long)
        async with anyio.create_task_group() as group:
            group.start_soon(turn)
            async with aws.connected() as fleet:
                await fleet.plan()
                await fleet.plan_rollback(first.run_id)
        assert turned.is_set()
