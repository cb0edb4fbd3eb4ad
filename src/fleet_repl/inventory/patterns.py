"""What short texts of an inventory look like, as regular expressions to be matched in full.

They keep to what Python and ECMA 262 read alike, because editors get them too.
"""

from __future__ import annotations

from typing import Final

from fleet_repl import limits

FLEET_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"
"""Fits session names, Sids and paths of files and objects as it is."""
ACCOUNT: Final = r"[0-9]{12}"
REGION: Final = r"[a-z]{2,8}(?:-[a-z0-9]{1,16})+"
"""ECR takes `[0-9a-z-]{2,25}`; every region there is has this form."""
REGION_LENGTH: Final = (2, 25)
DURATION: Final = r"(?=[0-9])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?"
PERCENT: Final = r"[0-9]{1,3}(?:\.[0-9]{1,3})?%"
PERCENT_TO_100: Final = r"(?:100(?:\.0{1,3})?|0?[0-9]{1,2}(?:\.[0-9]{1,3})?)%"
EXTERNAL_ID: Final = r"[A-Za-z0-9_+=,.@:/-]{{{},{}}}".format(*limits.EXTERNAL_ID_LENGTH)
"""STS's own pattern for ExternalId."""
ROLE: Final = r"(?:[\x21-\x2e\x30-\x7a\x7c\x7e][\x21-\x7a\x7c\x7e]*/)?[A-Za-z0-9_+=,.@-]{1,64}"
"""IAM's path without its leading slash, and the role's name."""
ROLE_LENGTH: Final = (1, 512)
PREFIX: Final = limits.FILTER_PATTERN.pattern
TEMPLATE_PREFIX: Final = limits.TEMPLATE_PREFIX_PATTERN.pattern
TAG_EXCLUSION: Final = r"[0-9a-zA-Z._*-]{1,128}"
"""ECR's own pattern for tags that a repository's tag mutability does not hold for."""
KMS_KEY: Final = (
    r"arn:(?:\{partition\}|aws[a-z0-9-]*):kms:(?:\{region\}|[a-z0-9-]+):"
    r"(?:\{account\}|[0-9]{12}):key/[a-z0-9-]+"
)
"""ECR's own pattern for keys, as an inventory writes it for many registries."""


def for_editors(pattern: str, lengths: tuple[int, int] | None = None) -> str:
    """A search pattern for JSON Schema; a value with `${` in it is not known yet and passes."""
    within = "(?=.{{{},{}}}$)".format(*lengths) if lengths else ""
    return rf"\$\{{|^{within}(?:{pattern})$"
