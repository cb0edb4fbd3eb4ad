"""Identities: ids and names of accounts, each meaning one account only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.texts import MISSING, check_name
from fleet_repl.names import AccountId, is_account_id

_SEPARATORS: Final = str.maketrans("", "", " -_.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    account: AccountId
    name: str
    is_known: bool
    """Whether the id could be read; without it little can be said about the account."""


class Identities:
    """Takes down the id and name of one account after the other."""

    def __init__(self, findings: Findings) -> None:
        self.meant_by: dict[str, AccountId] = {}
        """The account that an id or name stands for."""
        self.places: dict[str, KeyPath] = {}
        """Where each of these was written first."""
        self.all_ids_known = True
        self.all_names_known = True
        self._findings = findings

    def identify(self, where: KeyPath, account_text: str | None, name: str | None) -> Identity:
        """The identity of the account at `where`, told apart from all earlier ones."""
        place, name_place = (*where, "id"), (*where, "name")
        # Before anything is told here: a name that is taken or odd was still read.
        self.all_names_known &= not self._findings.about(name_place)
        is_known = self._check_id(place, account_text)
        self.all_ids_known &= is_known
        account = AccountId(account_text or "")
        if is_known:
            self._enlist(place, account, account)
        if name is not None and name != account:
            self._check_account_name(name_place, name)
            self._enlist(name_place, name, account)
        return Identity(account=account, name=account if name is None else name, is_known=is_known)

    def _check_id(self, place: KeyPath, text: str | None) -> bool:
        if text is None:
            self._findings.tell(place, MISSING, remedy='write id = "111122223333"')
        elif not is_account_id(text):
            raw = self._findings.raw(place)
            digits = raw.translate(_SEPARATORS) if isinstance(raw, str) else ""
            meant = f'write "{digits}"' if is_account_id(digits) else None
            self._findings.tell(place, "is not an account id: 12 digits", remedy=meant)
        return not self._findings.about(place)

    def _check_account_name(self, place: KeyPath, name: str) -> None:
        check_name(place, name, self._findings)
        if is_account_id(name):
            self._findings.tell(place, "looks like the id of another account")

    def _enlist(self, place: KeyPath, text: str, account: AccountId) -> None:
        first = self.places.setdefault(text, place)
        if first is place:
            self.meant_by[text] = account
        else:
            self._findings.tell(place, f"is listed already, in {self._findings.place(first)}")
