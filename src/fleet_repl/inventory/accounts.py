"""Accounts: [[accounts]] and [[external]] as core values, and the names that mean them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl import limits
from fleet_repl.inventory import schema
from fleet_repl.inventory.account_roles import AccountRoles
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.model import Account, External
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.regions import Regions
from fleet_repl.inventory.settings import Defaults
from fleet_repl.inventory.texts import MISSING, check_name, check_plain, duration, secret
from fleet_repl.names import AccountId, Region, is_account_id

_SEPARATORS: Final = str.maketrans("", "", " -_.")


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
    resolver = _Resolver(defaults, roles, regions, findings)
    if document.accounts is None:
        findings.tell(("accounts",), MISSING, remedy="list each account under [[accounts]]")
    elif not document.accounts:
        findings.tell(("accounts",), "must not be empty")
    accounts = resolver.accounts(document.accounts or [])
    externals = resolver.externals(document.external or [])
    is_whole = document.accounts is not None and (
        document.external is not None or findings.raw(("external",)) is None
    )
    return Listing(
        accounts=accounts,
        externals=externals,
        meant_by=resolver.meant_by,
        places=resolver.places,
        ids_known=is_whole and "id" not in resolver.unreadable,
        names_known=is_whole and "name" not in resolver.unreadable,
    )


class _Resolver:
    def __init__(
        self, defaults: Defaults, roles: AccountRoles, regions: Regions, findings: Findings
    ) -> None:
        self.meant_by: dict[str, AccountId] = {}
        self.places: dict[str, KeyPath] = {}
        self.unreadable: set[str] = set()
        """Of `id` and `name`, what something is wrong with in some account."""
        self._defaults = defaults
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
        account, name = self._identify(where, table.id, table.name)
        for key, value in (table.labels or {}).items():
            check_plain((*where, "labels", key), key, self._findings)
            check_plain((*where, "labels", key), value, self._findings)
        role = self._roles.role_of(account, where, table.role)
        own_secret = secret((*where, "external_id"), table.external_id, self._findings)
        return Account(
            id=account,
            name=name,
            regions=self._listed_regions(where, table.regions) or self._defaults.regions,
            labels=table.labels or {},
            role=role,
            external_id=None if role is None else own_secret or self._defaults.external_id,
            session_seconds=duration(
                (*where, "session_duration"),
                table.session_duration,
                limits.SESSION_SECONDS,
                self._defaults.session_seconds,
                self._findings,
            ),
        )

    def _external(self, where: KeyPath, table: schema.ExternalTable) -> External:
        account, name = self._identify(where, table.id, table.name)
        if table.regions is None and not self._findings.about((*where, "regions")):
            # The fleet's own regions would send images where nobody said the partner wants them.
            self._findings.tell(
                (*where, "regions"), MISSING, remedy="list the regions that may receive images"
            )
        return External(id=account, name=name, regions=self._listed_regions(where, table.regions))

    def _listed_regions(self, where: KeyPath, texts: list[str] | None) -> tuple[Region, ...]:
        return self._regions.each((*where, "regions"), texts) if texts else ()

    def _identify(
        self, where: KeyPath, id_text: str | None, name: str | None
    ) -> tuple[AccountId, str]:
        """The account's id and name, told apart from all earlier ones."""
        account = AccountId(id_text or "")
        self._check_id((*where, "id"), id_text)
        self._enlist((*where, "id"), account, account)
        if name is not None:
            self._check_account_name((*where, "name"), name, account)
            if name != account:
                self._enlist((*where, "name"), name, account)
        self.unreadable |= {key for key in ("id", "name") if self._findings.about((*where, key))}
        return account, account if name is None else name

    def _check_id(self, path: KeyPath, text: str | None) -> None:
        if text is None:
            self._findings.tell(path, MISSING, remedy='write id = "111122223333"')
        elif not is_account_id(text):
            raw = self._findings.raw(path)
            digits = raw.translate(_SEPARATORS) if isinstance(raw, str) else ""
            meant = f'write "{digits}"' if is_account_id(digits) else None
            self._findings.tell(path, "is not an account id: 12 digits", remedy=meant)

    def _check_account_name(self, path: KeyPath, name: str, account: AccountId) -> None:
        check_name(path, name, self._findings)
        if is_account_id(name) and name != account:
            self._findings.tell(path, "looks like the id of another account")

    def _enlist(self, path: KeyPath, text: str, account: AccountId) -> None:
        first = self.places.setdefault(text, path)
        if first is path:
            self.meant_by[text] = account
        else:
            self._findings.tell(path, f"is listed already, in {self._findings.place(first)}")

    def _tell_missing(self, key: str, indexes: Sequence[int], example: str) -> None:
        """One problem, at the first account, for all that lack what [aws] does not give."""
        open_ones = [
            path for index in indexes if not self._findings.about(path := ("accounts", index, key))
        ]
        if not open_ones or self._findings.about(("aws", key)):
            return
        others = len(open_ones) - 1
        more = f"; the same for {others} more" if others else ""
        self._findings.tell(
            open_ones[0],
            f"{MISSING}, and [aws] has no default{more}",
            remedy=f"write {example} here, or in [aws] for all accounts",
        )
