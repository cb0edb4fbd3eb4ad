"""Short texts that are checked alike wherever they stand: names, durations, external ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from fleet_repl.inventory.durations import seconds, spell_seconds
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.patterns import EXTERNAL_ID, FLEET_NAME
from fleet_repl.inventory.spelling import is_plain
from fleet_repl.names import Secret

if TYPE_CHECKING:
    from pydantic import SecretStr

MISSING: Final = "is missing"

_EXTERNAL_ID: Final = re.compile(EXTERNAL_ID)
_OWN_SID: Final = re.compile(r"FleetRepl[0-9a-f]{16}")
_FLEET_NAME: Final = re.compile(FLEET_NAME)


def check_name(path: KeyPath, text: str, findings: Findings) -> None:
    """Tell what makes `text` unfit to be shown as the name of something."""
    if not text.strip():
        findings.tell(path, "must not be empty")
    check_plain(path, text, findings)


def check_own_name(
    path: KeyPath, name: str | None, names: dict[str, KeyPath], what: str, findings: Findings
) -> None:
    """Tell what makes `name` unfit to be that of a `what`, whose others are in `names`."""
    if name is None:
        findings.tell(path, MISSING, remedy=f"give each {what} a name of its own")
        return
    check_name(path, name, findings)
    first = names.setdefault(name, path)
    if first is not path:
        findings.tell(path, f"is the name of another {what} already, in {findings.place(first)}")


def check_plain(path: KeyPath, text: str, findings: Findings) -> None:
    """Tell about characters that would garble a report or a terminal."""
    if not is_plain(text):
        findings.tell(path, "holds control characters, line breaks or direction marks")


def check_fleet_name(path: KeyPath, text: str, findings: Findings) -> None:
    """Tell what makes `text` unfit for session names, statement ids and paths."""
    if _FLEET_NAME.fullmatch(text) is None:
        findings.tell(
            path,
            "is not a fleet name",
            remedy="1 to 32 letters, digits and . _ -, and a letter or digit first",
        )


def statement_ids(
    path: KeyPath, texts: Sequence[str] | None, findings: Findings
) -> tuple[str, ...]:
    """Sids of statements that others have written."""
    for index, text in enumerate(texts or ()):
        where = (*path, index)
        check_name(where, text, findings)
        if _OWN_SID.fullmatch(text):
            findings.tell(
                where,
                "is the Sid of a statement that fleet-repl writes",
                remedy="trust statements of others only: the fleet's own need no trust",
            )
    return tuple(dict.fromkeys(texts or ()))


def duration(
    path: KeyPath, text: str | None, bounds: tuple[int, int], default: int, findings: Findings
) -> int:
    """Seconds within `bounds`; `default` where there is no text or no good one."""
    if text is None:
        return default
    count = seconds(text)
    shortest, longest = bounds
    if count is None:
        findings.tell(path, "is not a duration", remedy='write it like "30s", "15m" or "1h30m"')
    elif not shortest <= count <= longest:
        span = f"{spell_seconds(shortest)} to {spell_seconds(longest)}"
        findings.tell(path, f"must be {span}")
    else:
        return count
    return default


def secret(path: KeyPath, text: SecretStr | None, findings: Findings) -> Secret | None:
    """An external id."""
    if text is None:
        return None
    if _EXTERNAL_ID.fullmatch(text.get_secret_value()) is None:
        findings.tell(
            path,
            "is not an external id that STS takes (it is not shown here)",
            remedy="2 to 1,224 letters, digits and _ + = , . @ : / - without blanks or line breaks",
        )
    return Secret(text.get_secret_value())
