"""Accounts: [[accounts]] and [[external]] as core values, and the names that mean them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet_repl import limits
from fleet_repl.inventory import schema
from fleet_repl.inventory.account_roles import AccountRoles
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.identities import Identities
from fleet_repl.inventory.model import Account, External, Ownership, RuleOwnership
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.settings import Defaults
from fleet_repl.inventory.texts import MISSING, check_plain, duration, secret, statement_ids
from fleet_repl.names import AccountId, Region, is_account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The accounts of an inventory."""

    accounts: tuple[Account, ...]
    externals: tuple[External, ...]
    meant_by: Mapping[str, AccountId]
    """What selectors may call an account: its id and its name."""
    places: Mapping[str, KeyPath]
    """Where each of these stands."""
    ids_known: bool
    """Whether every id could be read, so that any other is a stranger's."""
    names_known: bool

    def is_stranger(self, text: str) -> bool:
        """Whether `text` is surely no account of this inventory."""
        known = self.ids_known if is_account_id(text) else self.names_known
        return known and text not in self.meant_by


def resolve_accounts(
    document: schema.Document,
    defaults: Defaults,
    roles: AccountRoles,
    regions: Regions,
    findings: Findings,
) -> Listing:
    """Every account, checked against all others."""
    if document.accounts is None:
        findings.tell(("accounts",), MISSING, remedy="list each account under [[accounts]]")
    elif not document.accounts:
        findings.tell(("accounts",), "must not be empty")
    rules = (document.ownership and document.ownership.rules) or Ownership().rules
    resolver = _Resolver(defaults, rules, roles, regions, findings)
    accounts = resolver.accounts(document.accounts or [])
    externals = resolver.externals(document.external or [])
    known = resolver.identities
    # Where a whole list could not be read, nobody can be called a stranger.
    is_whole = document.accounts is not None and not (
        document.external is None and findings.about(("external",))
    )
    return Listing(
        accounts=accounts,
        externals=externals,
        meant_by=known.meant_by,
        places=known.places,
        ids_known=is_whole and known.all_ids_known,
        names_known=is_whole and known.all_names_known,
    )


class _Resolver:
    def __init__(
        self,
        defaults: Defaults,
        rules: RuleOwnership,
        roles: AccountRoles,
        regions: Regions,
        findings: Findings,
    ) -> None:
        self.identities = Identities(findings)
        self._defaults = defaults
        self._rules = rules
        self._roles = roles
        self._regions = regions
        self._findings = findings

    def accounts(self, tables: Sequence[schema.AccountTable]) -> tuple[Account, ...]:
        accounts = tuple(
            self._account(("accounts", index), table) for index, table in enumerate(tables)
        )
        if not self._defaults.regions:
            without = [index for index, table in enumerate(tables) if table.regions is None]
            self._tell_missing("regions", without, f'regions = ["{self._regions.example}"]')
        if self._defaults.role is None:
            without = [index for index, table in enumerate(tables) if table.role is None]
            self._tell_missing("role", without, 'role = "fleet-replication"')
        return accounts

    def externals(self, tables: Sequence[schema.ExternalTable]) -> tuple[External, ...]:
        return tuple(
            self._external(("external", index), table) for index, table in enumerate(tables)
        )

    def _account(self, where: KeyPath, table: schema.AccountTable) -> Account:
        identity = self.identities.identify(where, table.id, table.name)
        for key, value in (table.labels or {}).items():
            check_plain((*where, "labels", key), key, self._findings)
            check_plain((*where, "labels", key), value, self._findings)
        account = identity.account if identity.is_known else None
        role = self._roles.role_of(account, where, table.role)
        own_trust = statement_ids(
            (*where, "trusted_statements"), table.trusted_statements, self._findings
        )
        own_secret = secret((*where, "external_id"), table.external_id, self._findings)
        return Account(
            id=identity.account,
            name=identity.name,
            regions=self._own_regions(where, table.regions) or self._defaults.regions,
            labels=table.labels or {},
            role=role,
            external_id=None if role is None else own_secret or self._defaults.external_id,
            session_seconds=self._session(where, table.session_duration),
            retired=table.state == "retired",
            rules=table.rules or self._rules,
            trusted_statements=own_trust,
        )

    def _external(self, where: KeyPath, table: schema.ExternalTable) -> External:
        identity = self.identities.identify(where, table.id, table.name)
        if table.regions is None:
            # The fleet's own regions would send images where nobody said the partner wants them.
            self._findings.tell(
                (*where, "regions"), MISSING, remedy="list the regions that may receive images"
            )
        return External(
            id=identity.account,
            name=identity.name,
            regions=self._own_regions(where, table.regions),
        )

    def _own_regions(self, where: KeyPath, texts: list[str] | None) -> tuple[Region, ...]:
        return self._regions.each((*where, "regions"), texts) if texts else ()

    def _session(self, where: KeyPath, text: str | None) -> int:
        """Seconds; AWS gives no more than an hour to a role behind another role."""
        defaults = self._defaults
        asked = duration(
            (*where, "session_duration"),
            text,
            limits.SESSION_SECONDS,
            defaults.session_seconds,
            self._findings,
        )
        return min(asked, limits.CHAINED_SESSION_SECONDS) if defaults.chained else asked

    def _tell_missing(self, key: str, indexes: Sequence[int], example: str) -> None:
        """One problem, at the first account, for all that lack what [aws] does not give."""
        places: list[KeyPath] = [("accounts", index, key) for index in indexes]
        lacking = [place for place in places if not self._findings.about(place)]
        if not lacking or self._findings.about(("aws", key)):
            return
        more = f"; the same for {len(lacking) - 1:,} more" if lacking[1:] else ""
        self._findings.tell(
            lacking[0],
            f"{MISSING}, and [aws] has no default{more}",
            remedy=f"write {example} here, or in [aws] for all accounts",
        )
