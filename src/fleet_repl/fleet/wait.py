"""Waits for an image of a fleet."""

from __future__ import annotations

from datetime import timedelta

from fleet_repl.engine.wait import WaitContext, wait
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.explain import look_at
from fleet_repl.inventory import Inventory
from fleet_repl.planning.explain import Explanation, Question
from fleet_repl.values.errors import SelectionError


async def wait_for(question: Question, within: timedelta, context: RunContext) -> Explanation:
    """Waits for an image and explains where it is. Writes nothing. Raises SelectionError."""
    check_wait(question, within, context.inventory)
    how = WaitContext(pace=context.pace, stop=context.stop, on_event=context.on_event)
    return await wait(await look_at(question, context), within.total_seconds(), how)


def check_wait(question: Question, within: timedelta, inventory: Inventory) -> None:
    """Raises SelectionError for a wait that cannot be."""
    if not question.image.is_image:
        name = question.repository
        raise SelectionError(
            f"{name} is a whole repository: name an image to wait for, such as {name}:latest"
        )
    if question.source in question.destinations:
        raise SelectionError(f"{question.source} is both ends: what is pushed there is there")
    if within.total_seconds() > inventory.apply.deadline:
        raise SelectionError(
            f"a run ends after {inventory.apply.deadline:g} s at the latest, and --within is "
            f"{within.total_seconds():g} s: raise deadline in [apply]"
        )
