"""Creation templates that a run has written, as they were before it."""

from __future__ import annotations

import pytest
from tests.support.changes import change_of
from tests.support.registries import registry_of
from tests.support.rollbacks import Fleet, Simulation

from fleet_repl.planning.change import Action, Phase, Resource
from fleet_repl.planning.ownership import Applied
from fleet_repl.planning.plan import RegistryPlan, State
from fleet_repl.values.canonical_json import JsonObject, short_hash
from fleet_repl.values.errors import FaultKind

SHOP = registry_of("2")
TEMPLATES = Resource.CREATION_TEMPLATE
OURS = f"FleetRepl{short_hash('prod')} fleet-repl prod: apps"


def template(prefix: str, mutability: str = "MUTABLE", description: str = OURS) -> JsonObject:
    return {
        "prefix": prefix,
        "description": description,
        "imageTagMutability": mutability,
        "appliedFor": ["REPLICATION"],
    }


def as_read(template_: JsonObject) -> JsonObject:
    """As DescribeRepositoryCreationTemplates tells it."""
    return {
        **template_,
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "resourceTags": [],
        "createdAt": 1,
        "updatedAt": 2,
    }


MADE = template("made/")
NEW = template("kept/", "IMMUTABLE")
OLD = as_read(template("kept/"))
GONE = as_read(template("gone/"))


@pytest.fixture
def fleet(simulation: Simulation) -> Fleet:
    """A run has created one template, changed another and deleted a third."""
    fleet = simulation.fleet()
    fleet.record = {SHOP: Applied(templates=("kept/", "made/"))}
    fleet.aws.templates[SHOP] = (as_read(MADE), as_read(NEW))
    writes = [
        (Action.CREATE, None, MADE),
        (Action.UPDATE, OLD, NEW),
        (Action.DELETE, GONE, None),
    ]
    changes = tuple(
        change_of(
            resource=TEMPLATES, action=action, phase=Phase.TEMPLATES, before=before, after=after
        )
        for action, before, after in writes
    )
    shop = RegistryPlan(registry=SHOP, name="shop", state=State.CHANGED, changes=changes)
    plan = simulation.plan_of((shop,))
    fleet.past = simulation.past_of(
        "20261123T120000Z-abcdef", plan, [(SHOP, change) for change in changes]
    )
    return fleet


def test_each_is_made_what_it_was(fleet: Fleet) -> None:
    """In place of what is there now, deletions last; empty members and times are not sent."""
    (shop,) = fleet.take_back(fleet.past, fleet.desired({})).registries
    assert shop.error is None
    sent = [(change.action, (change.after.document or {}).get("prefix")) for change in shop.changes]
    assert sent == [(Action.CREATE, "gone/"), (Action.UPDATE, "kept/"), (Action.DELETE, None)]
    assert shop.changes[0].after.document == {
        **template("gone/"),
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
    assert {change.phase for change in shop.changes} == {Phase.TEMPLATES}
    assert shop.owned.templates == ("gone/", "kept/")


def test_what_is_as_it_was_needs_nothing(fleet: Fleet) -> None:
    """Times apart, of course."""
    fleet.aws.templates[SHOP] = ({**OLD, "updatedAt": 9}, GONE)
    (shop,) = fleet.take_back(fleet.past, fleet.desired({})).registries
    assert (shop.state, shop.changes, shop.error) == (State.UNCHANGED, (), None)


def test_templates_that_were_changed_since_stay(fleet: Fleet) -> None:
    """All of the registry's, unless somebody insists."""
    fleet.aws.templates[SHOP] = (as_read(MADE), as_read(template("kept/", "IMMUTABLE", OURS + "!")))
    (shop,) = fleet.take_back(fleet.past, fleet.desired({})).registries
    assert shop.refused[TEMPLATES].message == (
        "its creation templates were changed by someone else, since run 20261123T120000Z-abcdef, "
        "which is to be rolled back; the registry is left as it is"
    )
    (shop,) = fleet.take_back(fleet.past, fleet.desired({}), force=True).registries
    assert shop.refused == {}


@pytest.mark.parametrize(
    ("present", "kind"),
    [
        (template("kept/", "IMMUTABLE", "somebody else's"), FaultKind.CONFLICT),
        ({**template("kept/", "IMMUTABLE"), "novelty": 1}, FaultKind.UNKNOWN_FIELDS),
    ],
)
def test_what_is_not_ours_or_not_known_stays_even_with_force(
    fleet: Fleet, present: JsonObject, kind: FaultKind
) -> None:
    """The mark decides, whatever the run did once."""
    fleet.aws.templates[SHOP] = (as_read(MADE), as_read(present))
    (shop,) = fleet.take_back(fleet.past, fleet.desired({}), force=True).registries
    assert shop.refused[TEMPLATES].kind is kind
    assert shop.refused[TEMPLATES].message.startswith("the creation template for kept/ ")


def test_one_that_is_gone_is_named_as_it_was(fleet: Fleet, simulation: Simulation) -> None:
    """Nothing is there by whose name it could be called."""
    change = change_of(
        resource=TEMPLATES,
        action=Action.DELETE,
        phase=Phase.TEMPLATES,
        before={**GONE, "novelty": 1},
        after=None,
    )
    shop = RegistryPlan(registry=SHOP, name="shop", state=State.CHANGED, changes=(change,))
    past = simulation.past_of(
        "20261123T120000Z-abcdef", simulation.plan_of((shop,)), [(SHOP, change)]
    )
    (shop,) = fleet.take_back(past, fleet.desired({})).registries
    assert shop.refused[TEMPLATES].message == (
        "the creation template for gone/ has fields that are not known here, and is left as it "
        "is: novelty"
    )


def test_templates_that_could_not_be_read_are_reported(fleet: Fleet) -> None:
    """Nothing is decided about what nobody knows."""
    fleet.aws.templates[SHOP] = None
    (shop,) = fleet.take_back(fleet.past, fleet.desired({})).registries
    assert shop.changes == ()
    assert shop.fails
    assert shop.refused[TEMPLATES].message == "its creation templates were not read"
