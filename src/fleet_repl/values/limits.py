"""The limits and patterns of ECR and STS.

The first four are defaults, which an inventory's `[limits]` replaces when AWS raises them. Whether
the desired state keeps to them is checked offline in `planning.over_limits`; whether the rules that
a plan makes do, in `planning.held_links`.
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

ACTIVE_BACKFILLS: Final = 10
"""Backfills in progress per registry; only one of them for each destination region."""

FILTER_LENGTH: Final = (2, 256)
FILTER_PATTERN: Final = re.compile(
    r"(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*"
)
"""The pattern of a PREFIX_MATCH filter; to be matched in full."""

REPOSITORY_LENGTH: Final = (2, 256)
REPOSITORY_PATTERN: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
"""The pattern of a repository's name; to be matched in full."""

ACCOUNT_NAME_LENGTH: Final = 50
"""Characters of the name of an account of an organization, at the most."""

SESSION_SECONDS: Final = (900, 43_200)
CHAINED_SESSION_SECONDS: Final = 3_600
"""The longest session of a role that was assumed by an assumed role."""
SESSION_NAME_LENGTH: Final = 64
EXTERNAL_ID_LENGTH: Final = (2, 1_224)
SOURCE_IDENTITY_LENGTH: Final = (2, 256)
"""64 until autumn 2026."""
SESSION_POLICY_LENGTH: Final = 2_048
"""Characters of a session's inline policy."""
SESSION_TAGS: Final = 50
RESERVED_TAGS: Final = "aws:"
"""The prefix of the tag keys that AWS keeps for itself, in any case of letters."""

BUCKET_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""The pattern of an S3 bucket's name; to be matched in full."""
TEMPLATE_PREFIX_LENGTH: Final = (1, 256)
TEMPLATE_PREFIX_PATTERN: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*/?|ROOT"
)
"""The pattern of a repository creation template's prefix; to be matched in full."""
REPOSITORY_POLICY: Final = 10_240
LIFECYCLE_POLICY: Final = 30_720
"""Characters of the policies' texts in a creation template."""
TAG_EXCLUSIONS: Final = 5
"""Filters for tags that a repository's tag mutability does not hold for."""
TAG_EXCLUSION_WILDCARDS: Final = 2
TAGS: Final = 50
TAG_KEY_LENGTH: Final = (1, 128)
TAG_VALUE_LENGTH: Final = (0, 256)
KMS_KEY_LENGTH: Final = 2_048
