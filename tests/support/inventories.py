"""Inventories as text, for tests that write them to a file."""

from __future__ import annotations


def accounts_text(*names: str) -> str:
    """An inventory `prod` in eu-west-1 up to its accounts 111111111111, 222222222222, … by name.

    Further lines of an account stand behind its name: `shop\\nregions = ["us-east-1"]`.
    """
    accounts = []
    for digit, account in enumerate(names, 1):
        name, *lines = account.split("\n")
        accounts += ["[[accounts]]", f'id = "{str(digit) * 12}"', f'name = "{name}"', *lines]
    aws = ["[aws]", 'role = "fleet"', 'regions = ["eu-west-1"]']
    return "\n".join(["", "version = 1", 'name = "prod"', *aws, *accounts, ""])
