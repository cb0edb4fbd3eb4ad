"""Coverage: is everything that routes carry where they send it, and what goes nowhere.

Pure: what the names of repositories and the digests of images mean. Reading them is the engine's.
"""

from fleet_repl.runs.coverage.in_use import (
    FunctionImages as FunctionImages,
    ImageInUse as ImageInUse,
    InUse as InUse,
    PulledImage as PulledImage,
    RunningImage as RunningImage,
    Runtime as Runtime,
    Unasked as Unasked,
    Workload as Workload,
    runtimes_of as runtimes_of,
)
from fleet_repl.runs.coverage.model import (
    Comparison as Comparison,
    CoverageReport as CoverageReport,
    CoverageState as CoverageState,
    Gap as Gap,
    LinkCoverage as LinkCoverage,
    RouteCoverage as RouteCoverage,
    Tally as Tally,
    Unrouted as Unrouted,
)
from fleet_repl.runs.coverage.running import (
    holders_of as holders_of,
    image_in_use as image_in_use,
    places_of as places_of,
    uses_of as uses_of,
)
from fleet_repl.runs.coverage.tallies import (
    CoverageTallies as CoverageTallies,
    Repositories as Repositories,
    unrouted as unrouted,
)
