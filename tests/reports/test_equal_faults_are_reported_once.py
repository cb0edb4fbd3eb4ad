"""Registries that failed in the same way are one paragraph, with one remedy for all of them."""

from __future__ import annotations

from dataclasses import replace

from tests.support.registries import registry_of

from fleet_repl.reports.fault_groups import FailedRegistry, group_faults
from fleet_repl.reports.text.page import Page
from fleet_repl.reports.text.sections import add_faults
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry


def failed(registry: Registry, hint: str | None = None) -> FailedRegistry:
    """A registry whose hint names its account and its region, unless it is another hint."""
    fault = Fault(
        kind=FaultKind.REGION_DISABLED,
        operation="DescribeRegistry",
        message="invalid",
        code="UnrecognizedClientException",
        request_id="r-1",
        hint=hint or f"enable it:\naws account enable {registry.account} {registry.region}",
    )
    return FailedRegistry(registry=registry, name=f"a{int(registry.account)}", fault=fault)


def test_a_remedy_of_many_accounts_is_in_general_words() -> None:
    """A role that is missing in 5,000 accounts is one thing to mend."""
    (group,) = group_faults(failed(registry_of(number)) for number in range(1, 5_001))
    assert len(group.members) == 5_000
    assert group.hint == "enable it:\naws account enable ACCOUNT REGION"


def test_a_remedy_of_one_registry_can_be_pasted_as_it_is() -> None:
    """With its account and its region; other remedies make other groups."""
    groups = group_faults([failed(registry_of(1)), failed(registry_of(2), "wait")])
    assert [group.hint for group in groups] == [
        f"enable it:\naws account enable {registry_of(1).account} eu-west-1",
        "wait",
    ]


def test_what_to_paste_stands_on_lines_of_its_own() -> None:
    """Below the sentence, as doctor has it."""
    page = Page()
    add_faults(page, "Failed", [failed(registry_of(1)), failed(registry_of(2))])
    assert page.render(colour=False) == (
        "Failed: 2 registries\n"
        "  region-disabled at DescribeRegistry: 2 registries in 2 accounts\n"
        "    000000000001 eu-west-1 (a1): invalid (UnrecognizedClientException) [request r-1]\n"
        "    000000000002 eu-west-1 (a2): invalid (UnrecognizedClientException) [request r-1]\n"
        "    → enable it:\n"
        "      aws account enable ACCOUNT REGION\n"
    )


def test_one_answer_for_several_regions_is_one_line() -> None:
    """The role of an account is asked for once; that it is refused holds in all of its regions."""
    refused = replace(
        failed(registry_of(1)).fault,
        kind=FaultKind.ACCESS_DENIED,
        operation="AssumeRole",
        hint="wait",
    )
    regions = ("eu-west-1", "us-east-1", "us-west-2")
    registries = [
        FailedRegistry(registry=registry_of(1, region), name="build", fault=refused)
        for region in regions
    ]
    another = replace(refused, request_id="r-2")
    page = Page()
    add_faults(
        page,
        "Failed",
        [*registries, FailedRegistry(registry=registry_of(2), name="shop", fault=another)],
    )
    assert page.render(colour=False) == (
        "Failed: 4 registries\n"
        "  access-denied at AssumeRole: 4 registries in 2 accounts\n"
        "    000000000001 eu-west-1 (build), and in us-east-1, us-west-2: invalid "
        "(UnrecognizedClientException) [request r-1]\n"
        "    000000000002 eu-west-1 (shop): invalid (UnrecognizedClientException) [request r-2]\n"
        "    → wait\n"
    )
