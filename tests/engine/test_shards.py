"""Which registries are read together by one worker."""

from __future__ import annotations

from hypothesis import given, strategies as st

from fleet_repl.engine.shards import LAST_REGISTRIES, MOST_REGISTRIES, shards_of
from fleet_repl.values.names import AccountId, Region, Registry

ACCOUNTS = st.integers(1, 300).map(lambda number: AccountId(f"{number:012}"))
REGISTRIES = st.frozensets(
    st.builds(Registry, ACCOUNTS, st.sampled_from(("eu-west-1", "us-east-1")).map(Region))
)


@given(REGISTRIES, st.integers(1, 8))
def test_whole_accounts_in_order(registries: frozenset[Registry], width: int) -> None:
    """Every registry is in one shard, and no account in two, so that one session serves each."""
    shards = shards_of(registries, width)
    assert [registry for shard in shards for registry in shard] == sorted(registries)
    accounts = [{registry.account for registry in shard} for shard in shards]
    assert sum(map(len, accounts)) == len({registry.account for registry in registries})


def test_sizes() -> None:
    """A small fleet is spread over all workers. A large one comes in shards that a worker reads in
    seconds, and in small ones at the end."""
    fleet = [Registry(AccountId(f"{number:012}"), Region("eu-west-1")) for number in range(100_000)]
    assert {len(shard) for shard in shards_of(fleet[:2_000], 2)} == {250}
    large = [len(shard) for shard in shards_of(fleet, 2)]
    assert large == sorted(large, reverse=True)
    assert large.count(MOST_REGISTRIES) == 43
    assert large[43:46] == [1_750, 1_531, 1_339]
    assert large[-2] == LAST_REGISTRIES >= large[-1]
    assert len(shards_of(fleet[:3], 8)) == 3
    assert shards_of([], 2) == []
