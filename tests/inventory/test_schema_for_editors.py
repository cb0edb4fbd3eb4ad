"""The JSON Schema that editors get: complete, and of one mind with the parser."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import jsonschema
import pytest

from fleet_repl.inventory import Inventory, json_schema
from fleet_repl.values.errors import Problem

BAD = {
    "a number as id": {"account": 'id = 111111111111\nregions = ["us-east-1"]'},
    "an id of 11 digits": {"rest": '[[external]]\nid = "11111111111"\nregions = ["eu-west-1"]'},
    "an unknown key": {"account": 'regions = ["us-east-1"]\ncolour = "red"'},
    "an unknown table": {"rest": "[safty]"},
    "a number without its percent sign": {"rest": '[safety]\nmax_removals = "30"'},
    "more than all": {"rest": '[safety]\nmax_changed = "100.1%"'},
    "a share without quotes": {"rest": "[safety]\nmax_unreadable = 0.2"},
    "less than nothing": {"rest": "[safety]\nmax_removals = -1"},
    "one selector for a list": {"rest": "[safety]\nprotected = {}"},
    "no acknowledgement in the list": {"rest": "[warnings]\nacknowledged = []"},
    "no selector in the list": {"rest": "[safety]\nprotected = []"},
    "a wave without select": {"rest": '[[waves]]\nname = "a"'},
    "no wave in the list": {"top": "routes = []\nwaves = []"},
    "no routes": {"top": ""},
    "a region that is none": {"account": 'regions = ["US East"]'},
    "no region in the list": {"account": "regions = []"},
    "an external account without regions": {"rest": '[[external]]\nid = "222222222222"'},
    "a partition that is none": {"aws": 'role = "r"\npartition = "azure"'},
    "a duration without unit": {"rest": '[apply]\ntimeout = "30"'},
    "a number as duration": {"rest": "[apply]\ntimeout = 30"},
    "no concurrency": {"rest": "[apply]\nconcurrency = 0"},
    "an unknown mode": {"rest": '[ownership]\nrules = "addictive"'},
    "a wildcard": {
        "top": "",
        "rest": '[[routes]]\nname = "r"\nfrom = {}\nto = {}\nprefixes = ["base/*"]',
    },
    "a short prefix": {
        "top": "",
        "rest": '[[routes]]\nname = "r"\nfrom = {}\nto = {}\nprefixes = ["b"]',
    },
    "no prefix in the list": {
        "top": "",
        "rest": '[[routes]]\nname = "r"\nfrom = {}\nto = {}\nprefixes = []',
    },
    "a name with a wildcard": {
        "top": "",
        "rest": '[[routes]]\nname = "r"\nfrom = {}\nto = {}\nonly = ["base/*"]',
    },
    "an objective without its sign": {
        "top": "",
        "rest": '[[routes]]\nname = "r"\nfrom = {}\nto = {}\ncomplete = "100"',
    },
    "a route to nowhere": {"top": "", "rest": '[[routes]]\nname = "r"\nfrom = {}'},
    "an empty selector list": {
        "top": "",
        "rest": '[[routes]]\nname = "r"\nfrom = { accounts = [] }\nto = {}',
    },
}


def _is_valid(text: str) -> bool:
    validator = jsonschema.Draft202012Validator(json_schema())
    return bool(validator.is_valid(tomllib.loads(text)))


def test_it_is_a_schema() -> None:
    """Of the draft it names, and under its own title."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "fleet-repl inventory, version 1"
    assert "$id" not in schema


def test_every_key_is_described() -> None:
    """An editor has a title and a sentence for each key, and refuses all others."""
    schema = json_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    tables = [schema, *definitions.values()]
    assert len(tables) == 16
    for table in tables:
        assert table["additionalProperties"] is False
        for key, about in table["properties"].items():
            shown = {**definitions.get(about.get("$ref", "").rpartition("/")[2], {}), **about}
            assert shown["title"], key
            assert shown["description"].endswith("."), key


def test_null_is_nowhere() -> None:
    """TOML has no null, so no editor shall offer it."""
    assert "null" not in str(json_schema())


def test_a_small_good_file(text: Callable[..., str]) -> None:
    """What the parser takes, the schema takes."""
    assert _is_valid(text())


def test_references_are_valid_anywhere(text: Callable[..., str]) -> None:
    """What a variable will hold is not known in an editor."""
    aws = 'role = "r"\npartition = "${P}"\nregions = ["${R}"]\nexternal_id = "${X}"'
    rest = '[ownership]\ngrants = "${G}"\n[apply]\ntimeout = "${T}s"\n'
    rest += '[safety]\nmax_changed = "${C}"\n[[external]]\n'
    assert _is_valid(text(aws=aws, rest=rest + 'id = "${A}"\nregions = ["${R}"]'))


@pytest.mark.parametrize("bad", BAD)
def test_typical_slips(
    bad: str,
    text: Callable[..., str],
    problems: Callable[[str], list[Problem]],
    load: Callable[[str], Inventory],
) -> None:
    """The editor underlines what the parser would refuse."""
    written = text(**BAD[bad])
    if bad == "a number as id":
        written = written.replace('id = "111111111111"\n', "")
    assert not _is_valid(written)
    assert problems(written)
