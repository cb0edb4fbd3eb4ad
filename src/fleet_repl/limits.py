"""ECR's and STS's own numbers and patterns, in one place.

They are defaults: an inventory's `[limits]` replaces the first four when AWS raises them.
"""

from __future__ import annotations

import re
from typing import Final

RULES: Final = 25
"""Replication rules per registry."""
DESTINATIONS: Final = 25
"""Unique destinations over all rules of a registry."""
FILTERS: Final = 100
"""Repository filters per rule."""
POLICY_BYTES: Final = 10_240
"""Characters of a registry policy's text."""

DESTINATIONS_PER_RULE: Final = 100
"""Destinations that one rule may list."""

FILTER_LENGTH: Final = (2, 256)
FILTER_PATTERN: Final = re.compile(
    r"(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*"
)
"""What a PREFIX_MATCH filter may look like; to be matched in full."""

SESSION_SECONDS: Final = (900, 43_200)
CHAINED_SESSION_SECONDS: Final = 3_600
"""The longest session of a role that was assumed by an assumed role."""
SESSION_NAME_LENGTH: Final = 64
EXTERNAL_ID_LENGTH: Final = (2, 1_224)
ROLE_ARN_LENGTH: Final = (20, 2_048)
