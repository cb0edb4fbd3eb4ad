"""What is left behind by runs that were cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.witness import Aftermath, Witness


@pytest.fixture
def aftermath() -> Callable[[Any], Aftermath]:
    """What is looked at once a run in a scene is over."""
    return lambda scene: Aftermath(scene, Witness(scene))
