"""Every public name of the library, each with the module it comes from.

`fleet_repl` looks its names up here when one is first used, so that importing it stays quick.
"""

from fleet_repl.ecr.backfills import (
    Backfill as Backfill,
)
from fleet_repl.ecr.backfills import (
    BackfillOutcome as BackfillOutcome,
)
from fleet_repl.ecr.backfills import (
    BackfillState as BackfillState,
)
from fleet_repl.fleet.connect import connect as connect
from fleet_repl.fleet.fleet import Fleet as Fleet
from fleet_repl.fleet.fleet import Interrupted as Interrupted
from fleet_repl.fleet.history import History as History
from fleet_repl.fleet.history import open_history as open_history
from fleet_repl.fleet.load import PlanError as PlanError
from fleet_repl.fleet.load import check_plan as check_plan
from fleet_repl.fleet.load import load_inventory as load_inventory
from fleet_repl.fleet.load import load_plan as load_plan
from fleet_repl.fleet.rollback import RunError as RunError
from fleet_repl.inventory import Inventory as Inventory
from fleet_repl.planning.fleet_summary import FleetSummary as FleetSummary
from fleet_repl.planning.fleet_summary import describe_fleet as describe_fleet
from fleet_repl.planning.importing import (
    Imported as Imported,
)
from fleet_repl.planning.importing import (
    LeftOut as LeftOut,
)
from fleet_repl.planning.plan import (
    Action as Action,
)
from fleet_repl.planning.plan import (
    Change as Change,
)
from fleet_repl.planning.plan import (
    HeldLink as HeldLink,
)
from fleet_repl.planning.plan import (
    LinkEnd as LinkEnd,
)
from fleet_repl.planning.plan import (
    Moved as Moved,
)
from fleet_repl.planning.plan import (
    Mover as Mover,
)
from fleet_repl.planning.plan import (
    Objection as Objection,
)
from fleet_repl.planning.plan import (
    Phase as Phase,
)
from fleet_repl.planning.plan import (
    Plan as Plan,
)
from fleet_repl.planning.plan import (
    RegistryPlan as RegistryPlan,
)
from fleet_repl.planning.plan import (
    Resource as Resource,
)
from fleet_repl.planning.plan import (
    State as State,
)
from fleet_repl.planning.plan import (
    Summary as Summary,
)
from fleet_repl.planning.plan import (
    Vouched as Vouched,
)
from fleet_repl.planning.plan import (
    Warning as Warning,
)
from fleet_repl.reports import to_json as to_json
from fleet_repl.runs.delivery import (
    Delivery as Delivery,
)
from fleet_repl.runs.delivery import (
    DeliveryReport as DeliveryReport,
)
from fleet_repl.runs.delivery import (
    DeliveryState as DeliveryState,
)
from fleet_repl.runs.delivery import (
    LinkDelivery as LinkDelivery,
)
from fleet_repl.runs.delivery import (
    PushedImage as PushedImage,
)
from fleet_repl.runs.delivery import (
    Times as Times,
)
from fleet_repl.runs.delivery import (
    UnreadRegistry as UnreadRegistry,
)
from fleet_repl.runs.events import (
    BackfillEnded as BackfillEnded,
)
from fleet_repl.runs.events import (
    BackfillProgressed as BackfillProgressed,
)
from fleet_repl.runs.events import (
    BackfillStarted as BackfillStarted,
)
from fleet_repl.runs.events import (
    BackfillsWanted as BackfillsWanted,
)
from fleet_repl.runs.events import (
    CallRetried as CallRetried,
)
from fleet_repl.runs.events import (
    Event as Event,
)
from fleet_repl.runs.events import (
    LockAwaited as LockAwaited,
)
from fleet_repl.runs.events import (
    PlanMade as PlanMade,
)
from fleet_repl.runs.events import (
    ReadStarted as ReadStarted,
)
from fleet_repl.runs.events import (
    RegistryFinished as RegistryFinished,
)
from fleet_repl.runs.events import (
    RegistryRead as RegistryRead,
)
from fleet_repl.runs.events import (
    RunFinished as RunFinished,
)
from fleet_repl.runs.events import (
    RunStarted as RunStarted,
)
from fleet_repl.runs.events import (
    VerifyFinished as VerifyFinished,
)
from fleet_repl.runs.events import (
    VerifyStarted as VerifyStarted,
)
from fleet_repl.runs.events import (
    WaveFinished as WaveFinished,
)
from fleet_repl.runs.events import (
    WaveStarted as WaveStarted,
)
from fleet_repl.runs.events import (
    WriteSettled as WriteSettled,
)
from fleet_repl.runs.events import (
    WriteStarted as WriteStarted,
)
from fleet_repl.runs.history import (
    Freeze as Freeze,
)
from fleet_repl.runs.history import (
    Holder as Holder,
)
from fleet_repl.runs.history import (
    JournalEntry as JournalEntry,
)
from fleet_repl.runs.history import (
    PastRun as PastRun,
)
from fleet_repl.runs.history import (
    Purpose as Purpose,
)
from fleet_repl.runs.history import (
    RunMeta as RunMeta,
)
from fleet_repl.runs.history import (
    RunSummary as RunSummary,
)
from fleet_repl.runs.outcomes import (
    BackfillMode as BackfillMode,
)
from fleet_repl.runs.outcomes import (
    BackfillReport as BackfillReport,
)
from fleet_repl.runs.outcomes import (
    ChangeOutcome as ChangeOutcome,
)
from fleet_repl.runs.outcomes import (
    Outcome as Outcome,
)
from fleet_repl.runs.outcomes import (
    RegistryOutcome as RegistryOutcome,
)
from fleet_repl.runs.outcomes import (
    Report as Report,
)
from fleet_repl.runs.outcomes import (
    Statistics as Statistics,
)
from fleet_repl.runs.outcomes import (
    Status as Status,
)
from fleet_repl.runs.outcomes import (
    WaveOutcome as WaveOutcome,
)
from fleet_repl.runs.outcomes import (
    Writes as Writes,
)
from fleet_repl.topology import Selection as Selection
from fleet_repl.values.errors import (
    CallError as CallError,
)
from fleet_repl.values.errors import (
    Fault as Fault,
)
from fleet_repl.values.errors import (
    FaultKind as FaultKind,
)
from fleet_repl.values.errors import (
    FleetError as FleetError,
)
from fleet_repl.values.errors import (
    FrozenError as FrozenError,
)
from fleet_repl.values.errors import (
    IdentityError as IdentityError,
)
from fleet_repl.values.errors import (
    InventoryError as InventoryError,
)
from fleet_repl.values.errors import (
    Problem as Problem,
)
from fleet_repl.values.errors import (
    RefusedError as RefusedError,
)
from fleet_repl.values.errors import (
    ScenarioError as ScenarioError,
)
from fleet_repl.values.errors import (
    SelectionError as SelectionError,
)
from fleet_repl.values.errors import (
    StateError as StateError,
)
from fleet_repl.values.names import (
    AccountId as AccountId,
)
from fleet_repl.values.names import (
    Partition as Partition,
)
from fleet_repl.values.names import (
    Region as Region,
)
from fleet_repl.values.names import (
    Registry as Registry,
)
