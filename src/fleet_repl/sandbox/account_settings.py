"""Settings of an account in a region: what each may be, and what it is without anyone's doing."""

from __future__ import annotations

from typing import Final

POLICY_SCOPE: Final = "REGISTRY_POLICY_SCOPE"
DEFAULTS: Final = {
    "BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE",
    "BLOB_MOUNTING": "DISABLED",
    POLICY_SCOPE: "V2",
}
"""What an account has that never changed its settings."""
TAKEN: Final = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "BLOB_MOUNTING": ("ENABLED", "DISABLED"),
    POLICY_SCOPE: ("V2",),
}
"""What PutAccountSetting takes. V1 is left to accounts that have had it all along."""
ENFORCED_BY_V1: Final = (
    "ecr:ReplicateImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
)
"""The only actions of a registry policy that count under scope V1."""


def enforced(scope: str, action: str) -> bool:
    """Whether a registry policy of this scope has a say in the action."""
    return scope != "V1" or action in ENFORCED_BY_V1
