"""Whether the documents in the folder of a run are all of that run: nobody has put another's there.

Each is readable by itself. But a rollback by what another run replaced would write that, and what a
run had done that died would be recorded of the other.
"""

from __future__ import annotations

from collections.abc import Callable

from fleet_repl.planning.ownership import NO_RECORD
from fleet_repl.runs.history import PastRun
from fleet_repl.runs.overwritten import each_before
from fleet_repl.values.errors import UnreadableStateError


def check_same_run(past: PastRun, run_id: str, where: Callable[[str], str]) -> None:
    """Raises UnreadableStateError for the first document that is not of the run with this id, or
    that says something else than the run's plan. `where`: a document's name → its place."""
    replaced = dict(each_before(past.plan, NO_RECORD))
    written = {
        (registry_plan.registry, change.resource)
        for registry_plan in past.plan.registries
        for change in registry_plan.changes
    }
    of_another = {
        "run.json": past.meta.run_id != run_id,
        "plan.json": past.plan.digest != past.meta.plan_digest,
        "before.json": past.before.keys() != replaced.keys()
        or any(
            (entry.documents, entry.templates)
            != (replaced[registry].documents, replaced[registry].templates)
            for registry, entry in past.before.items()
        ),
        "journal.jsonl": any(
            (entry.registry, entry.resource) not in written for entry in past.journal
        ),
        "report.json": past.report is not None and past.report.run_id != run_id,
    }
    for document, is_of_another in of_another.items():
        if is_of_another:
            raise foreign_document(where(document))


def foreign_document(where: str) -> UnreadableStateError:
    """Returns the error for a document of another run."""
    return UnreadableStateError(
        f"what is remembered of a run cannot be read: {where}: it is of another run\n"
        "    move the run's folder away to go on without it"
    )
