"""Hypothesis settings for the whole suite: laws are checked the same way every time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fleet-repl",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100,
)
settings.load_profile("fleet-repl")
