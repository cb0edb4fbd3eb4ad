"""Attachments: texts of templates that stand in files of their own, beside the inventory.

They belong to it: what its digest covers holds their text too, so that a changed file is a
changed inventory. `${}` is not filled in within them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.paths import KeyPath, found
from fleet_repl.inventory.reading import Unreadable, text_of
from fleet_repl.inventory.regular_files import MIB

LARGEST: Final = MIB
"""Bytes of a policy, of which ECR takes a few thousand characters."""
SUFFIX: Final = "_file"
"""`lifecycle_policy_file` names the file that holds the text of `lifecycle_policy`."""

_HOLDER: Final = "templates"


class Attachments:
    """Reads the files that one inventory names; `inventory` is the path of its own file."""

    def __init__(self, inventory: str, findings: Findings) -> None:
        self._folder = Path(inventory).parent
        self._findings = findings
        self._texts: dict[int, dict[str, str]] = defaultdict(dict)
        """Template by its place → key → text."""
        self.files: dict[str, str] = {}
        """File → its text."""

    def text(self, template: int, key: str, name: str) -> str | None:
        """The text for `key` of a template, from the file `name`; None where it cannot be had."""
        path: KeyPath = (_HOLDER, template, key + SUFFIX)
        if not name.strip():
            self._findings.tell(path, "must not be empty")
            return None
        file = str(self._folder / name)
        content = text_of(file, most=LARGEST)
        if isinstance(content, Unreadable):
            self._findings.tell(path, content.message, remedy=content.remedy)
            return None
        self._texts[template][key] = self.files[file] = content
        return content

    def inlined(self, document: Mapping[str, object]) -> Mapping[str, object]:
        """`document` as parsed, with the text of each file beside the file's name."""
        tables = found(document, (_HOLDER,))
        if not self._texts or not isinstance(tables, list):
            return document
        whole = [{**one, **self._texts.get(number, {})} for number, one in enumerate(tables)]
        return {**document, _HOLDER: whole}
