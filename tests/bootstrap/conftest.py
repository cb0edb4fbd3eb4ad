"""What is printed for an inventory, in each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fleet_repl.inventory import Inventory, parse
from fleet_repl.reports.bootstrap import (
    Bootstrap,
    bootstrap_of,
    cloudformation_text,
    iam_document,
    terraform_text,
)
from fleet_repl.reports.documents.writer import json_text

FORMATS: dict[str, Callable[[Bootstrap], str]] = {
    "cloudformation": cloudformation_text,
    "terraform": terraform_text,
    "iam": lambda bootstrap: json_text(iam_document(bootstrap)),
}
SECRETS = {"FLEET_EXTERNAL_ID": "s3cr3t-of-the-fleet", "LEGACY_EXTERNAL_ID": "s3cr3t-of-one"}

Read: TypeAlias = Callable[..., Inventory]
Needed: TypeAlias = Callable[..., Bootstrap]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """An inventory's text → the inventory; external ids are known where `secrets` says so."""

    def read(text: str, *, secrets: bool = True) -> Inventory:
        path = tmp_path / "fleet.toml"
        path.write_text(text, encoding="utf-8")
        environ = SECRETS if secrets else {}
        return parse(path, environ=environ, routes_required=False, secrets_required=False)

    return read


@pytest.fixture
def needed(read: Read) -> Needed:
    """An inventory's text → what it needs."""

    def needed(text: str, *, secrets: bool = True, **how: Any) -> Bootstrap:
        return bootstrap_of(read(text, secrets=secrets), **how)

    return needed
