"""Plan and apply ECR replication over a whole fleet of AWS accounts.

    import fleet_repl

    inventory = fleet_repl.load_inventory("inventories/prod.toml")
    async with fleet_repl.connect(inventory) as fleet:
        plan = await fleet.plan()
        report = await fleet.apply(plan)
    print(fleet_repl.to_json(report))

Importing it loads nothing but this module; its names are loaded when the first is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fleet_repl._version import __version__ as __version__

if TYPE_CHECKING:
    from fleet_repl.fleet.public import *  # noqa: F403

__all__: list[str]

# Modules keep the names that deployments were given.
__path__.append(f"{__path__[0]}/watch/earlier_names")  # noqa: F405


def __getattr__(name: str) -> object:
    if name == "__all__":
        return __dir__()
    if not name.startswith("_"):
        public = import_module("fleet_repl.fleet.public")
        if hasattr(public, name):
            return getattr(public, name)
    raise AttributeError(f"module 'fleet_repl' has no attribute {name!r}")


def __dir__() -> list[str]:
    public = import_module("fleet_repl.fleet.public")
    return sorted(["__version__", *(name for name in vars(public) if not name.startswith("_"))])
