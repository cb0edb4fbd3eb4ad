"""Read the replication rules of registries, and nothing else of them."""

from __future__ import annotations

from collections.abc import Collection

from fleet_repl.ecr.rules import Outgoing
from fleet_repl.engine.backfill.start import Backfilling
from fleet_repl.engine.observe import Observing, observe
from fleet_repl.engine.ports import RegistryReader
from fleet_repl.planning.observed import Unreadable
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


async def read_rules(
    registries: Collection[Registry], reader: RegistryReader, how: Backfilling
) -> dict[Registry, Outgoing | Fault]:
    """The links that are in place out of each registry, or why that is not known.

    After an interruption some are missing; a deadline that passes is a fault.
    """
    observing = Observing(
        reader=reader,
        owner=None,
        with_templates=(),
        crew=how.crew,
        stop=how.stop,
        clock=how.pace.clock,
        on_event=how.on_event,
    )
    found, _ = await observe(registries, observing)
    return {
        registry: seen.error if isinstance(seen, Unreadable) else seen.replication.outgoing
        for registry, seen in found.items()
    }
