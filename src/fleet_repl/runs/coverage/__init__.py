"""Coverage: is everything that routes carry where they send it, and what goes nowhere.

Pure: what the names of repositories and the digests of images mean. Reading them is the engine's.
"""

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
from fleet_repl.runs.coverage.tallies import (
    CoverageTallies,
    Repositories,
    joining_of,
    unrouted,
)

__all__ = [
    "Comparison",
    "CoverageReport",
    "CoverageState",
    "CoverageTallies",
    "Gap",
    "LinkCoverage",
    "Repositories",
    "RouteCoverage",
    "Tally",
    "Unrouted",
    "joining_of",
    "unrouted",
]
