"""Accounts: [[accounts]] and [[external]], and the ids and names that selectors call them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from fleet_repl.inventory.fields import (
    ENABLED,
    EnabledOrListed,
    ExternalId,
    IdOfAccount,
    Name,
    Plain,
    Regions,
    Sids,
    shown_name,
)
from fleet_repl.inventory.findings import MISSING, Findings, KeyPath
from fleet_repl.inventory.kinds import Context
from fleet_repl.inventory.roles import AccountRoles
from fleet_repl.inventory.settings import AwsTable, RuleOwnership, SessionDuration
from fleet_repl.inventory.suggestions import Guesser
from fleet_repl.inventory.tables import Table
from fleet_repl.values import limits
from fleet_repl.values.names import AccountId, Region, Registry, RoleArn, Secret, is_account_id

_MISSING_ID: Final = {"missing": 'write id = "111122223333"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTable(Table):
    """An account that the fleet manages; with each of its regions it makes a registry."""

    id: IdOfAccount = field(metadata=_MISSING_ID)
    """12 digits, as a string: TOML numbers lose leading zeros."""
    name: str | None = None
    """A unique name for people and selectors. Default: the id."""
    regions: EnabledOrListed | None = None
    """The regions whose registries are managed; "enabled" for those that the account has enabled.
    Default: as in [aws]."""
    labels: Mapping[Plain, Plain] = field(default_factory=dict)
    """Labels for selectors to match, such as tier and env."""
    role: str | None = None
    """In place of the role in [aws]."""
    profile: Name | None = None
    """The profile of a base identity for this account alone, in place of that in [aws]."""
    external_id: ExternalId | None = None
    """In place of the external id in [aws]; never shown."""
    session_duration: SessionDuration | None = None
    """In place of the session duration in [aws], 15m to 12h."""
    state: Literal["active", "retired"] = "active"
    """active (default) | retired: routes pass the account over, links to it and grants for it are
    withdrawn, and its own configuration is emptied if it can be reached."""
    rules: RuleOwnership | None = None
    """In place of `rules` in [ownership]."""
    trusted_statements: Sids = ()
    """Beside those in [ownership]: Sids in the registry policies of this account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that the fleet manages, with what [aws] and [ownership] say for it."""

    id: AccountId
    name: str
    regions: tuple[Region, ...]
    asks_regions: bool = False
    """True if its regions are those that it has enabled, which only the account can tell."""
    labels: Mapping[str, str] = field(default_factory=dict)
    role: RoleArn | None
    """The role to assume; None: the base identity acts itself."""
    profile: str | None = None
    """The profile of its own base identity; None: that of the whole fleet."""
    external_id: Secret | None = None
    session_seconds: int = 3600
    retired: bool = False
    """Routes pass it over; whatever the fleet made there or for it is taken away."""
    rules: RuleOwnership = "exclusive"
    trusted_statements: tuple[str, ...] = ()
    """Sids of foreign statements in its registry policies that somebody vouches for, beside
    those of `Ownership`."""
    registries: tuple[Registry, ...] = field(init=False, repr=False, compare=False)
    """Its registries, in order of the region. Whoever speaks of one of them uses these values, so
    that a large fleet has each of them once."""

    def __post_init__(self) -> None:
        places = tuple(Registry(self.id, region) for region in sorted({*self.regions}))
        object.__setattr__(self, "registries", places)


@dataclass(frozen=True, slots=True, kw_only=True)
class External(Table):
    """An account that may receive images but is not managed: its policy cannot be written."""

    id: IdOfAccount = field(metadata=_MISSING_ID)
    """12 digits, as a string: TOML numbers lose leading zeros."""
    name: Name = ""
    """A unique name for people and selectors. Default: the id."""
    # The fleet's own regions would send images where nobody said the partner wants them.
    regions: Regions = field(metadata={"missing": "list the regions that may receive images"})
    """The regions whose registries may receive images."""


class AccountNames:
    """The ids and names of the accounts of an inventory. Each means exactly one account."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.discovered = False
        """True if accounts were discovered beside those that the file lists."""
        self.by_name: dict[str, AccountId] = {}
        """Id or name → the id of the account."""
        self._places: dict[str, KeyPath] = {}
        """Id or name → where the file says it."""
        self._ids_known = True
        """True if every id could be read, so that any other id is surely unlisted."""
        self._names_known = True
        self._guesser: Guesser | None = None

    def add(self, path: KeyPath, account: AccountId, name: str | None) -> str:
        """Add the account at `path`. Returns its name, and reports an id or name that repeats."""
        place, name_place = (*path, "id"), (*path, "name")
        # A name with a problem that is only reported below could be read.
        self._names_known &= not self.findings.has_problem(name_place)
        if self.findings.has_problem(place):
            self._ids_known = False
        else:
            self._enlist(place, account, account)
        if name is None or name == account:
            return account
        self.findings.check(name_place, shown_name, name)
        if is_account_id(name):
            self.findings.report(name_place, "looks like the id of another account")
        self._enlist(name_place, name, account)
        return name

    def add_unread(self) -> None:
        """Treats no account as unlisted from here on: a list of accounts could not be read."""
        self._ids_known = self._names_known = False

    def is_unlisted(self, text: str) -> bool:
        """Returns whether `text` is surely no account of this inventory."""
        known = self._ids_known if is_account_id(text) else self._names_known
        return known and text not in self.by_name

    def is_external(self, text: str) -> bool:
        """Returns whether `text` is the id or name of an external account."""
        return self._places.get(text, ("",))[0] == "external"

    def guess(self, text: str) -> str | None:
        """The id or name that `text` most likely means, among those that the file spells out."""
        if self._guesser is None:
            raw, places = self.findings.raw, self._places.items()
            spelled = [text for text, at in places if at[0] == "organization" or raw(at) == text]
            self._guesser = Guesser(spelled)
        return self._guesser.guess(text)

    def _enlist(self, place: KeyPath, text: str, account: AccountId) -> None:
        first = self._places.setdefault(text, place)
        if first is place:
            self.by_name[text] = account
        else:
            self.findings.report(place, f"is listed already, in {self.findings.place(first)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDefaults:
    """The defaults for accounts."""

    aws: AwsTable
    rules: RuleOwnership
    enabled: Mapping[AccountId, tuple[Region, ...]] = field(default_factory=dict)
    """The regions that accounts have enabled, as far as they were asked."""


def list_accounts(
    accounts: Sequence[tuple[KeyPath, AccountTable]],
    externals: Sequence[External],
    defaults: AccountDefaults,
    context: Context,
) -> tuple[tuple[Account, ...], tuple[External, ...]]:
    """Every account of the fleet and every external account, each checked against all others;
    `accounts`: where each is written, and its table.

    Their ids and names are added to those of the `context`.
    """
    names = context.names
    findings = names.findings
    for key, tables in (("accounts", accounts), ("external", externals)):
        if not tables and findings.has_problem((key,)):
            names.add_unread()
    roles = AccountRoles(defaults.aws.role, context.regions.partition, findings)
    managed = tuple(_account(path, table, defaults, names, roles) for path, table in accounts)
    _check_defaults(accounts, defaults.aws, names.findings, context.regions.example)
    others = tuple(
        replace(external, name=names.add(("external", index), external.id, external.name or None))
        for index, external in enumerate(externals)
    )
    return managed, others


def _account(
    path: KeyPath,
    table: AccountTable,
    defaults: AccountDefaults,
    names: AccountNames,
    roles: AccountRoles,
) -> Account:
    findings, aws = names.findings, defaults.aws
    # The id of another account, which is no good name, still says whose role it is.
    known = None if findings.has_problem((*path, "id")) else table.id
    name = names.add(path, table.id, table.name)
    role = roles.role_of(known, path, table.role, table.profile)
    session = table.session_duration or aws.session_duration
    regions = table.regions or aws.regions
    return Account(
        id=table.id,
        name=name,
        regions=defaults.enabled.get(table.id, ()) if regions == ENABLED else regions,
        asks_regions=regions == ENABLED,
        labels=table.labels,
        role=role,
        profile=table.profile,
        external_id=None if role is None else table.external_id or aws.external_id,
        # AWS gives no more than an hour to a role that another role assumes.
        session_seconds=min(session, limits.CHAINED_SESSION_SECONDS) if aws.via else session,
        retired=table.state == "retired",
        rules=table.rules or defaults.rules,
        trusted_statements=table.trusted_statements,
    )


def _check_defaults(
    accounts: Sequence[tuple[KeyPath, AccountTable]],
    aws: AwsTable,
    findings: Findings,
    region: Region,
) -> None:
    """Report regions and roles that neither the accounts nor [aws] give: each in one problem, at
    the first account that lacks them."""
    for key, default, example in (
        ("regions", aws.regions or None, f'["{region}"]'),
        ("role", aws.role, '"fleet-replication"'),
    ):
        places = [(*path, key) for path, table in accounts if getattr(table, key) is None]
        lacking = [place for place in places if not findings.has_problem(place)]
        if default is None and lacking and not findings.has_problem(("aws", key)):
            more = f"; the same for {len(lacking) - 1:,} more" if lacking[1:] else ""
            findings.report(
                lacking[0],
                f"{MISSING}, and [aws] has no default{more}",
                remedy=f"write {key} = {example} here, or in [aws] for all accounts",
            )
