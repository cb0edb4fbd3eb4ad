"""Explains where an image goes, as AWS has it."""

from __future__ import annotations

from fleet_repl.engine.explain import ExplainContext, look_for
from fleet_repl.fleet.context import RunContext
from fleet_repl.planning.explain import Explanation, Question
from fleet_repl.runs.explain import explain_sightings


async def explain_live(question: Question, context: RunContext) -> Explanation:
    """Reads what decides on a question, and answers it. Writes nothing."""
    how = ExplainContext(reader=context.registries, how=context.observing({}))
    return explain_sightings(question, await look_for(question, how))
