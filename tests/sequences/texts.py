"""The inventories of a sequence as files say them, and the links that they ask for."""

from __future__ import annotations

from tests.sequences.generation import FleetText, RouteText
from tests.sequences.trace import Hop

from fleet_repl.values.names import AccountId, Region, Registry

REGION = Region("eu-west-1")
_LOOSE = '[safety]\nmax_removals = "100%"\nmax_unreadable = "100%"\n'


def registry(number: int) -> Registry:
    """The registry of an account."""
    return Registry(AccountId(f"{number:012d}"), REGION)


def inventory_text(text: FleetText) -> str:
    """The file."""
    parts = [
        f'version = 1\nname = "{text.name}"\n',
        "" if text.routes else "routes = []\n",
        f'[aws]\nrole = "replication"\nregions = ["{REGION}"]\n',
        f'[ownership]\nrules = "{text.rules}"\n',
        f"[apply]\nconcurrency = {text.concurrency}\n",
        _LOOSE,
        *(_account(number, retired=number in text.retired) for number in text.accounts),
        *(_route(nth, route) for nth, route in enumerate(text.routes)),
        *(_wave(nth, numbers) for nth, numbers in enumerate(text.waves)),
        *(_template(prefix, number) for prefix, number in text.templates),
    ]
    return "".join(parts)


def wanted(text: FleetText) -> frozenset[Hop]:
    """The links that the file asks for."""
    return frozenset(
        (route.source, end, prefix)
        for route in text.routes
        for end in route.ends
        for prefix in route.prefixes
        if not text.retired & {route.source, end}
    )


def _account(number: int, *, retired: bool) -> str:
    state = 'state = "retired"\n' if retired else ""
    return f'[[accounts]]\nid = "{number:012d}"\n{state}'


def _route(nth: int, route: RouteText) -> str:
    prefixes = ", ".join(f'"{prefix}"' for prefix in route.prefixes)
    key = "only" if route.by_name else "prefixes"
    return (
        f'[[routes]]\nname = "r{nth}"\nfrom = {_selector((route.source,))}\n'
        f"to = {_selector(route.ends)}\n{key} = [{prefixes}]\n"
    )


def _wave(nth: int, numbers: tuple[int, ...]) -> str:
    return f'[[waves]]\nname = "w{nth}"\nselect = {_selector(numbers)}\n'


def _template(prefix: str, number: int) -> str:
    name = prefix.rstrip("/")
    return (
        f'[[templates]]\nname = "{name}"\nprefix = "{prefix}"\nselect = {_selector((number,))}\n'
        'tag_mutability = "immutable"\n'
    )


def _selector(numbers: tuple[int, ...]) -> str:
    listed = ", ".join(f'"{number:012d}"' for number in numbers)
    return f"{{ accounts = [{listed}] }}"
