"""Observe, apply, backfill, verify: the order and the concurrency of calls.

The law of this room: it carries plans out behind ports and decides nothing that `planning` or
`runs` can decide. A failure becomes a value; only cancellation escapes.
"""
