"""No external id and nothing out of the environment is in any problem, and no id in any repr."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings, strategies as st

from fleet_repl.inventory import Inventory
from fleet_repl.values.errors import InventoryError, Problem

# Letters that no message has in a row, so that finding them proves a leak.
SECRET = st.text("QXZJ", min_size=8, max_size=20)

LITERAL = """\
version = 1
name = "fleet"
routes = []
[aws]
role = "r"
regions = ["us-east-1"]
external_id = "{secret}"
[[accounts]]
id = "111111111111"
external_id = "{secret}"
"""

PLACES = [
    'extrenal_id = "{secret}"',
    'aws.external_id = "{secret} with blanks"',
    'aws.external_id = ["{secret}"]',
    'aws.external_id = {{ value = "{secret}" }}',
    'aws.external_id = "{secret}${{NOT_SET}}"',
    'aws.external_id = "{secret}${{"',
    'aws = [{{ external_id = "{secret}" }}]',
    'accounts = {{ external_id = "{secret}" }}',
    'external = [{{ id = "222222222222", regions = ["eu-west-1"], external_id = "{secret}" }}]',
    'apply = {{ external_id = "{secret}" }}',
    'routes = [[{{ external_id = "{secret}" }}]]',
    'external_id = "{secret}"\nexternal_id = 5',
]

FILLED = [
    'name = "{it}"',
    'accounts = [{{ id = "{it}" }}]',
    'accounts = [{{ id = "1", name = "a\\u0000{it}", regions = ["{it}"], role = "{it} " }}]',
    'accounts = [{{ id = "1", name = "{it}" }}, {{ id = "2", name = "{it}" }}]',
    'accounts = [{{ id = "1", session_duration = "{it}", labels = {{ a = "\\u001b{it}" }} }}]',
    'external = [{{ id = "{it}" }}]',
    'routes = [{{ name = "{it}" }}, {{ name = "{it}" }}]',
    'routes = [{{ from.accounts = "{it}", to.regions = ["{it}"], prefixes = ["{it}*"] }}]',
    'aws = {{ partition = "{it}", profile = "\\u001b{it}", via = ["{it}"], sts_region = "{it}" }}',
    'aws = {{ role = "arn:{it}:iam::{it}:role/{it}", external_id = "{it} " }}',
    'ownership = {{ rules = "{it}", grants = "{it}", create_repositories = "{it}" }}',
    'apply = {{ timeout = "{it}", concurrency = "{it}" }}',
    'aws = {{ regions = "{it}", via = "{it}" }}\naccounts = "{it}"\nexternal = "{it}"',
    'accounts = [{{ id = "{it}-", regions = "{it}", labels = "{it}" }}]',
    'routes = [{{ from = "{it}", to.labels = "{it}", to.not = "{it}", prefixes = "{it}" }}]',
    'safety = {{ max_removals = "{it}", protected = "{it}" }}\nwaves = "{it}"',
    'templates = [{{ prefix = "{it}", tags = "{it}", applied_for = "{it}", kms_key = "{it}" }}]',
    'warnings = {{ acknowledged = ["{it}"] }}',
    'state = {{ location = "gs://{it}", shared = "{it}" }}',
    'limits = "{it}"\nownership = {{ formerly = "{it}", trusted_statements = "{it}" }}',
]


def _exposed(problems: list[Problem]) -> str:
    return f"{problems!r} {[str(problem) for problem in problems]} {InventoryError(problems)}"


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=20)
@given(secret=SECRET)
def test_an_external_id_in_a_file_with_problems(
    place: str, secret: str, problems: Callable[[str], list[Problem]]
) -> None:
    """Wherever it was written, and however wrong."""
    assert secret not in _exposed(problems(place.format(secret=secret)))


@pytest.mark.parametrize("place", FILLED)
@settings(max_examples=20)
@given(secret=SECRET)
def test_a_variable_in_a_file_with_problems(
    place: str, secret: str, problems: Callable[[str, Mapping[str, str]], list[Problem]]
) -> None:
    """A value that was filled in is wrong, and still not shown."""
    problems_ = problems(place.format(it="${IT}"), {"IT": secret})
    assert secret not in _exposed(problems_)


@given(secret=SECRET)
def test_an_external_id_of_a_good_file(load: Callable[[str], Inventory], secret: str) -> None:
    """Not in the repr of the inventory or of anything in it, and never stored."""
    inventory = load(LITERAL.format(secret=secret))
    assert secret not in f"{inventory!r} {inventory} {inventory.lines!r} {inventory.digest}"
    with pytest.raises(TypeError, match="a Secret is never stored"):
        pickle.dumps(inventory)
    with pytest.raises(TypeError):
        json.dumps(inventory.aws.external_id)
