"""Inventories as text, for tests that write them to a file."""

from __future__ import annotations

from collections.abc import Mapping


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


def fleet_text(
    *links: str,
    accounts: int = 4,
    waves: Mapping[str, tuple[str, ...]] | None = None,
    more: str = "",
    name: str = "prod",
) -> str:
    """The inventory of a small fleet: accounts 000000000001, 000000000002, … in eu-west-1.

    Each of `links`, such as `1,2>3 base/`, is a route. `waves`: by name, their accounts and any
    further lines. `more` is put behind all of that.
    """
    top = f'version = 1\nname = "{name}"\n{"" if links else "routes = []"}\n'
    aws = '[aws]\nrole = "replication"\nregions = ["eu-west-1"]\n'
    listed = [f'[[accounts]]\nid = "{number:012d}"\n' for number in range(1, accounts + 1)]
    in_turn = [
        "\n".join((f'[[waves]]\nname = "{wave}"\nselect = {_accounts(who)}', *lines, ""))
        for wave, (who, *lines) in (waves or {}).items()
    ]
    return "".join((top, aws, *listed, *map(_route, links), *in_turn, more))


def _route(link: str) -> str:
    ends, *prefixes = link.split()
    source, _, end = ends.partition(">")
    wanted = f"prefixes = {prefixes}\n".replace("'", '"') if prefixes else ""
    return (
        f'[[routes]]\nname = "{link}"\nfrom = {_accounts(source)}\nto = {_accounts(end)}\n{wanted}'
    )


def _accounts(numbers: str) -> str:
    listed = ", ".join(f'"{int(number):012d}"' for number in numbers.split(","))
    return f"{{ accounts = [{listed}] }}"
