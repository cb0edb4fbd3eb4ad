"""Observe, apply, backfill, verify: the order and the concurrency of calls.

Decisions are made elsewhere; here failures become values and only cancellation escapes.
"""
