"""A registry with rules of others: theirs stay to the letter, ours come and go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.links import scopes_of
from tests.support.registries import registry_of

from fleet_repl.ecr.rules import (
    NO_RULES,
    Links,
    Outgoing,
    Replication,
    Rule,
    deletes_of,
    document_of,
    links_of,
    parse_document,
    prefixes_of,
    rules_of,
    within,
)
from fleet_repl.planning.ownership import (
    Cells,
    Merged,
    cells_of,
    merge_additive,
    merge_exclusive,
    narrowed,
    owned_of,
)
from fleet_repl.planning.ownership.cells import both
from fleet_repl.values.canonical_json import JsonObject, canonical_json
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import covers, reduce

ENDS = tuple(map(registry_of, "234"))
PREFIXES = ("", "a/", "a/b/", "c/", "c/d", "e/")
NAMES = ("a/x", "a/b/x", "c/x", "c/dx", "e/x", "z")

prefix_sets = st.lists(st.sampled_from(PREFIXES), min_size=1, max_size=3).map(reduce)
links = st.dictionaries(st.sampled_from(ENDS), prefix_sets, max_size=3)
rules = st.lists(
    st.builds(
        Rule,
        destinations=st.lists(st.sampled_from(ENDS), min_size=1, unique=True).map(tuple),
        prefixes=prefix_sets,
        deletes=st.booleans(),
    ),
    max_size=4,
)


def found_of(rules: list[Rule]) -> Replication:
    return parse_document(document_of(rules))


def only(replication: Replication, wanted: Links, ours: Cells | None = None) -> Merged:
    return merge_exclusive(replication, wanted, wanted, ours, filters=100, force=False)


def merge(replication: Replication, wanted: Links, ours: Cells | None) -> Merged:
    return merge_additive(replication, wanted, wanted, ours, filters=100, force=False)


@st.composite
def wants(draw: Any) -> Links:
    """Links of which those of some destinations carry deletions."""
    asked = draw(links)
    with_deletes = draw(st.sets(st.sampled_from(ENDS)))
    return scopes_of(asked, {item: asked[item] for item in asked if item in with_deletes})


def same_reading(rules: Replication) -> bool:
    """Whether a configuration that was put together means what its document says."""
    read = parse_document(rules.document or NO_RULES)
    return all(
        getattr(rules, member) == getattr(read, member)
        for member in ("document", "links", "may_use", "rules", "unknown")
    )


def written(merged: Merged) -> JsonObject:
    """The document to write."""
    rules = merged.replication()
    assert same_reading(rules)
    assert rules.document is not None
    return rules.document


def _reached(document: JsonObject, *, deletes: bool | None = None) -> set[tuple[Registry, str]]:
    """What a document replicates, read rule by rule."""
    reached = set()
    for raw in rules_of(document):
        read = parse_document({"rules": [raw]})
        if deletes is None or bool(deletes_of(read.links)) is deletes:
            reached |= {
                (end, name)
                for end, some in read.outgoing.items()
                for name in NAMES
                if covers(some, name)
            }
    return reached


def _names(links: Outgoing) -> set[tuple[Registry, str]]:
    return {(end, name) for end, some in links.items() for name in NAMES if covers(some, name)}


def _without_ours(rule: Rule, ours: Outgoing) -> list[Rule]:
    """What of a rule is not ours, link by link."""
    return [
        Rule(destinations=(end,), prefixes=(prefix,), deletes=rule.deletes)
        for end in rule.destinations
        for prefix in rule.prefixes
        if prefix not in ours.get(end, ())
    ]


def _clashing(merged: Merged) -> set[tuple[Registry, str]]:
    return {
        (end, name) for end, prefix in merged.clashes for name in NAMES if name.startswith(prefix)
    }


@given(rules, wants(), links)
def test_theirs_stays_ours_is_exact(replication: list[Rule], wanted: Links, ours: Outgoing) -> None:
    """Afterwards there is what others had and what is asked for, deletions too, and no more."""
    merged = merge(found_of(replication), wanted, ours)
    after = written(merged)
    theirs = document_of([our for rule in replication for our in _without_ours(rule, ours)])
    assert _reached(theirs) <= _reached(after)
    assert _reached(theirs, deletes=True) <= _reached(after, deletes=True)
    asked = _names(prefixes_of(wanted)) - _clashing(merged)
    assert asked <= _reached(after)
    assert _reached(after) <= _reached(theirs) | _names(prefixes_of(wanted))
    deleting = _names(deletes_of(wanted)) - _clashing(merged)
    assert deleting <= _reached(after, deletes=True)
    assert _reached(after, deletes=True) <= (
        _reached(theirs, deletes=True) | _names(deletes_of(wanted))
    )
    # What is asked for without deletions has none, whosever rule it would be.
    silent = asked - _names(deletes_of(wanted))
    assert not silent & _reached(after, deletes=True)
    read = parse_document(after)
    assert read.links == merged.links


@given(rules, wants(), links)
def test_rules_that_are_not_ours_stay_to_the_letter(
    replication: list[Rule], wanted: Links, ours: Outgoing
) -> None:
    """A rule without a link of ours is in the new document as it was, and in its order."""
    document = document_of(replication)
    foreign = [
        canonical_json(raw)
        for rule, raw in zip(replication, rules_of(document), strict=True)
        if all(
            prefix not in ours.get(end, ()) for end in rule.destinations for prefix in rule.prefixes
        )
    ]
    after = merge(found_of(replication), wanted, ours).replication().document
    there = [canonical_json(raw) for raw in rules_of(after)]
    rest = iter(there)
    assert all(item in rest for item in foreign)


@given(rules, wants(), links)
def test_what_was_merged_needs_no_more_changes(
    replication: list[Rule], wanted: Links, ours: Outgoing
) -> None:
    """Merging again, by what is then on record, changes no link and no owner."""
    first = merge(found_of(replication), wanted, ours)
    again = merge(parse_document(written(first)), wanted, first.owned)
    assert again.links == first.links
    assert again.owned == first.owned
    assert again.count <= first.count


@given(rules, st.lists(wants(), min_size=1, max_size=3))
def test_ours_can_be_taken_back(strangers: list[Rule], wishes: list[Links]) -> None:
    """Whatever was asked for in turn: with nothing asked for any more, exactly what others had is
    left, rules with links that a shorter prefix covers included."""
    replication = found_of(strangers)
    owned: Cells = {}
    for wanted in wishes:
        merged = merge(replication, wanted, owned)
        assert _reached(document_of(strangers)) <= _reached(written(merged))
        replication, owned = parse_document(written(merged)), merged.owned
    last = merge(replication, {}, owned)
    assert list(map(canonical_json, rules_of(written(last)))) == list(
        map(canonical_json, rules_of(document_of(strangers)))
    )
    assert last.owned == {}


@given(st.lists(wants(), min_size=1, max_size=2))
def test_what_was_ours_alone_can_be_shared(wishes: list[Links]) -> None:
    """A registry that the fleet had for itself leaves nothing behind once it is shared."""
    replication = parse_document({"rules": []})
    owned: Cells = {}
    for wanted in wishes:
        merged = only(replication, wanted, owned)
        replication, owned = parse_document(written(merged)), merged.owned
    unchanged = only(replication, wishes[-1], owned)
    assert unchanged.owned == owned
    last = merge(replication, {}, owned)
    assert rules_of(written(last)) == ()


@given(wants())
def test_without_a_record_what_is_asked_for_is_ours(wanted: Links) -> None:
    """Every rule that this fleet would have written is recognised, implied links included."""
    replication = parse_document(written(only(parse_document({"rules": []}), wanted)))
    merged = merge(replication, wanted, None)
    assert (merged.kept, merged.clashes) == ((), ())
    assert merged.links == wanted


@given(rules, wants(), links, links)
def test_held_links_leave_others_alone(
    replication: list[Rule], wanted: Links, ours: Outgoing, bounds: Outgoing
) -> None:
    """Leaving links of ours out of a document touches no rule of others, and ours are known."""
    merged = merge(found_of(replication), wanted, ours)
    rest, kept = narrowed(merged.replication(), merged.owned, bounds, filters=100)
    document = rest.document
    assert same_reading(rest)
    assert document is not None
    there = [canonical_json(raw) for raw in rules_of(document)]
    theirs_raw = [raw for raw, _ in merged.kept]
    assert there[: len(merged.kept)] == list(map(canonical_json, theirs_raw))
    assert kept == len(merged.kept)
    theirs: JsonObject = {"rules": theirs_raw}
    left = _names(prefixes_of(within(links_of(merged.rules), bounds)))
    assert _reached(document) == _reached(theirs) | left
    assert _reached(document, deletes=True) <= _reached(written(merged), deletes=True)
    owned = owned_of(rest, merged.replication(), merged.owned)
    last = merge(rest, {}, owned)
    foreign = document_of([our for rule in replication for our in _without_ours(rule, ours)])
    assert _reached(written(last)) == _reached(foreign)


def test_what_was_written_as_planned_is_owned_as_planned() -> None:
    """Nothing was held: the record says what the plan said."""
    first, second = ENDS[:2]
    replication = found_of([Rule(destinations=(first, second), prefixes=("a/",))])
    merged = merge(replication, scopes_of({first: ("a/",), second: ("c/",)}), {first: ("a/",)})
    assert merged.owned == {first: ("a/",), second: ("c/",)}
    assert owned_of(merged.replication(), merged.replication(), merged.owned) == merged.owned


@given(wants())
def test_alone_means_exactly_what_is_asked(wanted: Links) -> None:
    """Where the fleet speaks alone, the document is its links and nothing else."""
    merged = only(parse_document({"rules": []}), wanted)
    read = parse_document(written(merged))
    assert read.outgoing == prefixes_of(wanted)
    assert merged.owned == cells_of(read.rules)
    assert _names(deletes_of(read.links)) == _names(deletes_of(wanted))


def test_a_rule_of_others_that_covers_ours_is_enough() -> None:
    """Nothing is written for a link that somebody else's shorter prefix brings already, and it
    does not become ours."""
    end = ENDS[0]
    replication = found_of([Rule(destinations=(end,), prefixes=("a/",))])
    merged = merge(replication, scopes_of({end: ("a/b/",)}), {})
    assert (written(merged), merged.owned) == (replication.document, {})


def test_other_deletions_than_ours_clash() -> None:
    """A rule of others that covers our link with other deletions is named, not contradicted."""
    end = ENDS[0]
    replication = found_of([Rule(destinations=(end,), prefixes=("a/",), deletes=True)])
    merged = merge(replication, scopes_of({end: ("a/b/", "c/")}), {})
    assert merged.clashes == ((end, "a/b/"),)
    assert merged.owned == {end: ("c/",)}


def test_deletions_are_part_of_being_equal() -> None:
    """Without a record, a rule with other deletions than asked for is somebody else's."""
    end = ENDS[0]
    replication = found_of([Rule(destinations=(end,), prefixes=("a/", "c/"), deletes=True)])
    merged = merge(replication, scopes_of({end: ("a/",)}), None)
    assert merged.clashes == ((end, "a/"),)
    assert written(merged) == replication.document


