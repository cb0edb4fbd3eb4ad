"""Texts of an inventory file that are alike wherever they stand: names, regions, durations.

The patterns are for editors too, so they keep to what Python and ECMA 262 read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from fleet_repl.inventory.findings import BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import (
    DISTINCT,
    NOT_EMPTY,
    Context,
    Kind,
    Schema,
    text_schema,
    without_repeats,
)
from fleet_repl.values import limits
from fleet_repl.values.names import ACCOUNT_ID, AccountId, Region, Secret, is_account_id
from fleet_repl.values.text import is_plain

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler, ValidationInfo

FLEET_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"
"""Fits session names, Sids and paths of files and objects as it is."""
_DURATION: Final = r"(?=[0-9])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?"
_EXTERNAL_ID: Final = r"[A-Za-z0-9_+=,.@:/-]{{{},{}}}".format(*limits.EXTERNAL_ID_LENGTH)
"""STS's own pattern for ExternalId."""
_SOURCE_IDENTITY: Final = r"[A-Za-z0-9_+=,.@-]{{{},{}}}".format(*limits.SOURCE_IDENTITY_LENGTH)
_TAG: Final = r"[\w .:/=+@-]{{{},{}}}"
_TAG_KEY: Final = _TAG.format(*limits.TAG_KEY_LENGTH)
_TAG_VALUE: Final = _TAG.format(*limits.TAG_VALUE_LENGTH)
"""Letters and digits of any script, as STS takes them."""
REGION: Final = r"[a-z]{2,8}(?:-[a-z0-9]{1,16})+"
"""ECR takes `[0-9a-z-]{2,25}`; every region there is has this form."""
REGION_LENGTH: Final = (2, 25)

_ENABLED: Final = "enabled"
ENABLED: Final = (Region(_ENABLED),)
"""In place of a list of regions: those that an account has enabled. No region has that form."""
_OWN_SID: Final = re.compile(r"FleetRepl[0-9a-f]{16}")
_SEPARATORS: Final = str.maketrans("", "", " -_.")
_UNITS: Final = re.compile(r"([0-9]+)([hms])")
_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def duration(least: int, most: int) -> Kind:
    """A text such as `1h30m` of `least` to `most` seconds; read as seconds."""

    def read(value: object) -> int:
        if not isinstance(value, str):
            is_number = isinstance(value, int) and not isinstance(value, bool)
            remedy = f'write it with its unit, such as "{value}s"' if is_number else None
            raise BadValueError("must be a string", remedy)
        count = seconds(value)
        if count is None:
            raise BadValueError("is not a duration", 'write it like "30s", "15m" or "1h30m"')
        if not least <= count <= most:
            raise BadValueError(f"must be {spell_seconds(least)} to {spell_seconds(most)}")
        return count

    return Kind(read, reads=object, **text_schema(_DURATION))


