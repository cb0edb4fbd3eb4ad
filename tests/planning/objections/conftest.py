"""Plans of single registries, as far as objections look at them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.changes import change_of
from tests.support.links import rules_for
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import document_of
from fleet_repl.planning.change import Action, LinkEnd, Phase, Resource
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes

Make = Callable[..., RegistryPlan]
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")


def at(number: int) -> Registry:
    return registry_of(number)


@pytest.fixture(scope="session")
def place() -> Callable[[int], Registry]:
    """Number → registry."""
    return at


@pytest.fixture(scope="session")
def losing() -> Make:
    """A registry whose rules change: so many of the links in place go."""

    def make(
        number: int, lost: int, in_place: int, *, narrowed: int = 0, refused: bool = False
    ) -> RegistryPlan:
        ends = [at(900 + end) for end in range(in_place)]
        before: dict[Registry, Prefixes] = dict.fromkeys(ends, ("a/", "b/"))
        after: dict[Registry, Prefixes] = dict.fromkeys(ends[:narrowed], ("a/",))
        after.update(dict.fromkeys(ends[lost:], ("a/", "b/")))
        change = change_of(
            resource=Resource.REPLICATION_CONFIGURATION,
            action=Action.UPDATE,
            phase=Phase.RULES,
            before=document_of(rules_for(before)),
            after=document_of(rules_for(after)),
            links_removed=tuple(
                LinkEnd(registry=end, prefixes=("b/",) if end in after else ("a/", "b/"))
                for end in ends[:lost]
            ),
        )
        return RegistryPlan(
            registry=at(number),
            name=f"team-{number}",
            state=State.CHANGED,
            changes=(change,),
            in_place=in_place,
            error=DENIED if refused else None,
            refused={change.resource: DENIED} if refused else {},
        )

    return make


@pytest.fixture(scope="session")
def idle() -> Make:
    """A registry with nothing to change."""

    def make(number: int, in_place: int = 0) -> RegistryPlan:
        return RegistryPlan(
            registry=at(number), name=f"team-{number}", state=State.UNCHANGED, in_place=in_place
        )

    return make


@pytest.fixture(scope="session")
def unread() -> Make:
    """A registry that could not be read; its account may be a retired one."""

    def make(number: int, *, retired: bool = False) -> RegistryPlan:
        return RegistryPlan(
            registry=at(number),
            name=f"team-{number}",
            state=State.UNREADABLE,
            error=DENIED,
            retired=retired,
            gone=retired,
        )

    return make