def test_unknown_fields_go_only_where_somebody_insists() -> None:
    """The rest of such a rule stays; so does one that holds a value of unknown meaning."""
    there = {"destinations": [{"region": "eu-west-1", "registryId": "2" * 12}]}
    unknown: JsonObject = {
        "rules": [
            {**there, "novelty": 1},
            {**there, "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]},
        ]
    }
    merged = merge(parse_document(unknown), {}, {})
    assert written(merged) == {"rules": [there, rules_of(unknown)[1]]}


def test_ours_beneath_a_rule_of_others_is_not_forgotten() -> None:
    """Taking it back would change no link now, but it would once the others have gone."""
    end = ENDS[0]
    replication = found_of(
        [Rule(destinations=(end,), prefixes=("a/",)), Rule(destinations=(end,), prefixes=("",))]
    )
    merged = merge(replication, {}, {end: ("a/",)})
    assert (merged.links, merged.present) == (replication.links, {end: ("a/",)})


def test_what_others_add_in_vain_is_theirs() -> None:
    """A filter that a shorter one of the same rule covers is theirs to the letter."""
    end = ENDS[0]
    replication = found_of([Rule(destinations=(end,), prefixes=("a/", "a/b/"))])
    merged = merge(replication, {}, {end: ("a/",)})
    assert written(merged) == document_of([Rule(destinations=(end,), prefixes=("a/b/",))])
    unchanged = only(replication, scopes_of({end: ("a/",)}), {end: ("a/",)})
    assert unchanged.owned == {end: ("a/",)}


@given(rules, links)
def test_what_is_gone_is_not_ours_any_longer(replication: list[Rule], gone: Outgoing) -> None:
    """Somebody took links of ours away that nobody asks for: the same links, made later by
    somebody else, must not be taken for ours. Each link is on record once."""
    there = found_of(replication)
    owned = only(there, there.links, both(cells_of(there.rules), gone)).owned
    assert owned == cells_of(there.rules)


@pytest.mark.parametrize("deletes", [False, True])
def test_a_link_that_a_rule_of_ours_lists_in_passing_is_ours(deletes: bool) -> None:
    """One rule for two ends may list a prefix that a shorter one covers for the first of them; so
    without a record, nothing of it is taken for somebody else's."""
    first, second = ENDS[:2]
    replication = found_of(
        [
            Rule(destinations=(first, second), prefixes=("a/b/", "c/"), deletes=deletes),
            Rule(destinations=(first,), prefixes=("a/",), deletes=deletes),
        ]
    )
    links: Outgoing = {first: ("a/", "c/"), second: ("a/b/", "c/")}
    merged = merge(replication, scopes_of(links, links if deletes else {}), None)
    assert merged.kept == ()
    other = merge(replication, scopes_of(links, {} if deletes else links), None)
    assert len(other.kept) == 2


@pytest.mark.parametrize("deletes", [False, True])
def test_a_rule_of_which_only_some_links_are_asked_for_is_not_ours_as_a_whole(
    deletes: bool,
) -> None:
    """Every end and every prefix of it is asked for, but not with each other or not with these
    deletions. Without a record the other links are somebody else's, who would lose them."""
    first, second = ENDS[:2]
    replication = found_of(
        [Rule(destinations=(first, second), prefixes=("a/", "c/"), deletes=deletes)]
    )
    crossed: Outgoing = {first: ("a/",), second: ("c/",)}
    for links, deleting in (
        (crossed, crossed if deletes else {}),
        (
            {first: ("a/", "c/"), second: ("a/", "c/")},
            crossed if deletes else {first: ("c/",), second: ("a/",)},
        ),
    ):
        merged = merge(replication, scopes_of(links, deleting), None)
        assert merged.present == crossed
        assert _reached(replication.document or NO_RULES, deletes=deletes) <= _reached(
            written(merged), deletes=deletes
        )
