"""A write of shared rules, made on top of what others have changed: nobody loses anything."""

from __future__ import annotations

from hypothesis import given, strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import Replication, Rule, document_of, parse_document, within
from fleet_repl.planning.ownership import OurPart, SharedWrite, cells_of, listed, owned_of
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import EVERY_REPOSITORY

ENDS = [registry_of(digit) for digit in "23456"]

prefix_sets = st.sampled_from([EVERY_REPOSITORY, ("aa/",), ("aa/", "bb/"), ("bb/",)])
rule_lists = st.lists(
    st.builds(
        Rule,
        destinations=st.sampled_from(ENDS).map(lambda end: (end,)),
        prefixes=prefix_sets,
        deletes=st.booleans(),
    ),
    max_size=3,
)


def parsed(*rules: Rule) -> Replication:
    return parse_document(document_of(rules))


def keys(replication: Replication) -> set[str]:
    return set(listed(replication))


@given(theirs=rule_lists, now_theirs=rule_lists, ours=rule_lists, new_ours=rule_lists)
def test_ours_comes_about_and_theirs_stays(
    theirs: list[Rule], now_theirs: list[Rule], ours: list[Rule], new_ours: list[Rule]
) -> None:
    """Whatever others have made of their rules: either nothing is written, or exactly our part
    changes; the links asked for are those of the plan, and no rule of others is taken for ours."""
    before, after = parsed(*theirs, *ours), parsed(*theirs, *new_ours)
    replication = parsed(*now_theirs, *ours)
    sharing = OurPart(owned=cells_of(new_ours), links=parsed(*new_ours).outgoing)
    write = SharedWrite(before=before, after=after, sharing=sharing)
    rebased = write.rebased(replication)
    if rebased is None:
        return
    assert rebased.document is not None
    written = parse_document(rebased.document)
    assert (rebased.rules, rebased.outgoing) == (written.rules, written.outgoing)
    assert write.is_done(written)
    assert keys(written) - keys(replication) <= keys(after) - keys(before)
    assert keys(replication) - keys(written) <= keys(before) - keys(after)
    if not write.is_done(replication):
        assert within(written.links, sharing.links) == within(after.links, sharing.links)
    owned = owned_of(rebased, after, sharing.owned)
    assert {(end, item) for end, some in owned.items() for item in some} <= {
        (end, item) for end, some in sharing.owned.items() for item in some
    }


@given(theirs=rule_lists, ours=rule_lists, new_ours=rule_lists)
def test_where_nobody_else_was_it_is_the_plans_own_write(
    theirs: list[Rule], ours: list[Rule], new_ours: list[Rule]
) -> None:
    """On top of what the plan saw it comes to what the plan says, unless that is there already."""
    before, after = parsed(*theirs, *ours), parsed(*theirs, *new_ours)
    sharing = OurPart(owned=cells_of(new_ours), links=parsed(*new_ours).outgoing)
    write = SharedWrite(before=before, after=after, sharing=sharing)
    rebased = write.rebased(before)
    assert rebased is not None
    assert rebased.document is not None
    assert keys(parse_document(rebased.document)) == keys(after)


@given(theirs=rule_lists, end=st.sampled_from(ENDS), widened=st.sampled_from(["cc/", "dd/"]))
def test_a_rule_of_ours_that_somebody_has_edited_is_not_gone(
    theirs: list[Rule], end: Registry, widened: str
) -> None:
    """Somebody adds to a rule that the write was to take away. It still holds our link, so the
    write is neither done nor due: only a new plan can tell what to do."""
    ours = Rule(destinations=(end,), prefixes=("ours/",), deletes=False)
    edited = Rule(destinations=(end,), prefixes=(widened, "ours/"), deletes=False)
    before, after = parsed(*theirs, ours), parsed(*theirs)
    write = SharedWrite(before=before, after=after, sharing=OurPart(owned={}, links={}))
    current = parsed(*theirs, edited)
    assert not write.is_done(current)
    assert not write.is_due(current)
    assert write.rebased(current) is None


@given(ours_delete=st.booleans(), theirs_delete=st.booleans())
def test_a_rule_that_ours_cover_stays_somebody_elses(
    *, ours_delete: bool, theirs_delete: bool
) -> None:
    """Somebody adds `aa/bb/` beside our `aa/` after the plan: it is theirs, and not what is left of
    ours where only that much of it is granted."""
    end = ENDS[0]
    wide = Rule(destinations=(end,), prefixes=("aa/",), deletes=ours_delete)
    narrow = Rule(destinations=(end,), prefixes=("aa/bb/",), deletes=theirs_delete)
    planned, owned = parsed(wide), cells_of([wide])
    assert owned_of(parsed(wide, narrow), planned, owned) == owned
    left = parsed(Rule(destinations=(end,), prefixes=("aa/bb/",), deletes=ours_delete))
    assert owned_of(left, planned, owned) == {end: ("aa/bb/",)}
