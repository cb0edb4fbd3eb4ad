"""Settings for the whole suite: hypothesis checks laws the same way every time, and what a terminal
is said to be comes from a test and not from where the suite runs."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fleet-repl",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=60,
)
settings.load_profile("fleet-repl")

# pytest-xdist sets COLUMNS in its workers, a shell may do so, and CI servers set the others.
_OF_A_TERMINAL: Final = (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "TTY_COMPATIBLE",
)
for _name in _OF_A_TERMINAL:
    os.environ.pop(_name, None)
