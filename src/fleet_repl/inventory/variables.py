"""`${NAME}` in string values: filled in from an environment that is passed in.

`$${` stands for a literal `${`. Keys are never filled, and neither is what was filled in. AWS
credentials are never read: what stands in an inventory is sent to AWS, and shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fleet_repl.inventory.findings import SECRET, Findings, KeyPath

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")

_CREDENTIAL: Final = re.compile(
    r"AWS_.*(ACCESS_KEY|SECRET|TOKEN|CREDENTIALS|PASSWORD|PRIVATE_KEY).*", re.IGNORECASE
)
"""Variables that hold AWS credentials, or lead to some."""


def holds_reference(text: str) -> bool:
    """Returns whether `text` holds a reference, so that the value will be another text."""
    return "${" in text


def fill(
    document: Mapping[str, object],
    environ: Mapping[str, str],
    findings: Findings,
    *,
    secrets_required: bool = True,
) -> dict[str, object]:
    """A copy of `document` with every reference replaced.

    A value with a reference that cannot be replaced is reported and left as it is. Without
    `secrets_required`, an external id whose variable is not set is excused, and left out.
    """
    filler = _Filler(environ, findings, secrets_required=secrets_required)
    return {key: filler.value(value, (key,)) for key, value in document.items()}


def filled_in(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """A text that `fill` has accepted, with every reference replaced; and the variables in it that
    are not set here, whose references stay."""
    names = dict.fromkeys(match["name"] for match in _REFERENCE.finditer(text) if match["name"])
    unset = tuple(name for name in names if not _is_text(environ.get(name, "\ud800")))
    known = {name: environ[name] for name in names if name not in unset}

    def replacement(match: re.Match[str]) -> str:
        name = match["name"]
        return "${" if name is None else known.get(name, match[0])

    return _REFERENCE.sub(replacement, text), unset


class _Filler:
    def __init__(
        self, environ: Mapping[str, str], findings: Findings, *, secrets_required: bool
    ) -> None:
        self._environ = environ
        self._findings = findings
        self._secrets_required = secrets_required

    def value(self, value: object, path: KeyPath) -> object:
        match value:
            case str():
                return self._text(value, path) if holds_reference(value) else value
            case dict():
                return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
            case list():
                return [self.value(inner, (*path, index)) for index, inner in enumerate(value)]
            case _:
                return value

    def _text(self, text: str, path: KeyPath) -> str | None:
        is_whole = True
        for match in _REFERENCE.finditer(text):
            is_whole &= self._check(match, path)
        if self._findings.has_problem(path):
            return text
        return filled_in(text, self._environ)[0] if is_whole else None

    def _check(self, match: re.Match[str], path: KeyPath) -> bool:
        """Report a bad reference. Returns whether a text can replace the reference."""
        name = match["name"]
        if match[0] == "$${":
            return True
        if name is None:
            self._findings.report(
                path,
                "holds ${ that names no environment variable",
                remedy="write ${NAME} for a variable, or $${ for a literal ${",
            )
        elif _CREDENTIAL.fullmatch(name):
            self._findings.report(
                path,
                f"reads {name}, which holds AWS credentials or leads to some",
                remedy="use another variable; the SDK finds credentials by itself",
            )
        elif name not in self._environ:
            is_excused = path[-1] == SECRET and not self._secrets_required
            report = self._findings.report_unset if is_excused else self._findings.report
            report(
                path,
                f"the environment variable {name} is not set",
                remedy=f"set {name} before the command runs",
            )
            return False
        elif not _is_text(self._environ[name]):
            self._findings.report(path, f"the environment variable {name} is not UTF-8 text")
        return True


def _is_text(value: str) -> bool:
    """Bytes that are not UTF-8 reach an environment as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
