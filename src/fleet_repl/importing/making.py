"""Making an inventory of an observation: decide what it says, and write it into the file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet_repl.importing.leftovers import LeftOut
from fleet_repl.names import Registry

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory
    from fleet_repl.observed import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An inventory that was made of what is in place."""

    text: str
    """TOML, complete. External ids are variables in it."""
    links: int
    routes: int
    left_out: tuple[LeftOut, ...] = ()
    """What no route stands for, by registry. It stays as it is."""
    notes: tuple[str, ...] = ()
    """What else the reader of `text` should know."""

    @property
    def unreadable(self) -> tuple[Registry, ...]:
        """The registries of which nothing is known, those of retired accounts apart."""
        return tuple(one.registry for one in self.left_out if one.unreadable)


def imported(text: str, inventory: Inventory, observation: Observation) -> Imported:
    """The inventory for what was observed. `text` is the file that `inventory` was read from."""
    # Only importing needs a parser that keeps comments.
    from fleet_repl.importing.deciding import decide  # noqa: PLC0415
    from fleet_repl.importing.wording import Wording  # noqa: PLC0415
    from fleet_repl.importing.writing import write  # noqa: PLC0415

    wording = Wording(inventory, tomllib.loads(text))
    decision = decide(inventory, observation, wording)
    written = write(text, inventory, decision, wording)
    grants = decision.unmanaged
    because = () if grants is None else (f'grants = "off", because with "managed" {grants}',)
    return Imported(
        text=written.text,
        links=decision.links,
        routes=len(decision.passages),
        left_out=decision.left_out,
        notes=(*because, *written.notes),
    )