def account_id(value: object) -> AccountId:
    """The id of an account. Raises BadValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        remedy = f'write "{value:012d}": a TOML number loses its leading zeros'
        raise BadValueError("must be a string", remedy)
    if not isinstance(value, str):
        raise BadValueError("must be a string")
    if not is_account_id(value):
        digits = value.translate(_SEPARATORS)
        meant = f'write "{digits}"' if is_account_id(digits) else None
        raise BadValueError("is not an account id: 12 digits", meant=meant)
    return AccountId(value)


def _region(text: str, info: ValidationInfo[Context]) -> Region:
    return info.context.regions.region(text)


def text_like(pattern: str, fault: str, remedy: str) -> Callable[[str], str]:
    """Returns a reader of texts that `pattern` fits as a whole."""

    def read(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise BadValueError(fault, remedy)
        return text

    return read


def _external_id(text: str) -> Secret:
    if re.fullmatch(_EXTERNAL_ID, text) is None:
        raise BadValueError(
            "is not an external id that STS takes (it is not shown here)",
            "2 to 1,224 letters, digits and _ + = , . @ : / - without blanks or line breaks",
        )
    return Secret(text)


def _session_tag(pattern: str, noun: str, lengths: tuple[int, int]) -> Kind:
    remedy = "{} to {} letters, digits, blanks and _ . : / = + - @".format(*lengths)
    return Kind(text_like(pattern, f"is not {noun} of a session tag", remedy))


def plain(text: str) -> str:
    """The text itself. Raises BadValueError for what would garble a report or a terminal."""
    if not is_plain(text):
        raise BadValueError("holds control characters, line breaks or direction marks")
    return text


def shown_name(text: str) -> str:
    """The text itself. Raises BadValueError if it is unfit to be shown as the name of something."""
    if not text.strip():
        raise BadValueError("must not be empty")
    return plain(text)


def check_names(table: str, names: Iterable[str], noun: str, findings: Findings) -> None:
    """Report each of `names`, of the tables under [[`table`]] in their order, that repeats."""
    first: dict[str, KeyPath] = {}
    for index, name in enumerate(names):
        path: KeyPath = (table, index, "name")
        if name and first.setdefault(name, path) != path:
            place = findings.place(first[name])
            findings.report(path, f"is the name of another {noun} already, in {place}")


def _foreign_sid(text: str) -> str:
    if _OWN_SID.fullmatch(shown_name(text)):
        raise BadValueError(
            "is the Sid of a statement that fleet-repl writes",
            "trust statements of others only: the fleet's own need no trust",
        )
    return text


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


_source_identity: Final = text_like(
    _SOURCE_IDENTITY,
    "is not a source identity that STS takes",
    "2 to 256 letters, digits and _ + = , . @ -",
)
_fleet_name: Final = text_like(
    FLEET_NAME,
    "is not a fleet name",
    "1 to 32 letters, digits and . _ -, and a letter or digit first",
)
SourceIdentity: TypeAlias = Annotated[str, Kind(_source_identity, **text_schema(_SOURCE_IDENTITY))]
TagKey: TypeAlias = Annotated[str, _session_tag(_TAG_KEY, "the key", limits.TAG_KEY_LENGTH)]
TagValue: TypeAlias = Annotated[str, _session_tag(_TAG_VALUE, "the value", limits.TAG_VALUE_LENGTH)]
Plain: TypeAlias = Annotated[str, Kind(plain)]
Name: TypeAlias = Annotated[str, Kind(shown_name)]
IdOfAccount: TypeAlias = Annotated[
    AccountId, Kind(account_id, reads=object, **text_schema(ACCOUNT_ID))
]
FleetName: TypeAlias = Annotated[str, Kind(_fleet_name, **text_schema(FLEET_NAME))]
ExternalId: TypeAlias = Annotated[
    Secret,
    Kind(_external_id, reads=str, **text_schema(_EXTERNAL_ID, format="password", writeOnly=True)),
]
RegionName: TypeAlias = Annotated[
    Region, Kind(_region, reads=str, **text_schema(REGION, REGION_LENGTH))
]
Regions: TypeAlias = Annotated[tuple[RegionName, ...], NOT_EMPTY, DISTINCT]


class _EnabledOrListed(Kind):
    def __get_pydantic_json_schema__(self, core: Schema, handler: GetJsonSchemaHandler) -> Schema:
        return {"anyOf": [{"const": _ENABLED}, handler(core)]}


def _enabled_or_listed(
    value: object, handler: Callable[[object], tuple[Region, ...]]
) -> tuple[Region, ...]:
    return ENABLED if value == _ENABLED else handler(value)


EnabledOrListed: TypeAlias = Annotated[
    tuple[Region, ...], _EnabledOrListed(_enabled_or_listed, mode="Wrap", reads=Regions)
]
"""Regions as a list, or the word for those that an account has enabled."""
Sids: TypeAlias = Annotated[
    tuple[Annotated[str, Kind(_foreign_sid)], ...],
    NOT_EMPTY,
    Kind(without_repeats, uniqueItems=True),
]
