"""Backfills as values, and arbitrary ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.support.clock import NOON

from fleet_repl.ecr.backfills import Backfill
from fleet_repl.values.names import AccountId, Region, Registry

REGIONS = [Region(f"eu-west-{number}") for number in range(1, 15)]

registries = st.builds(
    Registry, st.sampled_from([AccountId(item * 12) for item in "123"]), st.sampled_from(REGIONS)
)
moments = st.integers(-5, 5).map(lambda hours: NOON + timedelta(hours=hours))
statuses = st.sampled_from(
    ["PREPARING", "IN_PROGRESS", "STOPPING", "COMPLETE", "FAILED", "STOPPED", "PONDERING"]
)


def make(status: str, destination: Registry, started: datetime = NOON, name: str = "a") -> Backfill:
    return Backfill(id=name, destination=destination, status=status, started_at=started)


def _legal(drawn: list[tuple[str, Registry, datetime]]) -> tuple[Backfill, ...]:
    """As ECR lists them: one active for each region, ten in all."""
    taken: set[Region] = set()
    kept = []
    for number, (status, destination, started) in enumerate(drawn):
        backfill = make(status, destination, started, f"id-{number}")
        if backfill.active and (destination.region in taken or len(taken) >= 10):
            continue
        if backfill.active:
            taken.add(destination.region)
        kept.append(backfill)
    return tuple(kept)


@pytest.fixture(scope="session")
def noon() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def made() -> Callable[..., Backfill]:
    """status, destination, moment and id → a backfill."""
    return make


@pytest.fixture(scope="session")
def listings() -> SearchStrategy[tuple[Backfill, ...]]:
    """What ECR may list of a registry."""
    return st.lists(st.tuples(statuses, registries, moments), max_size=25).map(_legal)


@pytest.fixture(scope="session")
def wishes() -> SearchStrategy[dict[Registry, datetime | None]]:
    """Destinations that want a backfill, and since when."""
    return st.dictionaries(registries, st.none() | moments, max_size=25)
