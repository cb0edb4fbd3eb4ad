"""Registries by short names."""

from __future__ import annotations

from fleet_repl.values.names import AccountId, Region, Registry


def registry_of(account: int | str, region: str = "eu-west-1") -> Registry:
    """The registry of an account: 7 is 000000000007, "7" is 777777777777, an id is itself."""
    if isinstance(account, int):
        account = f"{account:012d}"
    return Registry(AccountId(account * 12 if len(account) == 1 else account), Region(region))
