"""From the inventory to links: routes expanded, waves, protection and templates placed.

The law of this room: it is pure, and it knows nothing of AWS, plans or rules.
"""

from __future__ import annotations

from fleet_repl.inventory import REST
from fleet_repl.topology.index import external_registries, names, registries
from fleet_repl.topology.links import NOTICES, About, Link, Notice, scope_of
from fleet_repl.topology.resolve import Topology, connect
from fleet_repl.topology.selection import Selection, check_labels, find_registry, select
from fleet_repl.topology.summaries import RouteSummary
from fleet_repl.topology.waves import Waves

__all__ = [
    "NOTICES",
    "REST",
    "About",
    "Link",
    "Notice",
    "RouteSummary",
    "Selection",
    "Topology",
    "Waves",
    "check_labels",
    "connect",
    "external_registries",
    "find_registry",
    "names",
    "registries",
    "scope_of",
    "select",
]
