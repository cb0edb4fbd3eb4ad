"""ECR's calls on the settings of an account in a region."""

from __future__ import annotations

from typing import Final

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.sandbox.account_settings import DEFAULTS, TAKEN
from fleet_repl.sandbox.shapes import Structure, Text
from fleet_repl.sandbox.world import World

_NAME: Final = Text(shortest=1, longest=64, values=tuple(DEFAULTS))


def get_account_setting(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    name = Structure.read(body, frozenset({"name"})).text("name", _NAME)
    return {"name": name, "value": world.setting(registry, name)}


def put_account_setting(world: World, registry: Registry, body: JsonObject) -> JsonObject:
    asked = Structure.read(body, frozenset({"name", "value"}))
    name = asked.text("name", _NAME)
    value = asked.text("value", Text(values=TAKEN[name]))
    world.set_setting(registry, name, value)
    return {"name": name, "value": value}
