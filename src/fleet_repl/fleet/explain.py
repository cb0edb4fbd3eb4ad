"""Explains where an image goes, as AWS has it."""

from __future__ import annotations

from fleet_repl.engine.explain import ExplainContext, Look
from fleet_repl.fleet.context import RunContext
from fleet_repl.fleet.enrolment import joining_among
from fleet_repl.fleet.repositories import known_there
from fleet_repl.planning.explain import Explanation, Question
from fleet_repl.runs.explain import explain_sightings


async def explain_live(question: Question, context: RunContext) -> Explanation:
    """Reads what decides on a question, and answers it. Writes nothing."""
    return explain_sightings(question, await (await look_at(question, context)).run())


async def look_at(question: Question, context: RunContext) -> Look:
    """Returns a look at what decides on a question, which knows the accounts that are joining.

    Raises StateError where nobody can tell which repositories a route leaves.
    """
    how = ExplainContext(
        reader=context.registries,
        how=context.observing({}),
        joining=await joining_among(question.registries, context),
        there=await known_there(context),
    )
    return Look(question=question, context=how)
