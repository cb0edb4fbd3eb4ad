"""The AWS SDK knows one event loop; whoever runs another is told before anything else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

import fleet_repl
from fleet_repl.sandbox import serve, world_of

FLEET = """\
version = 1
name = "prod"
routes = []
[aws]
role = "repl"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[state]
location = "s3://bucket/prefix"
"""
OPENED: dict[str, Callable[[fleet_repl.Inventory], AbstractAsyncContextManager[object]]] = {
    "connect": fleet_repl.connect,
    "open_history": fleet_repl.open_history,
    "serve": lambda inventory: serve(world_of(inventory)),
}


@pytest.mark.parametrize("name", OPENED)
def test_another_loop_gets_an_error_that_says_what_is_needed(name: str, tmp_path: Path) -> None:
    """No loop of asyncio runs, as under trio: the first step is made by hand."""
    path = tmp_path / "fleet.toml"
    path.write_text(FLEET)
    opening = OPENED[name](fleet_repl.load_inventory(path)).__aenter__()
    with pytest.raises(fleet_repl.FleetError) as caught:
        opening.__await__().send(None)
    assert str(caught.value) == (
        "this event loop is not asyncio's, which the AWS SDK needs\n"
        "    run it with asyncio.run(main()), or with anyio.run(main), whose default it is"
    )
