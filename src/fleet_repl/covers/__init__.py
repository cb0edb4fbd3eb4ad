"""Links out of one registry as the fewest rectangles: destinations times prefixes.

Pure, and knows nothing of rules, limits of ECR or registries; destinations may be anything that
can be sorted and hashed.
"""

from __future__ import annotations

from fleet_repl.covers.rectangles import Rectangle, fewest_rectangles, lower_bound

__all__ = ["Rectangle", "fewest_rectangles", "lower_bound"]
