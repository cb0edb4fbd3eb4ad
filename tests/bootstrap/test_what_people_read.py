"""The exact texts, for a plain fleet and for one whose roles differ in every way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.bootstrap.conftest import FORMATS, Needed
from tests.bootstrap.fleets import PLAIN, VARIED

KEPT = Path(__file__).parent / "kept"
FILES = {"cloudformation": "role.yaml", "terraform": "main.tf", "iam": "policies.json"}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": (PLAIN, {"base_identity": "arn:aws:iam::999999999999:role/platform-deploy"}),
    "varied": (
        VARIED,
        {"organization": "o-abcde12345", "units": ("ou-abcd-11111111", "ou-abcd-22222222")},
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", FORMATS)
def test_the_text_is_exactly_this(case: str, form: str, needed: Needed) -> None:
    """As kept beside this file."""
    text, how = CASES[case]
    kept = KEPT / case / FILES[form]
    assert FORMATS[form](needed(text, **how)) == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS)
def test_without_the_secrets_it_is_the_same(form: str, needed: Needed) -> None:
    """Whether an external id is known makes no difference, as its value goes into no text."""
    known, unknown = needed(VARIED), needed(VARIED, secrets=False)
    assert FORMATS[form](known) == FORMATS[form](unknown)
