"""From the inventory to links: routes expanded, waves, protection and templates placed.

The law of this room: it is pure, and it knows nothing of AWS, plans or rules.
"""

from __future__ import annotations

from fleet_repl.inventory import REST as REST
from fleet_repl.topology.index import (
    external_registries as external_registries,
    names as names,
    registries as registries,
)
from fleet_repl.topology.links import (
    NOTICES as NOTICES,
    About as About,
    Link as Link,
    Notice as Notice,
    scope_of as scope_of,
)
from fleet_repl.topology.resolve import Topology as Topology, connect as connect
from fleet_repl.topology.selection import (
    EVERYTHING as EVERYTHING,
    Selection as Selection,
    check_labels as check_labels,
    find_registry as find_registry,
    select as select,
    selected_accounts as selected_accounts,
)
from fleet_repl.topology.summaries import RouteSummary as RouteSummary
from fleet_repl.topology.waves import Waves as Waves
