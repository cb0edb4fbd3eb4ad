"""Policies of templates: JSON texts that stand in the inventory, or in files beside it.

Only what makes a text useless whatever it says is reported; what a policy means is for ECR to
judge. Files belong to the inventory: what its digest covers holds their text too, so that a
changed file is a changed inventory. `${}` is not filled in within them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet_repl.inventory.findings import Findings, KeyPath
from fleet_repl.inventory.regular_files import MIB
from fleet_repl.inventory.toml_file import Unreadable, is_deep, text_of
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import RepeatedKeyError, compact_json, parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """One kind of policy, and ECR's limits for it."""

    key: str
    """The key of its text in a template. The key of its file has `_file` at the end."""
    longest: int
    """Characters that ECR takes."""
    needs: str
    """The member without which a policy says nothing."""


LIFECYCLE: Final = PolicyKind(
    key="lifecycle_policy", longest=limits.LIFECYCLE_POLICY, needs="rules"
)
REPOSITORY: Final = PolicyKind(
    key="repository_policy", longest=limits.REPOSITORY_POLICY, needs="Statement"
)
LARGEST: Final = MIB
"""Bytes of a file with a policy, of which ECR takes a few thousand characters."""
_TOO_MUCH: Final = "lists or objects are nested too deeply, or a number is no JSON number"


class Policies:
    """Reads the policies of one inventory; `inventory` is the path of its own file."""

    def __init__(
        self, inventory: str, findings: Findings, texts: Mapping[str, str] | None = None
    ) -> None:
        """`texts`: those of files that were read before, and are not read again."""
        self._folder = Path(inventory).parent
        self._findings = findings
        self._texts: dict[int, dict[str, str]] = defaultdict(dict)
        """Template by its place → key → text of a file."""
        self.files: dict[str, str] = dict(texts or {})
        """File → its text."""

    def read(
        self, template: int, kind: PolicyKind, inline: str | None, file: str | None
    ) -> str | None:
        """A policy of a template without white space, so that layout changes nothing and costs
        nothing; None where there is none, or none that is good."""
        path: KeyPath = ("templates", template, kind.key)
        text = inline
        if file is not None:
            path = ("templates", template, f"{kind.key}_file")
            if inline is not None:
                self._findings.report(path, f"cannot stand beside {kind.key}: write one")
                return None
            text = self._content(path, file)
            if text is not None:
                self._texts[template][kind.key] = text
        if text is None or self._findings.has_problem(path):
            return None
        try:
            return _compact(text, kind)
        except ValueError as error:
            self._findings.report(path, str(error))
            return None

    def inlined(self, document: Mapping[str, object]) -> Mapping[str, object]:
        """`document` as parsed, with the text of each file beside the file's name."""
        tables = document.get("templates")
        if not self._texts or not isinstance(tables, list):
            return document
        whole = [{**table, **self._texts.get(at, {})} for at, table in enumerate(tables)]
        return {**document, "templates": whole}

    def _content(self, path: KeyPath, name: str) -> str | None:
        if not name.strip():
            self._findings.report(path, "must not be empty")
            return None
        file = str(self._folder / name)
        content = self.files.get(file) or text_of(file, most=LARGEST)
        if isinstance(content, Unreadable):
            self._findings.report(path, content.message, remedy=content.remedy)
            return None
        self.files[file] = content
        return content


def _compact(text: str, kind: PolicyKind) -> str:
    """Raises ValueError, in words that follow the key, for what is no such policy."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise ValueError(f"is not JSON: {_fault(error)}") from None
    if not isinstance(document, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - a fault of the text
    if is_deep(document):
        raise ValueError(f"is not JSON: {_TOO_MUCH}")
    if not document.get(kind.needs):
        raise ValueError(f'is a policy without "{kind.needs}"')
    compact = compact_json(document)
    try:
        compact.encode()
    except UnicodeEncodeError:
        # JSON may spell half of a surrogate pair, which no request can carry.
        raise ValueError("is not JSON: it holds half of a surrogate pair") from None
    if len(compact) > kind.longest:
        raise ValueError(
            f"must be at most {kind.longest:,} characters long, and has {len(compact):,} "
            "without white space"
        )
    return compact


def _fault(error: ValueError) -> str:
    """Returns why a text is no JSON. The parser's words about numbers and depth vary by version."""
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} (line {error.lineno}, column {error.colno})"
        case RepeatedKeyError():
            return str(error)
        case _:
            return _TOO_MUCH
