"""Which registries get which creation templates, and what only shows once they are known."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.registries import registry_of

from fleet_repl.topology import Topology

Connected = Callable[[str], Topology]

ACCOUNTS = """\
routes = []
[[accounts]]
id = "000000000002"
name = "shop"
labels = { env = "prod" }
regions = ["us-east-1", "us-west-2"]
[[accounts]]
id = "000000000003"
name = "search"
labels = { env = "prod" }
[[accounts]]
id = "000000000004"
name = "old"
labels = { env = "old" }
state = "retired"
"""
SHOP_EAST, SHOP_WEST = (registry_of(2, region) for region in ("us-east-1", "us-west-2"))
SEARCH = registry_of(3, "us-east-1")


def template(name: str, prefix: str, select: str, more: str = "") -> str:
    return f'[[templates]]\nname = "{name}"\nprefix = "{prefix}"\nselect = {{ {select} }}\n{more}\n'


def test_each_registry_has_its_own(connected: Connected) -> None:
    """By prefix; a registry that no template selects is missing."""
    topology = connected(
        ACCOUNTS
        + template("z", "zoo", "regions = 'us-east-1'")
        + template("b", "base", "accounts = 'shop'")
    )
    names = {
        registry: [template.name for template in some]
        for registry, some in topology.templates.items()
    }
    assert topology.problems == ()
    assert names == {SHOP_EAST: ["b", "z"], SHOP_WEST: ["b"], SEARCH: ["z"]}


def test_none_is_none(connected: Connected) -> None:
    """An inventory without templates gives nobody any."""
    assert connected(ACCOUNTS).templates == {}


def test_two_for_one_prefix(connected: Connected) -> None:
    """`base` and `base/` are one prefix; the registries that two select are named."""
    text = (
        ACCOUNTS
        + template("first", "base/", "regions = 'us-east-1'")
        + template("second", "base", "labels.env = 'prod'")
        + template("third", "base/team", "")
    )
    assert [str(problem) for problem in connected(text).problems] == [
        (
            "fleet.toml:26: templates[1].prefix: template first has the prefix base already, and a "
            "registry has one template for each; both select 000000000002/us-east-1 (shop) and 1 "
            "other registry\n"
            "    narrow `select` of one of them, or give them different prefixes"
        )
    ]


def test_the_same_prefix_elsewhere(connected: Connected) -> None:
    """Two templates for one prefix are fine where no registry gets both."""
    text = (
        ACCOUNTS
        + template("first", "base", "accounts = 'shop'")
        + template("second", "base", "accounts = 'search'")
    )
    assert connected(text).problems == ()


def test_nothing_is_selected(connected: Connected) -> None:
    """An empty match is a slip, with what it nearly matched."""
    text = ACCOUNTS + template("t", "base", "labels.env = 'prd'")
    assert [str(problem) for problem in connected(text).problems] == [
        (
            "fleet.toml:22: templates[0].select: matches no registry: no account has env = "
            '"prd" (did you mean "prod"?)\n'
            "    compare its conditions with the labels and regions of the accounts"
        )
    ]


def test_only_retired_accounts_are_selected(connected: Connected) -> None:
    """That is no slip: the template has only outlived them."""
    topology = connected(ACCOUNTS + template("t", "base", "labels.env = 'old'"))
    assert topology.problems == ()
    assert topology.templates == {}


def test_a_role_of_one_account(connected: Connected) -> None:
    """ECR assumes a role of the registry's own account."""
    role = 'role = "arn:aws:iam::000000000002:role/ecr"'
    text = ACCOUNTS + template("t", "base", "labels.env = 'prod'", role)
    assert [str(problem) for problem in connected(text).problems] == [
        (
            "fleet.toml:23: templates[0].role: is the ARN of a role in 000000000002, and ECR takes "
            "only one of the registry's own account; `select` matches 000000000003/us-east-1 "
            "(search)\n    write {account} in place of the account id"
        )
    ]
    assert connected(ACCOUNTS + template("t", "base", "accounts = 'shop'", role)).problems == ()


def test_a_key_in_one_region(connected: Connected) -> None:
    """ECR takes a key in the registry's own region; its account may be another one."""
    key = 'role = "r"\nencryption = "kms"\nkms_key = "arn:aws:kms:us-east-1:000000000009:key/k"'
    text = ACCOUNTS + template("t", "base", "", key)
    assert [str(problem) for problem in connected(text).problems] == [
        (
            "fleet.toml:25: templates[0].kms_key: is a key in us-east-1, and ECR takes only one in "
            "the registry's own region; `select` matches 000000000002/us-west-2 (shop)\n"
            "    write {region} in place of the region; a multi-Region key has the same id in each"
        )
    ]
    assert connected(text.replace(":us-east-1:", ":{region}:")).problems == ()
