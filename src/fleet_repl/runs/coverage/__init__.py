"""Coverage: is everything that routes carry where they send it, and what goes nowhere.

Pure: what the names of repositories and the digests of images mean. Reading them is the engine's.
"""

from fleet_repl.runs.coverage.in_use import (
    ImageInUse,
    InUse,
    PulledImage,
    RunningImage,
    Runtime,
    Unasked,
    Workload,
    runtimes_of,
)
from fleet_repl.runs.coverage.model import (
    Comparison,
    CoverageReport,
    CoverageState,
    Gap,
    LinkCoverage,
    RouteCoverage,
    Tally,
    Unrouted,
)
from fleet_repl.runs.coverage.running import (
    Uses,
    holders_of,
    image_in_use,
    places_of,
    uses_of,
)
from fleet_repl.runs.coverage.tallies import (
    CoverageTallies,
    Repositories,
    unrouted,
)

__all__ = [
    "Comparison",
    "CoverageReport",
    "CoverageState",
    "CoverageTallies",
    "Gap",
    "ImageInUse",
    "InUse",
    "LinkCoverage",
    "PulledImage",
    "Repositories",
    "RouteCoverage",
    "RunningImage",
    "Runtime",
    "Tally",
    "Unasked",
    "Unrouted",
    "Uses",
    "Workload",
    "holders_of",
    "image_in_use",
    "places_of",
    "runtimes_of",
    "unrouted",
    "uses_of",
]
