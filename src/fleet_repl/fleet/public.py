"""Every public name of the library, each with the module it comes from.

`fleet_repl` looks its names up here when one is first used, so that importing it stays quick.
"""

from fleet_repl.ecr.backfills import (
    Backfill as Backfill,
    BackfillOutcome as BackfillOutcome,
    BackfillState as BackfillState,
)
from fleet_repl.fleet.connect import connect as connect
from fleet_repl.fleet.discover import discover as discover
from fleet_repl.fleet.fleet import Fleet as Fleet, Interrupted as Interrupted
from fleet_repl.fleet.history import History as History, open_history as open_history
from fleet_repl.fleet.kept_plan import (
    PlanError as PlanError,
    check_plan as check_plan,
    load_plan as load_plan,
)
from fleet_repl.fleet.load import load_inventory as load_inventory
from fleet_repl.fleet.rollback import RunError as RunError
from fleet_repl.fleet.terraform_states import read_terraform_states as read_terraform_states
from fleet_repl.fleet.tracing import traced as traced
from fleet_repl.inventory import Inventory as Inventory
from fleet_repl.planning.attribution import (
    Attribution as Attribution,
    Moved as Moved,
    Mover as Mover,
    RecordedCall as RecordedCall,
)
from fleet_repl.planning.change import (
    Action as Action,
    Change as Change,
    HeldLink as HeldLink,
    LinkEnd as LinkEnd,
    Phase as Phase,
    Resource as Resource,
)
from fleet_repl.planning.elsewhere import (
    HeldResource as HeldResource,
    StateFileError as StateFileError,
)
from fleet_repl.planning.explain import (
    Awaited as Awaited,
    AwaitedImage as AwaitedImage,
    Carried as Carried,
    Explanation as Explanation,
    NotCarried as NotCarried,
    Reason as Reason,
    TagMove as TagMove,
    Waited as Waited,
    explain_image as explain_image,
)
from fleet_repl.planning.fleet_summary import (
    FleetSummary as FleetSummary,
    describe_fleet as describe_fleet,
)
from fleet_repl.planning.importing import Imported as Imported, LeftOut as LeftOut
from fleet_repl.planning.plan import (
    Objection as Objection,
    Plan as Plan,
    RegistryPlan as RegistryPlan,
    State as State,
    Summary as Summary,
    Vouched as Vouched,
    Warning as Warning,
)
from fleet_repl.reports.export import Exported as Exported
from fleet_repl.reports.to_json import to_json as to_json
from fleet_repl.runs.coverage import (
    CoverageReport as CoverageReport,
    CoverageState as CoverageState,
    Gap as Gap,
    ImageInUse as ImageInUse,
    InUse as InUse,
    LinkCoverage as LinkCoverage,
    RouteCoverage as RouteCoverage,
    Runtime as Runtime,
    Tally as Tally,
    Unasked as Unasked,
    Unrouted as Unrouted,
    Workload as Workload,
)
from fleet_repl.runs.delivery import (
    Delivery as Delivery,
    DeliveryReport as DeliveryReport,
    DeliveryState as DeliveryState,
    LinkDelivery as LinkDelivery,
    PushedImage as PushedImage,
    Times as Times,
    UnreadRegistry as UnreadRegistry,
)
from fleet_repl.runs.doctor import (
    BaseIdentity as BaseIdentity,
    CheckState as CheckState,
    DoctorReport as DoctorReport,
    FleetProblem as FleetProblem,
    ProblemKind as ProblemKind,
    StateExamination as StateExamination,
    StsUse as StsUse,
    Way as Way,
)
from fleet_repl.runs.events import (
    BackfillEnded as BackfillEnded,
    BackfillProgressed as BackfillProgressed,
    BackfillStarted as BackfillStarted,
    BackfillsWanted as BackfillsWanted,
    CallRetried as CallRetried,
    Event as Event,
    IdentityNotNarrowed as IdentityNotNarrowed,
    ImageArrived as ImageArrived,
    ImageAwaited as ImageAwaited,
    ImageFound as ImageFound,
    ImagePut as ImagePut,
    LockAwaited as LockAwaited,
    PlanMade as PlanMade,
    ReadStarted as ReadStarted,
    RegistryFinished as RegistryFinished,
    RegistryRead as RegistryRead,
    RunFinished as RunFinished,
    RunStarted as RunStarted,
    VerifyFinished as VerifyFinished,
    VerifyStarted as VerifyStarted,
    WaveFinished as WaveFinished,
    WaveStarted as WaveStarted,
    WriteSettled as WriteSettled,
    WriteStarted as WriteStarted,
)
from fleet_repl.runs.history import (
    Freeze as Freeze,
    Holder as Holder,
    JournalEntry as JournalEntry,
    PastRun as PastRun,
    Purpose as Purpose,
    RunMeta as RunMeta,
    RunSummary as RunSummary,
)
from fleet_repl.runs.outcomes import (
    BackfillMode as BackfillMode,
    BackfillReport as BackfillReport,
    ChangeOutcome as ChangeOutcome,
    Outcome as Outcome,
    RegistryOutcome as RegistryOutcome,
    Report as Report,
    Statistics as Statistics,
    Status as Status,
    WaveOutcome as WaveOutcome,
    Writes as Writes,
)
from fleet_repl.runs.reput import Reput as Reput, ReputState as ReputState
from fleet_repl.topology import Selection as Selection
from fleet_repl.values.errors import (
    CallError as CallError,
    Fault as Fault,
    FaultKind as FaultKind,
    FleetError as FleetError,
    FrozenError as FrozenError,
    IdentityError as IdentityError,
    InventoryError as InventoryError,
    Problem as Problem,
    RefusedError as RefusedError,
    ScenarioError as ScenarioError,
    SelectionError as SelectionError,
    StateError as StateError,
)
from fleet_repl.values.names import (
    AccountId as AccountId,
    Partition as Partition,
    Region as Region,
    Registry as Registry,
)
