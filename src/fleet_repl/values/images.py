"""Names of images as people write them: a repository, `repository:tag`, `repository@sha256:…`; and
as whoever pulls them writes them, with the registry before that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fleet_repl.values import limits
from fleet_repl.values.errors import SelectionError
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Region, Registry
from fleet_repl.values.text import quoted

_HOST: Final = re.compile(r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.[^/]+/")
_PULLED: Final = re.compile(
    rf"(?P<account>{ACCOUNT_ID})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,299}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageName:
    """A repository, or one image in it; at most one of `tag` and `digest` is given."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        if self.digest is not None:
            return f"{self.repository}@{self.digest}"
        return self.repository if self.tag is None else f"{self.repository}:{self.tag}"

    @property
    def is_image(self) -> bool:
        """Returns whether an image is named, and not a whole repository."""
        return self.tag is not None or self.digest is not None

    @classmethod
    def parse(cls, text: str) -> ImageName:
        """Returns the image of a text. Raises SelectionError, with what would be right, for a text
        that ECR can have no image of."""
        if host := _HOST.match(text):
            raise SelectionError(
                f"{quoted(text)} names a registry too: write {quoted(text[host.end() :])}, and the "
                "registry with --from or --to"
            )
        if _DIGEST.fullmatch(text):
            raise SelectionError(f"{quoted(text)} has no repository: write repository@{text}")
        name, at, digest = text.partition("@")
        repository, colon, tag = (name, "", "") if at else text.partition(":")
        _check_repository(repository)
        if at and _DIGEST.fullmatch(digest) is None:
            raise SelectionError(
                f"{quoted(digest)} is no digest: after @, write sha256: and 64 digits 0-9 or a-f"
            )
        if colon and _TAG.fullmatch(tag) is None:
            raise SelectionError(
                f"{quoted(tag)} is no tag: write letters, digits and . _ - only, at most 300, and "
                "no . or - at its start"
            )
        return cls(repository=repository, tag=tag if colon else None, digest=digest if at else None)


def pulled_image(uri: str) -> tuple[Registry, ImageName] | None:
    """Returns the registry that an image is pulled from, and the image: by its digest if it has
    one, else by its tag, which is `latest` where none is written. None where it is not pulled from
    ECR, or ECR can have no such image: whoever starts a workload writes what it likes.

    The host is `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, over dual stack
    `ACCOUNT.dkr-ecr.REGION.on.aws`, and in other partitions one of other domains.
    """
    match = _PULLED.fullmatch(uri)
    if match is None:
        return None
    mark = f":{match['tag'] or 'latest'}" if match["digest"] is None else f"@{match['digest']}"
    try:
        image = ImageName.parse(match["name"] + mark)
    except SelectionError:
        return None
    return Registry(AccountId(match["account"]), Region(match["region"])), image


def is_digest(text: str) -> bool:
    """Returns whether ECR can have an image of this digest."""
    return _DIGEST.fullmatch(text) is not None


def _check_repository(repository: str) -> None:
    shortest, longest = limits.REPOSITORY_LENGTH
    is_long_enough = shortest <= len(repository) <= longest
    if is_long_enough and limits.REPOSITORY_PATTERN.fullmatch(repository):
        return
    right = repository.lower().strip("/").rstrip("*").strip("/")
    is_right = right != repository and limits.REPOSITORY_PATTERN.fullmatch(right)
    meant = f"; did you mean {quoted(right)}?" if is_right and len(right) >= shortest else ""
    raise SelectionError(
        f"{quoted(repository)} is no repository that ECR can have: its name is {shortest} to "
        f"{longest} lower-case letters and digits, with single / . _ - between them, such as "
        f"base/python{meant}"
    )
