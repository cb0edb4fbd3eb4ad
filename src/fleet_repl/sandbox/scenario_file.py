"""Reads a scenario file: TOML in, a `Scenario` or every problem of the file out."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fleet_repl.inventory.regular_files import MIB, read_regular
from fleet_repl.sandbox.scenario import Scenario
from fleet_repl.values.errors import ScenarioError

LARGEST: Final = 64 * MIB
"""Bytes of a scenario."""


def load_scenario(path: str | Path) -> Scenario:
    """The scenario of a TOML file.

    Raises ScenarioError with one line per problem: file, key, what is wrong, what was found.
    """
    document = _document(Path(path))
    try:
        # Strict JSON is TOML's own notion of types: no "0.2" for a number, but lists for tuples.
        scenario = Scenario.model_validate_json(json.dumps(document, default=str), strict=True)
    except ValidationError as error:
        problems = [f"{path}: {_problem(detail)}" for detail in error.errors(include_url=False)]
        raise ScenarioError("\n".join(problems)) from None
    scenario._file = str(path)
    return scenario


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(read_regular(path, most=LARGEST).decode())
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path}: not TOML: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error


def _problem(detail: ErrorDetails) -> str:
    key = _key_path(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key"
        case "missing":
            return f"{key}: is missing"
        case "value_error":
            message = detail["msg"].removeprefix("Value error, ")
        case _:
            message = detail["msg"][:1].lower() + detail["msg"][1:]
    value = detail["input"]
    shown = f" (found {json.dumps(value)})" if isinstance(value, str | int | float) else ""
    return f"{key}: {message}{shown}"


def _key_path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
