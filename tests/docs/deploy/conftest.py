"""The files in docs/deploy, and what the command line makes of the commands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import typer
import yaml

from fleet_repl.cli.app import app

DEPLOY = Path(__file__).parents[3] / "docs" / "deploy"

Parse: TypeAlias = Callable[[list[str]], dict[str, Any]]
Containers: TypeAlias = Callable[[], Iterator[tuple[str, dict[str, Any]]]]


@pytest.fixture(scope="session")
def deploy() -> Path:
    return DEPLOY


@pytest.fixture(scope="session")
def parse() -> Parse:
    """A command line after `fleet-repl`, as its options; typer's error for one that is wrong."""
    group: Any = typer.main.get_command(app)

    def parsed(args: list[str]) -> dict[str, Any]:
        with group.make_context("fleet-repl", list(args), resilient_parsing=True) as context:
            name, command, rest = group.resolve_command(context, list(args))
            with command.make_context(name, rest, parent=context) as made:
                flags: dict[str, Any] = {"command": name, **made.params}
                return flags

    return parsed


@pytest.fixture(scope="session")
def manifests() -> dict[str, dict[str, Any]]:
    """The Kubernetes manifests by kind."""
    read = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((DEPLOY / "kubernetes").iterdir())
    ]
    return {item["kind"]: item for item in read}
