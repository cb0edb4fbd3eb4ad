"""Settings: [aws], [ownership], [state], [apply], [limits] and [warnings]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from fleet_repl.inventory.fields import (
    EXTERNAL_ID,
    FLEET,
    NAME,
    REGION_TEXT,
    REGIONS,
    SIDS,
    Duration,
    check_name,
)
from fleet_repl.inventory.findings import Findings, KeyPath
from fleet_repl.inventory.kinds import TEXT, Choice, Context, ListOf, Number, Text, without_repeats
from fleet_repl.inventory.roles import VIA
from fleet_repl.inventory.suggestions import closest
from fleet_repl.inventory.tables import DERIVED
from fleet_repl.values import limits
from fleet_repl.values.errors import StateError
from fleet_repl.values.names import Partition, Region, RoleArn, Secret

RuleOwnership: TypeAlias = Literal["exclusive", "additive"]
"""Whether a file is the whole truth for a registry's rules, or speaks for some of them."""

SESSION: Final = Duration(least=limits.SESSION_SECONDS[0], most=limits.SESSION_SECONDS[1])
LONGEST_TIMEOUT: Final = 50
"""Seconds of one attempt; a lost answer has to show well before credentials run out."""
LONGEST_DEADLINE: Final = 7 * 24 * 3600
_BUCKET: Final = "s3://"
_SCHEME: Final = re.compile(r"s3:|[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
"""How a location begins that somebody took for an address of another kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """How AWS is reached."""

    partition: Annotated[Partition, Choice(tuple(Partition), Partition)] = Partition.AWS
    """The AWS partition of the whole fleet. Default: aws."""
    profile: Annotated[str | None, NAME] = None
    """The profile of the base identity. Default: the standard credential chain."""
    sts_region: Annotated[Region | None, REGION_TEXT] = None
    """Where roles are assumed. Default: the region of the environment or profile if it is in the
    partition, else the partition's first."""
    via: Annotated[tuple[RoleArn, ...], VIA] = ()
    """ARNs of roles that are assumed in order before each account's own role."""
    external_id: Annotated[Secret | None, EXTERNAL_ID] = None
    """The external id that the roles ask for. Best written as ${NAME}; it is never shown and never
    stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsTable(Aws):
    """How AWS is reached, and what holds for every account that says nothing else."""

    role: Annotated[str | None, TEXT] = None
    """The role to assume in each account: a name, path/name, or an ARN with {account} in it (and
    {partition}); "none" for the base identity itself."""
    session_duration: Annotated[int, SESSION] = 3600
    """How long a role's session lasts, 15m to 12h, at most 1h with `via`. Default: 1h."""
    regions: Annotated[tuple[Region, ...], REGIONS] = ()
    """The regions of accounts that list none themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """How much of each registry this file speaks for."""

    rules: RuleOwnership = "exclusive"
    """exclusive (default): this file is the whole truth for the replication rules of every listed
    registry. additive: rules found that are not the fleet's own are kept."""
    grants: Literal["managed", "off"] = "managed"
    """managed (default): registry policies of destinations are read and written; off: neither."""
    create_repositories: bool = True
    """Whether grants include ecr:CreateRepository. Default: true."""
    formerly: Annotated[
        tuple[str, ...], ListOf(kind=FLEET, make=without_repeats, may_be_empty=True)
    ] = ()
    """Names that this fleet had before: what it made under them counts as its own."""
    trusted_statements: Annotated[tuple[str, ...], SIDS] = ()
    """Sids of other people's statements in registry policies that do not keep images out, where
    that cannot be decided from the policy alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """How hard AWS is called."""

    concurrency: Annotated[int, Number(1, 1_000)] = 64
    """Calls in flight at once. Default: 64."""
    sts_rate: Annotated[float, Number(0, 10_000, whole=False)] = 400
    """AssumeRole calls per second; AWS's quota is 600 per account and region. Default: 400."""
    attempts: Annotated[int, Number(1, 100)] = 8
    """Attempts per call, the first one included. Default: 8."""
    timeout: Annotated[float, Duration(least=1, most=LONGEST_TIMEOUT)] = 30
    """Time for one attempt, at most 50s. Default: 30s."""
    deadline: Annotated[float, Duration(least=1, most=LONGEST_DEADLINE)] = 7200
    """Time for the whole run. Default: 2h."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """ECR's own limits; raise them when AWS does."""

    rules: Annotated[int, Number(1, 10_000)] = limits.RULES
    """Replication rules per registry. Default: 25."""
    destinations: Annotated[int, Number(1, 10_000)] = limits.DESTINATIONS
    """Unique destinations over all rules of a registry. Default: 25."""
    filters: Annotated[int, Number(1, 10_000)] = limits.FILTERS
    """Repository filters per rule. Default: 100."""
    policy_bytes: Annotated[int, Number(1_000, 1_000_000)] = limits.POLICY_BYTES
    """Characters of a registry policy's text. Default: 10,240."""


ACKNOWLEDGEABLE: Final = (
    "already-granted",
    "backfill",
    "breaking-condition",
    "delete-replication",
    "denied",
    "early-grants",
    "given-up",
    "grant-kept",
    "idle-wave",
    "later-wave",
    "malformed-resource",
    "no-room",
    "not-transitive",
    "policy-scope",
    "retired-route",
    "trusted-nothing",
    "unknown-fields",
    "unknown-rule",
    "unlinked",
    "unlisted",
    "unused-wave",
)
"""Kinds of warnings that are about a fleet, and not about what happened to a single run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A kind of warning that somebody knows of."""

    kind: str
    subject: str | None = None
    """The name of a route, the name or id of an account, or a Sid; None for any."""

    def __str__(self) -> str:
        return self.kind if self.subject is None else f"{self.kind}:{self.subject}"


class _AcknowledgedText(Text):
    """`KIND` or `KIND:SUBJECT`; read as an Acknowledgement."""

    def _read(self, text: str, path: KeyPath, context: Context) -> Acknowledgement:
        check_name(path, text, context.findings)
        kind, colon, subject = text.partition(":")
        if kind not in ACKNOWLEDGEABLE:
            near = closest(kind, ACKNOWLEDGEABLE)
            guess = f"did you mean {near}? " if near else ""
            context.findings.report(
                path,
                "is no kind of warning that can be acknowledged",
                remedy=f"{guess}known here: {', '.join(ACKNOWLEDGEABLE)}",
            )
        elif colon and not subject:
            context.findings.report(
                path,
                "names nothing after the colon",
                remedy=f"write {kind} for every such warning, or {kind}: with the name of a "
                "route, an account or a Sid",
            )
        return Acknowledgement(kind=kind, subject=subject or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningsTable:
    """Which warnings are known, and not repeated."""

    acknowledged: Annotated[
        tuple[Acknowledgement, ...],
        ListOf(kind=_AcknowledgedText(), make=without_repeats, extra={"uniqueItems": True}),
    ] = ()
    """Warnings to count and not to repeat: KIND, or KIND: and the name of a route, an account or a
    Sid, such as not-transitive:golden."""


def _check_location(path: KeyPath, text: str, findings: Findings) -> None:
    check_name(path, text, findings)
    if (problem := _misplaced(text)) is not None:
        message, remedy = problem
        findings.report(path, message, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the fleet keeps what it has to remember."""

    location: Annotated[str, Text(_check_location)] = ".fleet-repl"
    """A folder, relative to this file, or s3://bucket/prefix. Default: .fleet-repl."""
    folder: Annotated[Path | None, DERIVED] = Path(".fleet-repl")
    """The folder, seen from the working directory; None for a bucket."""
    shared: bool = False
    """Whether several users of the machine keep the folder together: what other users own, or may
    write, is trusted then. Default: false."""


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
    """What is wrong with a state's location, and the remedy."""
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
