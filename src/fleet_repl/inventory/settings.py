"""Settings: [aws], [ownership], [state], [apply] and [limits]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from fleet_repl.inventory.fields import (
    EnabledOrListed,
    ExternalId,
    FleetName,
    Name,
    RegionName,
    Sids,
    SourceIdentity,
    TagKey,
    TagValue,
    duration,
    shown_name,
)
from fleet_repl.inventory.findings import BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import WORD, Constraint, Kind, Switch, number, without_repeats
from fleet_repl.inventory.roles import ViaRole
from fleet_repl.inventory.tables import Table
from fleet_repl.values import limits
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import Partition

RuleOwnership: TypeAlias = Literal["exclusive", "additive"]
"""Whether a file is the whole truth for a registry's rules, or speaks for some of them."""

SessionDuration: TypeAlias = Annotated[int, duration(*limits.SESSION_SECONDS)]
LONGEST_TIMEOUT: Final = 50
"""Seconds of one attempt; a lost answer has to show well before credentials run out."""
LONGEST_DEADLINE: Final = 7 * 24 * 3600
_BUCKET: Final = "s3://"
_SCHEME: Final = re.compile(r"s3:|[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
"""The scheme of a location that somebody took for an address of another kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws(Table):
    """The settings for calls to AWS."""

    partition: Annotated[Partition, WORD] = Partition.AWS
    """The AWS partition of the whole fleet. Default: aws."""
    profile: Name | None = None
    """The profile of the base identity. Default: the standard credential chain."""
    sts_region: RegionName | None = None
    """Where roles are assumed. Default: the region of the environment or profile if it is in the
    partition, else the partition's first."""
    via: tuple[ViaRole, ...] = ()
    """ARNs of roles that are assumed in order before each account's own role."""
    external_id: ExternalId | None = None
    """The external id that the roles ask for. Best written as ${NAME}; it is never shown and never
    stored."""
    session_policy: Switch = True
    """Whether each session may make only the calls that its run needs. Default: true."""
    source_identity: SourceIdentity | None = None
    """Who a session is said to be started by in CloudTrail: 2 to 256 letters, digits and
    _ + = , . @ -."""
    session_tags: Mapping[TagKey, TagValue] = field(default_factory=dict)
    """Tags that each session carries, for audit and for policies: at most 50."""


def check_session_tags(tags: Mapping[str, str], findings: Findings) -> None:
    """Report session tags that STS does not take: too many, reserved ones, and keys that differ in
    the case of letters alone."""
    path: KeyPath = ("aws", "session_tags")
    if len(tags) > limits.SESSION_TAGS:
        fault = f"holds {len(tags)} tags, and a session takes at most {limits.SESSION_TAGS}"
        findings.report(path, fault, remedy="keep those that an audit or a policy asks for")
    first: dict[str, str] = {}
    for key in tags:
        if key.lower().startswith(limits.RESERVED_TAGS):
            fault = f"starts with {limits.RESERVED_TAGS}, which AWS keeps for itself"
            findings.report((*path, key), fault, remedy="choose another key")
        elif (other := first.setdefault(key.lower(), key)) != key:
            place = findings.place((*path, other))
            fault = f"is the same key to STS as {place}: it ignores the case of letters"
            findings.report((*path, key), fault, remedy="keep one of the two")


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsTable(Aws):
    """How AWS is reached, and what holds for every account that says nothing else."""

    role: str | None = None
    """The role to assume in each account: a name, path/name, or an ARN with {account} in it (and
    {partition}); "none" for the base identity itself."""
    session_duration: SessionDuration = 3600
    """How long a role's session lasts, 15m to 12h, at most 1h with `via`. Default: 1h."""
    regions: EnabledOrListed = ()
    """The regions of accounts that list none themselves; "enabled" for those that each account has
    enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership(Table):
    """How much of each registry this file speaks for."""

    rules: RuleOwnership = "exclusive"
    """exclusive (default): this file is the whole truth for the replication rules of every listed
    registry. additive: rules found that are not the fleet's own are kept."""
    grants: Literal["managed", "off"] = "managed"
    """managed (default): registry policies of destinations are read and written; off: neither."""
    create_repositories: Switch = True
    """Whether grants include ecr:CreateRepository. Default: true."""
    formerly: Annotated[tuple[FleetName, ...], Kind(without_repeats)] = ()
    """Names that this fleet had before: what it made under them counts as its own."""
    trusted_statements: Sids = ()
    """Sids of other people's statements in registry policies that do not keep images out, where
    that cannot be decided from the policy alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Table):
    """How hard AWS is called."""

    concurrency: Annotated[int, number(1, 1_000)] = 64
    """Calls in flight at once. Default: 64."""
    sts_rate: Annotated[float, Constraint(strict=True, gt=0, le=10_000)] = 400
    """AssumeRole calls per second; AWS's quota is 600 per account and region. Default: 400."""
    attempts: Annotated[int, number(1, 100)] = 8
    """Attempts per call, the first one included. Default: 8."""
    timeout: Annotated[float, duration(1, LONGEST_TIMEOUT)] = 30
    """Time for one attempt, at most 50s. Default: 30s."""
    deadline: Annotated[float, duration(1, LONGEST_DEADLINE)] = 7200
    """Time for the whole run. Default: 2h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Table):
    """ECR's own limits; raise them when AWS does."""

    rules: Annotated[int, number(1, 10_000)] = limits.RULES
    """Replication rules per registry. Default: 25."""
    destinations: Annotated[int, number(1, 10_000)] = limits.DESTINATIONS
    """Unique destinations over all rules of a registry. Default: 25."""
    filters: Annotated[int, number(1, 10_000)] = limits.FILTERS
    """Repository filters per rule. Default: 100."""
    policy_bytes: Annotated[int, number(1_000, 1_000_000)] = limits.POLICY_BYTES
    """Characters of a registry policy's text. Default: 10,240."""


def _location(text: str) -> str:
    if (problem := _misplaced(shown_name(text))) is not None:
        raise BadValueError(*problem)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTable(Table):
    """Where the fleet keeps what it has to remember."""

    location: Annotated[str, Kind(_location)] = ".fleet-repl"
    """A folder, relative to this file, or s3://bucket/prefix. Default: .fleet-repl."""
    shared: Switch = False
    """Whether several users of the machine keep the folder together: what other users own, or may
    write, is trusted then. Default: false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State(StateTable):
    """Where the fleet keeps what it has to remember, seen from the working directory."""

    folder: Path | None = Path(".fleet-repl")
    """None for a bucket."""


def located(location: str, start: Path = Path(), *, shared: bool = False) -> State:
    """The state at a location; a folder is looked for from `start`.

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
    """Returns the fault of a state's location, and the remedy."""
    if location.startswith(_BUCKET):
        bucket = location.removeprefix(_BUCKET).partition("/")[0]
        if not bucket:
            return "names no bucket", "write s3://bucket/prefix"
        if limits.BUCKET_PATTERN.fullmatch(bucket) is None:
            remedy = "a bucket's name is 3 to 63 lowercase letters, digits, dots and hyphens"
            return "names a bucket that S3 cannot have", remedy
        return None
    if _SCHEME.match(location):
        remedy = "write s3://bucket/prefix or, for a folder of that name, put ./ before it"
        return "is neither a folder nor s3://bucket/prefix", remedy
    if not location.strip() or "\0" in location:
        return "names no folder", "name a folder, or write s3://bucket/prefix"
    return None
