"""A state's location is a folder or `s3://bucket/prefix`; whatever else looks like an address is
refused, so that no folder is made of a slip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_repl.fleet.history import open_history
from fleet_repl.inventory import located
from fleet_repl.values.errors import Problem, StateError

SLIPS = (
    "s3:/bucket/prefix",
    "s3:bucket/prefix",
    "S3://bucket/prefix",
    "gs://bucket",
    "file:///var/lib/fleet",
    "https://example.org/state",
    "az://container/x",
    "s3+http://bucket",
)


@pytest.mark.parametrize("slip", SLIPS)
def test_what_is_refused(
    slip: str, text: Callable[..., str], problems: Callable[[str], list[Problem]]
) -> None:
    """In the file, with its line; elsewhere by whoever was told it."""
    (problem,) = problems(text(rest=f'[state]\nlocation = "{slip}"'))
    assert (problem.key, problem.message) == (
        "state.location",
        "is neither a folder nor s3://bucket/prefix",
    )
    with pytest.raises(StateError) as caught:
        located(slip)
    assert str(caught.value) == (
        f"the state location {slip!r} is neither a folder nor s3://bucket/prefix\n"
        "    write s3://bucket/prefix or, for a folder of that name, put ./ before it"
    )


@pytest.mark.parametrize("name", ["My_Bucket", "ab", "-abc", "a b", "arn:aws:s3:::b"])
def test_what_is_no_bucket(
    name: str, text: Callable[..., str], problems: Callable[[str], list[Problem]]
) -> None:
    """Offline, and why: not once the first run wants to write there."""
    (problem,) = problems(text(rest=f'[state]\nlocation = "s3://{name}/prefix"'))
    assert (problem.key, problem.message) == (
        "state.location",
        "names a bucket that S3 cannot have",
    )
    with pytest.raises(StateError, match=r"S3 cannot have\n    a bucket's name is "):
        located(f"s3://{name}")


@pytest.mark.parametrize("nothing", ["", "  ", "a\0b", "s3://", "s3:///prefix"])
async def test_no_place_at_all(nothing: str) -> None:
    """Whoever asks for it."""
    with pytest.raises(StateError, match=r"the state location .* names no"):
        async with open_history(nothing):
            pytest.fail("there is nothing to open")


@pytest.mark.parametrize(
    "folder", ["./s3:/bucket", "state", "/var/lib/x", "a:b", "..", "C", "x/gs://y"]
)
def test_what_is_a_folder(folder: str) -> None:
    """Everything that nobody would take for an address."""
    assert located(folder, Path("/here")).folder == Path("/here") / folder
