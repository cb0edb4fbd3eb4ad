"""Repository filters: read from ECR's JSON, held as texts, and spelled as ECR takes them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from fleet_repl.ecr.rules import document_of, links_of, parse_document
from fleet_repl.ecr.rules.filters import FILTER_MEMBERS, FilterType, RepositoryFilter
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import Json, JsonObject

texts = st.from_regex(limits.FILTER_PATTERN, fullmatch=True).filter(
    lambda text: limits.FILTER_LENGTH[0] <= len(text) <= limits.FILTER_LENGTH[1]
)
filters = st.builds(RepositoryFilter, st.sampled_from(FilterType), texts)


@given(filters)
def test_a_filter_is_read_as_it_was_spelled(repository_filter: RepositoryFilter) -> None:
    """ECR's JSON and the text that links hold both give the same filter back."""
    document = repository_filter.document()
    assert RepositoryFilter.read(document) == repository_filter
    assert RepositoryFilter.of_text(repository_filter.text) == repository_filter
    assert tuple(document) == FILTER_MEMBERS


def test_a_prefix_is_spelled_as_ecr_documents_it() -> None:
    """To the letter, with a type that is a plain string."""
    document = RepositoryFilter.of_text("base/").document()
    assert document == {"filter": "base/", "filterType": "PREFIX_MATCH"}
    assert type(document["filterType"]) is str


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"filter": "base/"},
        {"filterType": "PREFIX_MATCH"},
        {"filter": 7, "filterType": "PREFIX_MATCH"},
        {"filter": "base/", "filterType": "prefix_match"},
        {"filter": "base/*", "filterType": "WILDCARD"},
        {"filter": "base/", "filterType": ["PREFIX_MATCH"]},
    ],
)
def test_a_filter_of_unknown_meaning_is_none_of_ours(item: dict[str, Json]) -> None:
    """Nobody can tell what it selects: its rule is kept, makes no sure link, and may use all."""
    assert RepositoryFilter.read(item) is None
    rule: JsonObject = {
        "destinations": [{"region": "eu-west-1", "registryId": "2" * 12}],
        "repositoryFilters": [item],
    }
    replication = parse_document({"rules": [rule]})
    assert replication.links == {}
    assert set(replication.may_use.values()) == {("",)}
    assert [raw for _, raw in replication.unknown_rules] == [rule]


@given(st.lists(texts, min_size=1))
def test_rules_hold_the_texts_of_their_filters(listed: list[str]) -> None:
    """What is written is read back, filter by filter."""
    rule: JsonObject = {
        "destinations": [{"region": "eu-west-1", "registryId": "2" * 12}],
        "repositoryFilters": [RepositoryFilter.of_text(text).document() for text in listed],
    }
    (read,) = parse_document({"rules": [rule]}).rules
    assert read.prefixes == tuple(sorted(set(listed)))
    assert links_of(parse_document(document_of([read])).rules) == links_of([read])
