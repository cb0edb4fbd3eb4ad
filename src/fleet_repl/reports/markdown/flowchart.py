"""The links that change as a Mermaid flowchart, where they are few enough to be followed."""

from __future__ import annotations

from itertools import islice
from typing import Final

from fleet_repl.reports.changed_links import ChangedLink, changed_links, names_of
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.graph import Edge, Graph, Kind, Node, mermaid_text
from fleet_repl.runs.outcomes import Outcome

MOST_LINKS: Final = 40


def flowchart(document: PlanDocument | ReportDocument) -> str | None:
    """Returns the drawing in a fence; None where no link changes, or more than `MOST_LINKS`."""
    links = tuple(islice(changed_links(document), MOST_LINKS + 1))
    if not 0 < len(links) <= MOST_LINKS:
        return None
    names = names_of(document)
    ends = sorted({end for link in links for end in (link.source, link.destination)})
    graph = Graph(
        fleet=document.fleet,
        grouped=False,
        nodes=tuple(
            Node(
                id=str(end),
                kind=Kind.MANAGED,
                region=end.region,
                account=end.account,
                name=names.get(end.account),
            )
            for end in ends
        ),
        edges=tuple(
            Edge(
                source=str(link.source),
                destination=str(link.destination),
                routes=link.routes,
                prefixes=link.prefixes,
                change=_change(link),
            )
            for link in links
        ),
    )
    return f"```mermaid\n{mermaid_text(graph)}```"


def _change(link: ChangedLink) -> str:
    """Returns what changes; of a write that was not made, what became of it: `added, failed`."""
    change = link.change.replace("-", " ")
    return change if link.outcome in (None, Outcome.APPLIED) else f"{change}, {link.outcome}"
