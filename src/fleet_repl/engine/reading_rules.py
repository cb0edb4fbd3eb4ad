"""Read the replication rules of registries, and nothing else of them."""

from __future__ import annotations

from collections.abc import Collection

from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.crew import work_through
from fleet_repl.engine.starting import Backfilling
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.names import Registry
from fleet_repl.outcomes import ReadStarted, RegistryRead
from fleet_repl.ports import RegistryReader
from fleet_repl.rules import Outgoing, parse_answer

_OPERATION = "DescribeRegistry"


async def read_rules(
    registries: Collection[Registry], reader: RegistryReader, how: Backfilling
) -> dict[Registry, Outgoing | Fault]:
    """The links that are in place out of each registry, or why that is not known.

    After an interruption some are missing; a deadline that passes is a fault.
    """
    found: dict[Registry, Outgoing | Fault] = {}

    async def read(registry: Registry) -> None:
        how.on_event(ReadStarted(registry=registry))
        found[registry] = seen = await _read(registry, reader)
        error = seen if isinstance(seen, Fault) else None
        how.on_event(RegistryRead(registry=registry, error=error))

    with how.stop.abandonable():
        await work_through(sorted(registries), read, crew=how.crew, stop=how.stop)
    if not how.stop.interrupted:
        late = Fault(kind=FaultKind.TIMEOUT, operation=_OPERATION, message=how.stop.because)
        for registry in registries:
            found.setdefault(registry, late)
    return found


async def _read(registry: Registry, reader: RegistryReader) -> Outgoing | Fault:
    try:
        return parse_answer(await reader.describe(registry)).outgoing
    except CallError as error:
        return error.fault
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        return unforeseen(_OPERATION, error)
