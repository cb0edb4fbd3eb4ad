"""A run as an OpenTelemetry trace, made of its events. Imports OpenTelemetry only for a trace that
is wanted."""

from fleet_repl.fleet.tracing.traced import traced

__all__ = ["traced"]
