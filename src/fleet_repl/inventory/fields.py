"""Texts of an inventory file that are alike wherever they stand: names, regions, durations.

The patterns are for editors too, so they keep to what Python and ECMA 262 read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory.findings import Findings, KeyPath
from fleet_repl.inventory.kinds import Context, ListOf, Text, without_repeats
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Region, Secret
from fleet_repl.values.text import is_plain

FLEET_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"
"""Fits session names, Sids and paths of files and objects as it is."""
_DURATION: Final = r"(?=[0-9])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?"
_EXTERNAL_ID: Final = r"[A-Za-z0-9_+=,.@:/-]{{{},{}}}".format(*limits.EXTERNAL_ID_LENGTH)
"""STS's own pattern for ExternalId."""
REGION: Final = r"[a-z]{2,8}(?:-[a-z0-9]{1,16})+"
"""ECR takes `[0-9a-z-]{2,25}`; every region there is has this form."""
REGION_LENGTH: Final = (2, 25)

_OWN_SID: Final = re.compile(r"FleetRepl[0-9a-f]{16}")
_UNITS: Final = re.compile(r"([0-9]+)([hms])")
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Text):
    """A text such as `1h30m` of `least` to `most` seconds; read as seconds."""

    least: int
    most: int
    pattern: str | None = _DURATION

    def _read(self, text: str, path: KeyPath, context: Context) -> int | None:
        count = seconds(text)
        if count is None:
            context.findings.report(
                path, "is not a duration", remedy='write it like "30s", "15m" or "1h30m"'
            )
        elif not self.least <= count <= self.most:
            span = f"{spell_seconds(self.least)} to {spell_seconds(self.most)}"
            context.findings.report(path, f"must be {span}")
        else:
            return count
        return None

    def _remedy(self, value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return f'write it with its unit, such as "{value}s"'


class _RegionText(Text):
    def _read(self, text: str, path: KeyPath, context: Context) -> Region:
        return context.regions.check(path, text)


class _ExternalId(Text):
    def schema(self) -> JsonObject:
        return {**Text.schema(self), "format": "password", "writeOnly": True}

    def _read(self, text: str, path: KeyPath, context: Context) -> Secret:
        if re.fullmatch(_EXTERNAL_ID, text) is None:
            context.findings.report(
                path,
                "is not an external id that STS takes (it is not shown here)",
                remedy="2 to 1,224 letters, digits and _ + = , . @ : / - without blanks or line "
                "breaks",
            )
        return Secret(text)


def check_plain(path: KeyPath, text: str, findings: Findings) -> None:
    """Report characters that would garble a report or a terminal."""
    if not is_plain(text):
        findings.report(path, "holds control characters, line breaks or direction marks")


def check_name(path: KeyPath, text: str, findings: Findings) -> None:
    """Report what makes `text` unfit to be shown as the name of something."""
    if not text.strip():
        findings.report(path, "must not be empty")
    check_plain(path, text, findings)


def check_names(table: str, names: Iterable[str], noun: str, findings: Findings) -> None:
    """Report each of `names`, of the tables under [[`table`]] in their order, that repeats."""
    first: dict[str, KeyPath] = {}
    for index, name in enumerate(names):
        path: KeyPath = (table, index, "name")
        if name and first.setdefault(name, path) != path:
            place = findings.place(first[name])
            findings.report(path, f"is the name of another {noun} already, in {place}")


def _check_fleet_name(path: KeyPath, text: str, findings: Findings) -> None:
    if re.fullmatch(FLEET_NAME, text) is None:
        findings.report(
            path,
            "is not a fleet name",
            remedy="1 to 32 letters, digits and . _ -, and a letter or digit first",
        )


def _check_sid(path: KeyPath, text: str, findings: Findings) -> None:
    check_name(path, text, findings)
    if _OWN_SID.fullmatch(text):
        findings.report(
            path,
            "is the Sid of a statement that fleet-repl writes",
            remedy="trust statements of others only: the fleet's own need no trust",
        )


def seconds(text: str) -> int | None:
    """The seconds of a duration such as `1h30m`; None where `text` is none. A unit is needed."""
    if re.fullmatch(_DURATION, text) is None:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in _UNITS.findall(text))


def spell_seconds(count: int) -> str:
    """The shortest spelling of a duration: 5400 is `1h30m`."""
    rest, parts = count, []
    for unit, size in _SECONDS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


NAME: Final = Text(check_name)
FLEET: Final = Text(_check_fleet_name, FLEET_NAME)
EXTERNAL_ID: Final = _ExternalId(None, _EXTERNAL_ID)
REGION_TEXT: Final = _RegionText(None, REGION, REGION_LENGTH)
REGIONS: Final = ListOf(kind=REGION_TEXT, unique=True)
SIDS: Final = ListOf(kind=Text(_check_sid), make=without_repeats, extra={"uniqueItems": True})
