"""A watch of a made-up fleet."""

from __future__ import annotations

import pytest
from tests.support.clock import VirtualClock
from tests.support.watched import Stage, World, inventory_of


@pytest.fixture
def stage() -> Stage:
    """A fleet of three registries that is in sync."""
    clock = VirtualClock()
    return Stage(world=World(clock), clock=clock, inventory=inventory_of())
