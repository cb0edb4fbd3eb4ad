"""Documents that a fleet is repaired by: read, and checked to fit an inventory, without a call to
AWS."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fleet_repl.fleet.kept_plan import LONGEST_AHEAD
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.fields import spell_seconds
from fleet_repl.inventory.regular_files import GIB, read_regular
from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.lacking import lacking_in, read_lacking
from fleet_repl.reports.documents.reader import begins_as_object
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.repair import Lacking
from fleet_repl.values.errors import FleetError, RefusedError, SelectionError
from fleet_repl.values.images import ImageName

_WRITES_ONE: Final = "    fleet-repl verify or coverage INVENTORY --report FILE.json writes one"
_LARGEST: Final = 4 * GIB
MOST_REPUTS: Final = 20
"""Images that are put again in one run."""


def load_lacking(path: str | Path) -> Lacking:
    """Returns what the document in a file says that destinations lack.

    Raises FleetError for a file that cannot be read, and RefusedError for what is no document of
    deliveries or of coverage.
    """
    file = Path(path)
    try:
        content = read_regular(file, most=_LARGEST)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FleetError(f"the document cannot be read: {file}: {reason}\n{_WRITES_ONE}") from None
    if not begins_as_object(content):
        raise RefusedError(
            f"the document cannot be read: {file}: it is no JSON object\n{_WRITES_ONE}"
        )
    return read_lacking(content, str(file))


def check_lacking(
    lacking: Lacking, inventory: Inventory, *, now: datetime, max_age: timedelta, reput: bool
) -> None:
    """Raises RefusedError for a document that this fleet may not be repaired by; with `reput` also
    for one whose images cannot be put again one by one."""
    again = "    make a new one with fleet-repl verify or coverage"
    if lacking.fleet != inventory.name:
        raise RefusedError(
            f"the document is of fleet {lacking.fleet}, and the inventory of {inventory.name}"
        )
    if lacking.inventory.digest != inventory.digest:
        raise RefusedError(
            f"the document was made by another inventory, or another version of it\n{again}"
        )
    age = now - lacking.at
    if age > max_age:
        old, most = (spell_seconds(int(span.total_seconds())) for span in (age, max_age))
        raise RefusedError(f"the document is {old} old, and --max-age is {most}\n{again}")
    if -age > LONGEST_AHEAD:
        raise RefusedError("the document was made in the future: this machine's clock is wrong")
    if reput:
        _check_reput(lacking)


def _check_reput(lacking: Lacking) -> None:
    """Raises RefusedError where there are too many images, where not all of them are known, and for
    one that ECR can have none of: somebody has edited the document."""
    otherwise = "    leave --reput out, so that ECR copies all of them"
    if not all(link.is_whole for link in lacking.links):
        raise RefusedError(
            "the document does not name every image that is missing, and --reput puts single "
            f"images\n{otherwise}"
        )
    images = {(link.source, image) for link in lacking.links for image in link.images}
    if len(images) > MOST_REPUTS:
        raise RefusedError(
            f"the document names {len(images):,} missing images, and --reput is for {MOST_REPUTS} "
            f"at the most\n{otherwise}"
        )
    for _, (repository, digest) in images:
        try:
            ImageName.parse(f"{repository}@{digest}")
        except SelectionError as error:
            raise RefusedError(f"the document names an image that cannot be: {error}") from None


def lacking_of(document: str | Path | DeliveryReport | CoverageReport | Lacking) -> Lacking:
    """Returns what a file or a report says that destinations lack. Raises FleetError as
    `load_lacking` does."""
    match document:
        case Lacking():
            return document
        case DeliveryReport():
            return lacking_in(DeliveryDocument.of(document))
        case CoverageReport():
            return lacking_in(CoverageDocument.of(document))
        case _:
            return load_lacking(document)
