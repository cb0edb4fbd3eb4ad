"""The settings of a Lambda function, read from its environment.

Pure. An empty variable counts as not set. The address for notifications may hold a token, so no
message repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet_repl.values.errors import FleetError
from fleet_repl.watch.notify import Webhook, parse_webhook

INVENTORY: Final = "FLEET_REPL_INVENTORY"
STATE: Final = "FLEET_REPL_STATE"
FIX: Final = "FLEET_REPL_FIX"
NOTIFY: Final = "FLEET_REPL_NOTIFY"
METRICS: Final = "FLEET_REPL_METRICS"

_CODE: Final = "LAMBDA_TASK_ROOT"
"""The variable in which Lambda names the folder of the function's own files."""
_TRUTHS: Final = {"": False, "0": False, "false": False, "1": True, "true": True}


class SettingError(FleetError):
    """The value of a variable cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a function."""

    inventory: Path
    state: str | None = None
    """The state location, in place of the inventory's."""
    fix: bool = False
    """Whether registries that differ are corrected."""
    notify: Webhook | None = None
    """The URL that notifications are posted to."""
    metrics: bool = False
    """Whether each round leaves its numbers in the log, for CloudWatch to make metrics of."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises SettingError."""
    code = environ.get(_CODE) or "/var/task"
    return Settings(
        inventory=Path(environ.get(INVENTORY) or f"{code}/inventory.toml"),
        state=environ.get(STATE, "").strip() or None,
        fix=_is_on(environ, FIX),
        notify=_address(environ.get(NOTIFY, "").strip()),
        metrics=_is_on(environ, METRICS),
    )


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name, "").strip().lower()
    if value not in _TRUTHS:
        raise SettingError(f"{name} must be 1 or 0; it is neither")
    return _TRUTHS[value]


def _address(text: str) -> Webhook | None:
    if not text:
        return None
    try:
        return parse_webhook(text)
    except FleetError:
        raise SettingError(f"{NOTIFY} must be an http or https address") from None
