"""A fleet in memory whose runs are taken back."""

from __future__ import annotations

import pytest
from tests.support.rollbacks import Simulation


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return Simulation()
