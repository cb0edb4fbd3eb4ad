"""The result of an import: an inventory that was made of an observation."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleet_repl.planning.elsewhere import HeldResource, Holder, removed_blocks
from fleet_repl.planning.importing.left_out import LeftOut
from fleet_repl.topology import registries
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import listed

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory
    from fleet_repl.planning.observed import Observation

_SHOWN: Final = 5
"""Accounts that one note names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An inventory that was made of what is in place."""

    text: str
    """TOML, complete. External ids are variables in it."""
    links: int
    routes: int
    left_out: tuple[LeftOut, ...] = ()
    """The parts that no route stands for, by registry. They stay as they are."""
    notes: tuple[str, ...] = ()
    """Further notes for the reader of `text`."""
    held: tuple[HeldResource, ...] = ()
    """Resources of the fleet's registries that other tools manage."""
    others: tuple[HeldResource, ...] = ()
    """Resources of other registries in the same Terraform states."""

    @property
    def removed_blocks(self) -> str:
        """HCL that takes those out of Terraform's states; empty where Terraform holds nothing."""
        return removed_blocks(self.held, self.others)

    @property
    def unreadable(self) -> tuple[Registry, ...]:
        """The registries of which nothing is known, except of retired and joining accounts."""
        return tuple(left.registry for left in self.left_out if left.unreadable)


def imported(
    text: str,
    inventory: Inventory,
    observation: Observation,
    joining: Collection[AccountId] = (),
    held: Collection[HeldResource] = (),
) -> Imported:
    """The inventory for what was observed, but for the accounts that are joining. `text` is the
    file that `inventory` was read from. `held`: what other tools manage, in any account."""
    # Only importing needs a parser that keeps comments.
    from fleet_repl.planning.importing.decide import decide  # noqa: PLC0415
    from fleet_repl.planning.importing.edit import edited  # noqa: PLC0415
    from fleet_repl.planning.importing.file_texts import FileTexts  # noqa: PLC0415
    from fleet_repl.planning.importing.toml import document  # noqa: PLC0415

    file_texts = FileTexts(inventory, tomllib.loads(text))
    decision = decide(inventory, observation, file_texts, joining)
    file = edited(text, inventory, decision.inventory)
    unmanaged = decision.unmanaged
    fleet = frozenset(registries(inventory))
    accounts = {registry.account for registry in fleet}
    ours, others = list[HeldResource](), list[HeldResource]()
    for resource in held:
        if resource.region is None:
            is_ours = resource.account in accounts
        else:
            is_ours = Registry(resource.account, resource.region) in fleet
        (ours if is_ours else others).append(resource)
    because = () if unmanaged is None else (f'grants = "off", because with "managed" {unmanaged}',)
    return Imported(
        text=document(file, decision, file_texts, ours),
        links=decision.links,
        routes=len(decision.inventory.routes),
        left_out=decision.left_out,
        notes=(*because, *_joining_note(joining), *_stack_note(ours), *file.notes),
        held=tuple(ours),
        others=tuple(others),
    )


def _stack_note(held: Collection[HeldResource]) -> Iterator[str]:
    stacks = sorted(
        {resource.target for resource in held if resource.holder is Holder.CLOUDFORMATION}
    )
    if stacks:
        yield (
            f"stacks hold some of it ({listed(stacks, _SHOWN)}): give each of these resources "
            "DeletionPolicy: Retain and update the stack, then take it out of the template and "
            "update the stack again"
        )


def _joining_note(joining: Collection[AccountId]) -> Iterator[str]:
    if joining:
        accounts = listed(sorted(joining), _SHOWN)
        yield (
            f"nothing is imported of accounts that have just joined, whose roles cannot be assumed "
            f"yet: {accounts}"
        )
