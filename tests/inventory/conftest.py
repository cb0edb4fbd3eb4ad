"""Inventories as texts: what they parse to, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from fleet_repl.inventory import Inventory, parse
from fleet_repl.values.errors import InventoryError, Problem

Load: TypeAlias = Callable[..., Inventory]
Problems: TypeAlias = Callable[..., list[Problem]]
Text: TypeAlias = Callable[..., str]


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the inventory of the test at hand is written."""
    return tmp_path_factory.mktemp("inventory") / "fleet.toml"


@pytest.fixture(scope="session")
def load(file: Path) -> Load:
    """text → inventory, with the environment given by name."""

    def load(text: str, environ: Mapping[str, str] | None = None) -> Inventory:
        file.write_text(text, encoding="utf-8")
        return parse(file, environ=environ or {})

    return load


@pytest.fixture(scope="session")
def problems(load: Load) -> Problems:
    """text → everything wrong with it, under the file's short name; at least one problem."""

    def problems(text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
        with pytest.raises(InventoryError) as raised:
            load(text, environ)
        return [replace(problem, file="fleet.toml") for problem in raised.value.problems]

    return problems


@pytest.fixture(scope="session")
def text() -> Text:
    """A small good inventory, with lines added to its parts."""

    def text(*, top: str = "routes = []", aws: str = "", account: str = "", rest: str = "") -> str:
        return f"""\
version = 1
name = "fleet"
{top}
[aws]
{aws or 'role = "replication"'}
[[accounts]]
id = "111111111111"
name = "build"
labels = {{ tier = "hub" }}
{account or 'regions = ["us-east-1"]'}
{rest}"""

    return text
