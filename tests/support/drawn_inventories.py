"""Inventories as values, drawn at random: whatever a file may say of roles and features."""

from __future__ import annotations

from hypothesis import strategies as st

from fleet_repl.inventory import Account, Aws, External, Inventory, Ownership, Route, Selector
from fleet_repl.inventory.roles import RoleTemplate
from fleet_repl.inventory.settings import located
from fleet_repl.inventory.templates import Template
from fleet_repl.values.names import AccountId, Partition, RoleArn, Secret

EXTERNAL_IDS = tuple(f"s3cr3t-{letter * 12}" for letter in "abc")
_PARTITIONS = st.sampled_from((Partition.AWS, Partition.US_GOV, Partition.CN, Partition.ISO_B))
_NAMES = st.text("abcXYZ0189_+=,.@-", min_size=1, max_size=40)
_FOLDERS = st.text("".join(map(chr, {*range(0x21, 0x7B), 0x7C, 0x7E})), min_size=1, max_size=60)


@st.composite
def _paths(draw: st.DrawFn) -> str:
    """A role's path and name, with `{account}` or without."""
    name = draw(_NAMES) + draw(st.sampled_from(("", "{account}")))
    folders = draw(st.lists(_FOLDERS, max_size=2))
    inner = "/".join((*folders, name)).replace("//", "/").lstrip("/")
    return inner or "fleet"


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """An inventory of 1 to 8 accounts."""
    partition = draw(_PARTITIONS)
    paths = draw(st.lists(_paths(), min_size=1, max_size=3, unique=True))
    ids = draw(st.lists(st.from_regex(r"[0-9]{12}", fullmatch=True), min_size=1, max_size=8))
    accounts = []
    for position, text in enumerate(dict.fromkeys(ids)):
        account = AccountId(text)
        bare = position == 0 and draw(st.booleans())
        path = draw(st.sampled_from(paths)).replace("{account}", account)
        secret = draw(st.sampled_from((None, *EXTERNAL_IDS)))
        accounts.append(
            Account(
                id=account,
                name=account,
                regions=(partition.first_region,),
                role=None if bare else RoleArn(partition=partition, account=account, path=path),
                external_id=None if bare or secret is None else Secret(secret),
                session_seconds=draw(st.sampled_from((900, 3600, 7200, 43200))),
                retired=draw(st.booleans()),
            )
        )
    hub = RoleArn(partition=partition, account=AccountId("999999999999"), path="hubs/one")
    via = draw(
        st.sampled_from(
            (
                (),
                (hub,),
                (hub, RoleArn(partition=partition, account=AccountId("888888888888"), path="two")),
            )
        )
    )
    return Inventory(
        path="fleet.toml",
        digest="sha256:0",
        name=draw(st.sampled_from(("prod", "Fleet.of_all-things"))),
        aws=Aws(partition=partition, via=via),
        accounts=tuple(accounts),
        externals=(External(id=AccountId("777777777777"), name="x", regions=()),),
        routes=tuple(draw(st.lists(_routes(), max_size=2))),
        templates=(*draw(st.lists(_templates(partition), max_size=2)), *draw(_many(partition))),
        ownership=Ownership(grants=draw(st.sampled_from(("managed", "off")))),
        state=located(draw(st.sampled_from((".fleet-repl", "s3://states", "s3://states/a/b/")))),
    )


def _routes() -> st.SearchStrategy[Route]:
    return st.builds(
        Route,
        name=st.just("golden"),
        source=st.just(Selector()),
        destination=st.just(Selector()),
        backfill=st.sampled_from(("off", "new-links")),
    )


def _templates(partition: Partition) -> st.SearchStrategy[Template]:
    roles = st.builds(RoleTemplate, partition=st.just(partition), path=_paths(), account=st.none())
    return st.builds(
        Template,
        name=st.just("t"),
        prefix=st.just("base"),
        select=st.just(Selector()),
        role=st.none() | roles,
        lifecycle_policy=st.sampled_from((None, "{}")),
        repository_policy=st.sampled_from((None, "{}")),
    )


def _many(partition: Partition) -> st.SearchStrategy[tuple[Template, ...]]:
    """More roles of templates than a policy has room for, or no further template."""
    roles = (
        RoleTemplate(partition=partition, path=f"{'x' * 400}/{n}", account=None) for n in range(20)
    )
    templates = tuple(
        Template(name="t", prefix="base", select=Selector(), role=role) for role in roles
    )
    return st.sampled_from(((), templates))
