"""The context of a run, made once when the connection is opened."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.engine.observe import ObserveContext
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.shards import ShardReaders
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.stores import Store
from fleet_repl.fleet.access import Access
from fleet_repl.fleet.event_sinks import both
from fleet_repl.fleet.record import Memory
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.attribution import KnownCalls
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.discovery import discovery_warnings
from fleet_repl.planning.enrolment import joining_until
from fleet_repl.planning.ownership import Record
from fleet_repl.planning.plan import UNKNOWN_REGIONS, Warning
from fleet_repl.state import RunRecords
from fleet_repl.topology import Selection
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries
    from fleet_repl.engine.backfill.start import BackfillContext


def new_run_id(clock: Clock) -> str:
    """The id of a run that begins now; ids sort by time."""
    return f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run_pace(inventory: Inventory, clock: Clock) -> Pace:
    """Returns the pace of calls for a run that begins now."""
    settings = inventory.apply
    return Pace(
        attempts=settings.attempts,
        timeout=settings.timeout,
        deadline=clock.monotonic() + settings.deadline,
        clock=clock,
        uniform=random.uniform,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """A fleet's inventory and desired state, its registries, its state, and this run's clock and
    stop."""

    run_id: str
    started: datetime
    inventory: Inventory
    world: str | None
    """The name of the AWS endpoint; None for AWS itself."""
    desired: Desired
    warnings: tuple[Warning, ...]
    """The warnings about the inventory itself."""
    registries: AwsRegistries
    store: Store
    folder: Path | None
    """The folder of the state; None for a bucket."""
    memory: Memory
    records: RunRecords
    access: Access
    pace: Pace
    stop: Stop
    on_event: EventSink
    known_calls: KnownCalls
    """Calls of others that whoever connects knows of already."""
    read_only: bool = False
    """Whether the sessions of this run may make no call that writes."""
    puts_images: bool = False
    """Whether they may put images."""
    workers: ShardReaders | None = None
    """Other processes that read for this one; None: it reads by itself."""

    def check_may_write(self) -> None:
        """Raises FleetError in a run that may not write."""
        if self.read_only:
            raise FleetError("the fleet was connected read-only: it writes nothing")

    def check_may_put_images(self) -> None:
        """Raises FleetError in a run that may put no images."""
        if not self.puts_images:
            raise FleetError(
                "the fleet was connected for another purpose: its sessions may put no images; "
                "connect it with purpose=Purpose.REPAIR"
            )

    def reporting_to(self, on_event: EventSink | None) -> RunContext:
        """Returns the context with its events also sent to `on_event`."""
        return replace(self, on_event=both(self.on_event, on_event))

    @property
    def inventory_ref(self) -> InventoryRef:
        """The inventory with its path as it was given."""
        return InventoryRef(path=self.inventory.path, digest=self.inventory.digest)

    def inventory_seen_from(self, folder: Path) -> InventoryRef:
        """Returns the inventory with its path from a folder, so that both can be moved together."""
        if self.inventory.text is not None:
            # Standard input has no place.
            return self.inventory_ref
        path = _relative(Path(self.inventory.path), folder)
        return InventoryRef(path=path, digest=self.inventory.digest)

    def observing(
        self,
        record: Record,
        *,
        over: float = 0.0,
        templates: frozenset[Registry] = frozenset(),
    ) -> ObserveContext:
        """Returns how registries are read. `over`: the seconds over which the reads are spread.
        `templates`: registries whose templates are read, beside those that have or get any."""
        recorded = {registry for registry, applied in record.items() if applied.templates}
        return ObserveContext(
            reader=self.registries,
            repositories=self.registries,
            owner=self.desired.owner if self.desired.manages_grants else None,
            with_templates=recorded | templates | self.desired.templates.keys(),
            concurrency=self.inventory.apply.concurrency,
            stop=self.stop,
            clock=self.pace.clock,
            on_event=self.on_event,
            over=over,
            uniform=self.pace.uniform,
            workers=self.workers,
            excusable={*self.desired.retired, *joining_until(self.inventory, self.started)},
        )

    @property
    def backfilling(self) -> BackfillContext:
        """The context in which backfills are started and followed."""
        from fleet_repl.engine.backfill.start import BackfillContext  # noqa: PLC0415 - few runs do

        return BackfillContext(
            backfills=self.registries,
            pace=self.pace,
            stop=self.stop,
            admit=self.access.halt_if_frozen,
            concurrency=self.inventory.apply.concurrency,
            on_event=self.on_event,
        )


def regions_warnings(context: RunContext, selection: Selection) -> Iterator[Warning]:
    """Yields the warning about accounts in the selection of which registries may be missing, as
    they did not say their regions: a result without them is partial."""
    for warning in discovery_warnings(context.inventory, selection, now=context.started):
        if warning.kind == UNKNOWN_REGIONS:
            yield warning


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
