"""A fleet for runs that are cut off, and the AWS that it lives in."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.survival import HERE, ROUGH, Foundation, Reluctant, Scene, SetUp, set_up

from fleet_repl.sandbox import FaultRule, load_scenario
from fleet_repl.values.clock import SYSTEM, Clock


@pytest.fixture(scope="session")
def foundation(tmp_path_factory: pytest.TempPathFactory) -> Foundation:
    """Laid by whoever needs it first."""
    return Foundation(tmp_path_factory.mktemp("foundation"))


@pytest.fixture
def scene(foundation: Foundation, tmp_path: Path) -> SetUp:
    """The fleet, its inventory changed since it was applied, and an AWS where calls fail.

    `fresh`: nothing of the fleet is there yet, nor any state.
    """

    @asynccontextmanager
    async def make(
        *,
        fresh: bool = False,
        seed: int = 0,
        faults: tuple[FaultRule, ...] = (),
        concurrency: int = 16,
        latency: float = 0,
        clock: Clock = SYSTEM,
    ) -> AsyncIterator[Scene]:
        await foundation.lay()
        changes = {"seed": seed, "faults": faults, "latency_ms": (latency, latency)}
        rough = load_scenario(HERE / "strangers.toml").model_copy(update=changes)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        async with set_up(folder, rough, clock, later=True, concurrency=concurrency) as made:
            if not fresh:
                foundation.put_up(made)
            yield made

    return make


@pytest.fixture
def reluctant() -> Reluctant:
    """For a scene whose AWS is slow on purpose."""
    return Reluctant()


@pytest.fixture(scope="session")
def rough() -> tuple[FaultRule, ...]:
    """Throttling, and answers that get lost."""
    return ROUGH
