"""Plan and apply ECR replication over a whole fleet of AWS accounts.

    import fleet_repl

    inventory = fleet_repl.load_inventory("inventories/prod.toml")
    async with fleet_repl.connect(inventory) as fleet:
        plan = await fleet.plan()
        report = await fleet.apply(plan)
    print(fleet_repl.to_json(report))

Importing it loads nothing but this module; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fleet_repl._version import __version__

if TYPE_CHECKING:
    from fleet_repl.backfills import Backfill, BackfillOutcome, BackfillState
    from fleet_repl.delivery import (
        Delivery,
        DeliveryReport,
        DeliveryState,
        LinkDelivery,
        PushedImage,
        Times,
        UnreadRegistry,
    )
    from fleet_repl.errors import (
        CallError,
        Fault,
        FaultKind,
        FleetError,
        IdentityError,
        InventoryError,
        Problem,
        ScenarioError,
        SelectionError,
        StateError,
    )
    from fleet_repl.importing import Imported, LeftOut
    from fleet_repl.inventory import Inventory
    from fleet_repl.names import AccountId, Partition, Region, Registry
    from fleet_repl.outcomes import (
        BackfillEnded,
        BackfillMode,
        BackfillProgressed,
        BackfillReport,
        BackfillStarted,
        BackfillsWanted,
        CallRetried,
        ChangeOutcome,
        Event,
        Outcome,
        PlanMade,
        ReadStarted,
        RegistryFinished,
        RegistryOutcome,
        RegistryRead,
        Report,
        RunFinished,
        RunStarted,
        Status,
        VerifyFinished,
        VerifyStarted,
        WriteSettled,
        WriteStarted,
    )
    from fleet_repl.plan import (
        Action,
        Change,
        HeldLink,
        LinkEnd,
        Objection,
        Phase,
        Plan,
        RegistryPlan,
        Resource,
        State,
        Summary,
        Warning,
    )
    from fleet_repl.reports import to_json
    from fleet_repl.topology import Selection
    from fleet_repl.workflow import (
        Fleet,
        FleetSummary,
        Interrupted,
        PlanError,
        connect,
        describe_fleet,
        load_inventory,
    )

__all__ = [
    "AccountId",
    "Action",
    "Backfill",
    "BackfillEnded",
    "BackfillMode",
    "BackfillOutcome",
    "BackfillProgressed",
    "BackfillReport",
    "BackfillStarted",
    "BackfillState",
    "BackfillsWanted",
    "CallError",
    "CallRetried",
    "Change",
    "ChangeOutcome",
    "Delivery",
    "DeliveryReport",
    "DeliveryState",
    "Event",
    "Fault",
    "FaultKind",
    "Fleet",
    "FleetError",
    "FleetSummary",
    "HeldLink",
    "IdentityError",
    "Imported",
    "Interrupted",
    "Inventory",
    "InventoryError",
    "LeftOut",
    "LinkDelivery",
    "LinkEnd",
    "Objection",
    "Outcome",
    "Partition",
    "Phase",
    "Plan",
    "PlanError",
    "PlanMade",
    "Problem",
    "PushedImage",
    "ReadStarted",
    "Region",
    "Registry",
    "RegistryFinished",
    "RegistryOutcome",
    "RegistryPlan",
    "RegistryRead",
    "Report",
    "Resource",
    "RunFinished",
    "RunStarted",
    "ScenarioError",
    "Selection",
    "SelectionError",
    "State",
    "StateError",
    "Status",
    "Summary",
    "Times",
    "UnreadRegistry",
    "VerifyFinished",
    "VerifyStarted",
    "Warning",
    "WriteSettled",
    "WriteStarted",
    "__version__",
    "connect",
    "describe_fleet",
    "load_inventory",
    "to_json",
]

_HOMES = {
    "backfills": ("Backfill", "BackfillOutcome", "BackfillState"),
    "delivery": (
        "Delivery",
        "DeliveryReport",
        "DeliveryState",
        "LinkDelivery",
        "PushedImage",
        "Times",
        "UnreadRegistry",
    ),
    "errors": (
        "CallError",
        "Fault",
        "FaultKind",
        "FleetError",
        "IdentityError",
        "InventoryError",
        "Problem",
        "ScenarioError",
        "SelectionError",
        "StateError",
    ),
    "importing": ("Imported", "LeftOut"),
    "inventory": ("Inventory",),
    "names": ("AccountId", "Partition", "Region", "Registry"),
    "outcomes": (
        "BackfillEnded",
        "BackfillMode",
        "BackfillProgressed",
        "BackfillReport",
        "BackfillStarted",
        "BackfillsWanted",
        "CallRetried",
        "ChangeOutcome",
        "Event",
        "Outcome",
        "PlanMade",
        "ReadStarted",
        "RegistryFinished",
        "RegistryOutcome",
        "RegistryRead",
        "Report",
        "RunFinished",
        "RunStarted",
        "Status",
        "VerifyFinished",
        "VerifyStarted",
        "WriteSettled",
        "WriteStarted",
    ),
    "plan": (
        "Action",
        "Change",
        "HeldLink",
        "LinkEnd",
        "Objection",
        "Phase",
        "Plan",
        "RegistryPlan",
        "Resource",
        "State",
        "Summary",
        "Warning",
    ),
    "reports": ("to_json",),
    "topology": ("Selection",),
    "workflow": (
        "Fleet",
        "FleetSummary",
        "Interrupted",
        "PlanError",
        "connect",
        "describe_fleet",
        "load_inventory",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'fleet_repl' has no attribute {name!r}")
    return getattr(import_module(f"fleet_repl.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
