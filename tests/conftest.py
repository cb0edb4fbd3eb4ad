"""Settings for the whole suite: hypothesis checks laws the same way every time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fleet-repl",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=60,
)
settings.load_profile("fleet-repl")
