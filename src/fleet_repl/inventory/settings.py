"""Settings: [aws], [ownership], [state], [apply] and [limits] as core values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet_repl import limits
from fleet_repl.errors import StateError
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.model import Apply, Aws, Limits, Ownership, State
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.roles import Refusal, parse_via
from fleet_repl.inventory.texts import (
    check_fleet_name,
    check_name,
    duration,
    secret,
    statement_ids,
)
from fleet_repl.names import Partition, Region, RoleArn, Secret

if TYPE_CHECKING:
    from fleet_repl.inventory import schema

LONGEST_TIMEOUT: Final = 50
"""Seconds of one attempt; a lost answer has to show well before credentials run out."""
LONGEST_DEADLINE: Final = 7 * 24 * 3600
_BUCKET: Final = "s3://"
_SCHEME: Final = re.compile(r"s3:|[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
"""How a location begins that somebody took for an address of another kind."""

_DEFAULT_SESSION: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for accounts that say nothing else."""

    regions: tuple[Region, ...]
    role: str | None
    external_id: Secret | None
    session_seconds: int
    chained: bool
    """Whether each account's role is assumed by another role, one of `via`."""


def known_partition(document: schema.Document, findings: Findings) -> Partition | None:
    """The partition, or None where one was written but cannot be used."""
    if findings.about(("aws", "partition")):
        return None
    written = document.aws.partition if document.aws else None
    return written or Partition.AWS


def resolve_aws(
    table: schema.AwsTable, regions: Regions, partition: Partition | None, findings: Findings
) -> tuple[Aws, Defaults]:
    """[aws]: what concerns the base identity, and the defaults of accounts."""
    if table.profile is not None:
        check_name(("aws", "profile"), table.profile, findings)
    sts = table.sts_region
    external_id = secret(("aws", "external_id"), table.external_id, findings)
    aws = Aws(
        partition=partition or Partition.AWS,
        profile=table.profile,
        sts_region=None if sts is None else regions.one(("aws", "sts_region"), sts),
        via=_via(table.via or [], partition, findings),
        external_id=external_id,
    )
    session = duration(
        ("aws", "session_duration"),
        table.session_duration,
        limits.SESSION_SECONDS,
        _DEFAULT_SESSION,
        findings,
    )
    defaults = Defaults(
        regions=regions.each(("aws", "regions"), table.regions or []),
        role=table.role,
        external_id=external_id,
        session_seconds=session,
        chained=bool(table.via),
    )
    return aws, defaults


def resolve_ownership(table: schema.OwnershipTable, fleet: str, findings: Findings) -> Ownership:
    """[ownership]."""
    default = Ownership()
    create = table.create_repositories
    for index, name in enumerate(table.formerly or ()):
        where: KeyPath = ("ownership", "formerly", index)
        check_fleet_name(where, name, findings)
        if name == fleet:
            findings.tell(where, "is the name that the fleet has now")
    return Ownership(
        rules=table.rules or default.rules,
        grants=table.grants or default.grants,
        create_repositories=default.create_repositories if create is None else create,
        formerly=tuple(dict.fromkeys(table.formerly or ())),
        trusted_statements=statement_ids(
            ("ownership", "trusted_statements"), table.trusted_statements, findings
        ),
    )


def resolve_state(table: schema.StateTable, file: str, findings: Findings) -> State:
    """[state]; a folder is found from the inventory file."""
    location = State().location if table.location is None else table.location
    where: KeyPath = ("state", "location")
    check_name(where, location, findings)
    problem = _misplaced(location)
    if problem is None:
        return located(location, Path(file).parent, shared=bool(table.shared))
    if not findings.about(where):
        message, remedy = problem
        findings.tell(where, message, remedy=remedy)
    return State()


def located(location: str, start: Path = Path(), *, shared: bool = False) -> State:
    """A state's location as a place; a folder is looked for from `start`.

    Raises StateError for what is neither a folder nor `s3://bucket/prefix`.
    """
    if (problem := _misplaced(location)) is not None:
        message, remedy = problem
        raise StateError(f"the state location {location!r} {message}\n    {remedy}")
    if location.startswith(_BUCKET):
        return State(location=location, folder=None)
    try:
        folder = Path(location).expanduser()
    except RuntimeError:
        # Nobody has that name or that home: then it is a name like any other.
        folder = Path(location)
    return State(location=location, folder=start / folder, shared=shared)


def _misplaced(location: str) -> tuple[str, str] | None:
    """What is wrong with a state's location, and the remedy."""
    if location.startswith(_BUCKET):
        named = location.removeprefix(_BUCKET).partition("/")[0]
        if not named:
            return "names no bucket", "write s3://bucket/prefix"
        if limits.BUCKET_PATTERN.fullmatch(named) is None:
            remedy = "a bucket's name is 3 to 63 lowercase letters, digits, dots and hyphens"
            return "names a bucket that S3 cannot have", remedy
        return None
    if _SCHEME.match(location):
        remedy = "write s3://bucket/prefix or, for a folder of that name, put ./ before it"
        return "is neither a folder nor s3://bucket/prefix", remedy
    if not location.strip() or "\0" in location:
        return "names no folder", "name a folder, or write s3://bucket/prefix"
    return None


def resolve_apply(table: schema.ApplyTable, findings: Findings) -> Apply:
    """[apply]."""
    default = Apply()
    return Apply(
        concurrency=table.concurrency or default.concurrency,
        sts_rate=table.sts_rate or default.sts_rate,
        attempts=table.attempts or default.attempts,
        timeout=duration(("apply", "timeout"), table.timeout, (1, LONGEST_TIMEOUT), 30, findings),
        deadline=duration(
            ("apply", "deadline"), table.deadline, (1, LONGEST_DEADLINE), 7200, findings
        ),
    )


def resolve_limits(table: schema.LimitsTable) -> Limits:
    """[limits]."""
    default = Limits()
    return Limits(
        rules=table.rules or default.rules,
        destinations=table.destinations or default.destinations,
        filters=table.filters or default.filters,
        policy_bytes=table.policy_bytes or default.policy_bytes,
    )


def _via(texts: list[str], partition: Partition | None, findings: Findings) -> tuple[RoleArn, ...]:
    if partition is None:
        return ()
    roles = []
    for index, text in enumerate(texts):
        role = parse_via(text, partition)
        if isinstance(role, Refusal):
            findings.tell(("aws", "via", index), role.message, remedy=role.remedy)
        else:
            roles.append(role)
    return tuple(roles)
