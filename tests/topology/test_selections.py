"""What `--account`, `--label` and `--region` narrow a command to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from fleet_repl.inventory import Inventory
from fleet_repl.topology import Selection, external_registries, names, registries, select
from fleet_repl.values.errors import SelectionError

FLEET = """
routes = []
[[accounts]]
id = "000000000001"
name = "build"
labels = { tier = "hub", env = "shared" }
[[accounts]]
id = "000000000002"
name = "shop"
labels = { env = "prod" }
regions = ["us-west-2", "us-east-1"]
[[accounts]]
id = "000000000003"
labels = { env = "stage" }
regions = ["eu-west-1"]
[[external]]
id = "000000000009"
name = "partner"
regions = ["eu-west-1"]
"""

SELECTIONS = st.builds(
    Selection,
    accounts=st.lists(st.sampled_from(["build", "000000000001", "shop", "000000000003"])).map(
        tuple
    ),
    labels=st.lists(
        st.sampled_from([("tier", "hub"), ("env", "shared"), ("env", "prod"), ("env", "stage")])
    ).map(tuple),
    regions=st.lists(st.sampled_from(["us-east-1", "us-west-2", "eu-west-1"])).map(tuple),
)


def _definition(inventory: Inventory, selection: Selection) -> set[str]:
    return {
        f"{account.id}/{region}"
        for account in inventory.accounts
        for region in account.regions
        if (not selection.accounts or {account.id, account.name} & {*selection.accounts})
        and (not selection.labels or account.labels.items() & {*selection.labels})
        and (not selection.regions or region in selection.regions)
    }


@given(selection=SELECTIONS)
def test_flags_narrow_and_repeats_widen(
    selection: Selection, load: Callable[[str], Inventory]
) -> None:
    """Repeats of a flag are alternatives, different flags must all match; never nothing."""
    inventory = load(FLEET)
    expected = _definition(inventory, selection)
    if expected:
        assert {str(item) for item in select(inventory, selection)} == expected
    else:
        with pytest.raises(SelectionError, match=r"^no registry is of these accounts"):
            select(inventory, selection)


def test_no_flags_select_every_managed_registry(load: Callable[[str], Inventory]) -> None:
    """And nothing that is external."""
    inventory = load(FLEET)
    assert select(inventory, Selection()) == frozenset(registries(inventory))
    assert not select(inventory, Selection()) & external_registries(inventory)


def test_flags_that_name_nothing(load: Callable[[str], Inventory]) -> None:
    """Each is told, with what was most likely meant."""
    selection = Selection(
        accounts=("biuld", "partner", "nobody", "000000000009"),
        labels=(("env", "prd"), ("colour", "red")),
        regions=("us-west-1", "mars"),
    )
    with pytest.raises(SelectionError) as raised:
        select(load(FLEET), selection)
    assert str(raised.value).splitlines() == [
        'account "partner" is external: nothing of it is managed here',
        'account "000000000009" is external: nothing of it is managed here',
        'no account is called "biuld"; did you mean "build"?',
        'no account is called "nobody"',
        'no account has the label "env=prd"; did you mean "env=prod"?',
        'no account has the label "colour=red"',
        'no account lists the region "us-west-1"; did you mean "us-west-2"?',
        'no account lists the region "mars"',
    ]


def test_registries_and_names(load: Callable[[str], Inventory]) -> None:
    """Managed registries in order; names of everybody."""
    inventory = load(FLEET)
    assert [str(registry) for registry in registries(inventory)] == [
        "000000000001/us-east-1",
        "000000000002/us-east-1",
        "000000000002/us-west-2",
        "000000000003/eu-west-1",
    ]
    assert [str(registry) for registry in external_registries(inventory)] == [
        "000000000009/eu-west-1"
    ]
    assert dict(names(inventory)) == {
        "000000000001": "build",
        "000000000002": "shop",
        "000000000003": "000000000003",
        "000000000009": "partner",
    }
