"""The first inventory: valid for whatever good answers there are."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, strategies as st

from fleet_repl.inventory import parse
from fleet_repl.inventory.starter import StarterAnswers, starter_text
from fleet_repl.values.prefixes import EVERY_REPOSITORY

ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True)
REGIONS = st.sampled_from(["eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2"])
PREFIXES = st.from_regex(r"[a-z]{2,10}/", fullmatch=True)


@st.composite
def answers(draw: st.DrawFn) -> StarterAnswers:
    """Good ones: accounts that differ, regions of one partition."""
    accounts = draw(st.lists(ACCOUNTS, min_size=2, max_size=5, unique=True))
    return StarterAnswers(
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", fullmatch=True)),
        role=draw(st.from_regex(r"(?:[a-z]{1,8}/)?[A-Za-z0-9_+=,.@-]{1,20}", fullmatch=True)),
        regions=tuple(draw(st.lists(REGIONS, min_size=1, unique=True))),
        source=accounts[0],
        destinations=tuple(accounts[1:]),
        prefixes=tuple(draw(st.lists(PREFIXES, max_size=3, unique=True))),
    )


@given(answers())
def test_good_answers_make_a_valid_inventory(given_answers: StarterAnswers) -> None:
    """It says what was answered, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.toml"
        path.write_text(starter_text(given_answers), encoding="utf-8")
        inventory = parse(path, environ={})
    assert inventory.name == given_answers.name
    accounts = [account.id for account in inventory.accounts]
    assert accounts == [given_answers.source, *given_answers.destinations]
    (route,) = inventory.routes
    assert set(route.prefixes) == set(given_answers.prefixes or EVERY_REPOSITORY)
