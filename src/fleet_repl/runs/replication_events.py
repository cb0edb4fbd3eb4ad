"""ECR's events about the replication of pushed images, as values. Pure.

ECR emits an event in the account and region of the destination, for a copy that has arrived and for
one that has failed, as far as it can: an event may be missing, and come twice. It says neither when
the image was pushed nor why a copy has failed. Whoever may put events on a bus can forge one, so
every text is checked for its form before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fleet_repl.values.canonical_json import parse_json
from fleet_repl.values.errors import SelectionError
from fleet_repl.values.images import ImageName
from fleet_repl.values.names import AccountId, Partition, Region, Registry, is_account_id

DETAIL_TYPE: Final = "ECR Replication Action"
_SOURCE: Final = "aws.ecr"
_RESULTS: Final[Mapping[object, bool]] = {"SUCCESS": True, "FAILED": False}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_LARGEST: Final = 64 * 1024
"""Characters of an event's text; an event of ECR has less than a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationEvent:
    """The copy of an image that has arrived at a destination, or failed."""

    source: Registry
    destination: Registry
    repository: str
    digest: str
    tag: str | None
    succeeded: bool
    at: datetime


def parse_event(text: str) -> ReplicationEvent | None:
    """Returns the event in the JSON text of a message; None for any other text."""
    if len(text) > _LARGEST:
        return None
    try:
        return replication_event(parse_json(text))
    except ValueError:
        return None


def replication_event(event: object) -> ReplicationEvent | None:
    """Returns the event in a document of EventBridge; None for any other document."""
    detail = event.get("detail") if isinstance(event, Mapping) else None
    if not isinstance(event, Mapping) or not isinstance(detail, Mapping):
        return None
    if (event.get("source"), event.get("detail-type")) != (_SOURCE, DETAIL_TYPE):
        return None
    source = _registry(detail.get("source-account"), detail.get("source-region"))
    destination = _registry(event.get("account"), event.get("region"))
    image = _image(detail.get("repository-name"), detail.get("image-digest"))
    result, at = detail.get("result"), _time(event.get("time"))
    succeeded = _RESULTS.get(result) if isinstance(result, str) else None
    if source is None or destination is None or image is None or at is None or succeeded is None:
        return None
    return ReplicationEvent(
        source=source,
        destination=destination,
        repository=image.repository,
        digest=image.digest or "",
        tag=_tag(image.repository, detail.get("image-tag")),
        succeeded=succeeded,
        at=at,
    )


def _registry(account: object, region: object) -> Registry | None:
    if not isinstance(account, str) or not isinstance(region, str) or not is_account_id(account):
        return None
    if not any(partition.holds(region) for partition in Partition):
        return None
    return Registry(AccountId(account), Region(region))


def _image(repository: object, digest: object) -> ImageName | None:
    if not isinstance(repository, str) or not isinstance(digest, str):
        return None
    try:
        image = ImageName.parse(f"{repository}@{digest}")
    except SelectionError:
        return None
    return image if image.repository == repository else None


def _tag(repository: str, tag: object) -> str | None:
    """The tag of an event; None where it has none, or one that no image can have."""
    if not isinstance(tag, str) or not tag:
        return None
    try:
        return ImageName.parse(f"{repository}:{tag}").tag
    except SelectionError:
        return None


def _time(text: object) -> datetime | None:
    if not isinstance(text, str) or _TIME.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
