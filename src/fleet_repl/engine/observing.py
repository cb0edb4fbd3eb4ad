"""Observe registries: every one asked gets an answer or an error, never nothing.

Reads may be spread over a time, so that those of a large fleet are no burst.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from fleet_repl.canonical import JsonObject
from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.crew import work_through
from fleet_repl.engine.stopping import Stop
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.grants import Owner, parse_policy
from fleet_repl.lint import scope_matters
from fleet_repl.names import Registry
from fleet_repl.observed import Observed, Unreadable
from fleet_repl.outcomes import ReadStarted, RegistryRead
from fleet_repl.pacing import Clock
from fleet_repl.plan import Effort
from fleet_repl.ports import EventSink, RegistryReader
from fleet_repl.rules import parse_answer

POLICY_SCOPE = "REGISTRY_POLICY_SCOPE"
"""ECR's name of the setting that says how much of a registry policy is enforced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """What observing needs beside the registries."""

    reader: RegistryReader
    owner: Owner | None
    """Whose statements are told apart in policies; None: policies are not read."""
    with_templates: Collection[Registry]
    """Registries that are asked for their creation templates."""
    crew: int
    stop: Stop
    clock: Clock
    on_event: EventSink
    over: float = 0.0
    """Seconds that the reads are spread over; never past the deadline."""
    uniform: Callable[[float, float], float] = random.uniform
    """A random number between two: when an account's turn is."""


async def observe(
    registries: Collection[Registry], how: Observing
) -> tuple[dict[Registry, Observed | Unreadable], dict[Registry, Effort]]:
    """Read every registry. After a stop some may be missing from the answer.

    A deadline that passes is an error of each registry it left unread; an interruption is not.
    """
    found: dict[Registry, Observed | Unreadable] = {}
    efforts: dict[Registry, Effort] = {}

    starts = _starts(registries, how)
    began = how.clock.monotonic()

    async def read(registry: Registry) -> None:
        early = began + starts[registry] - how.clock.monotonic()
        if early > 0:
            await how.clock.sleep(early)
            if how.stop.requested:
                return
        how.on_event(ReadStarted(registry=registry))
        started, calls = how.clock.monotonic(), how.reader.attempts(registry)
        found[registry] = seen = await _read(registry, how)
        efforts[registry] = Effort(
            how.reader.attempts(registry) - calls, how.clock.monotonic() - started
        )
        error = seen.error if isinstance(seen, Unreadable) else None
        how.on_event(RegistryRead(registry=registry, error=error))

    with how.stop.abandonable():
        order = sorted(registries, key=lambda one: (starts[one], one))
        await work_through(order, read, crew=how.crew, stop=how.stop)
    if not how.stop.interrupted:
        late = Fault(kind=FaultKind.TIMEOUT, operation="DescribeRegistry", message=how.stop.because)
        for registry in registries:
            found.setdefault(registry, Unreadable(error=late))
    return found, efforts


def _starts(registries: Collection[Registry], how: Observing) -> dict[Registry, float]:
    """When each registry's turn is, in seconds from now. All of an account come together, so
    that one session serves them."""
    over = min(how.over, how.stop.remaining)
    if over <= 0:
        return dict.fromkeys(registries, 0.0)
    accounts = sorted({one.account for one in registries})
    offsets = {account: how.uniform(0.0, over) for account in accounts}
    return {one: offsets[one.account] for one in registries}


async def _read(registry: Registry, how: Observing) -> Observed | Unreadable:
    try:
        replication = parse_answer(await how.reader.describe(registry))
        policy = scope = None
        if how.owner is not None:
            document = await how.reader.read_policy(registry)
            policy = parse_policy(document, how.owner, registry)
            if scope_matters(policy):
                scope = await how.reader.account_setting(registry, POLICY_SCOPE)
        templates = await _templates(registry, how)
    except CallError as error:
        return Unreadable(error=error.fault)
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        return Unreadable(error=unforeseen("DescribeRegistry", error))
    return Observed(
        replication=replication,
        policy=policy,
        policy_scope=scope,
        templates=None if isinstance(templates, Fault) else templates,
        templates_error=templates if isinstance(templates, Fault) else None,
    )


async def _templates(registry: Registry, how: Observing) -> tuple[JsonObject, ...] | Fault | None:
    """Not being told of templates keeps nobody from having rules and grants."""
    if registry not in how.with_templates:
        return None
    try:
        return await how.reader.read_templates(registry)
    except CallError as error:
        return error.fault
