"""[organization]: what it means, and what people read who write it wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from fleet_repl.inventory import Inventory
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import RoleArn

DISCOVERED = """\
version = 1
name = "fleet"
routes = []
[aws]
role = "replication"
regions = ["eu-west-1"]
[organization]
"""

SLIPS: Mapping[str, tuple[str, str]] = {
    "another kind of id": (
        'id = "abcde12345"',
        (
            'organization.id: is not the id of an organization (found "abcde12345")\n'
            '    write it like "o-abcde12345"'
        ),
    ),
    "a root as a unit": (
        'ous = ["r-abcd"]',
        (
            'organization.ous[0]: is not the id of an organizational unit (found "r-abcd")\n'
            '    write it like "ou-abcd-11111111"; leave ous out for the whole organization'
        ),
    ),
    "no unit": (
        "ous = []",
        (
            "organization.ous: must not be empty (found [])\n"
            "    list one or more, or leave the key out"
        ),
    ),
    "the name of an account is left out": (
        'exclude = ["sandbox"]',
        'organization.exclude[0]: is not an account id: 12 digits (found "sandbox")',
    ),
    "a label that is there": (
        'labels_from_tags = ["env", "ou"]',
        (
            "organization.labels_from_tags[1]: is a label that every discovered account has "
            'already (found "ou")'
        ),
    ),
    "a pattern that is none": (
        'labels_from_name = "("',
        (
            "organization.labels_from_name: is not a regular expression: missing ), unterminated "
            'subpattern at position 0 (found "(")\n'
            '    write each label as a group: "^(?P<team>[a-z]+)-(?P<env>dev|prod)$"'
        ),
    ),
    "a pattern without a label": (
        'labels_from_name = "^[a-z]+-(dev|prod)$"',
        (
            'organization.labels_from_name: names no label (found "^[a-z]+-(dev|prod)$")\n'
            '    write each label as a group: "^(?P<team>[a-z]+)-(?P<env>dev|prod)$"'
        ),
    ),
    "a pattern that may never end": (
        'labels_from_name = "^(?P<team>([a-z]+-?)+)-prod$"',
        (
            "organization.labels_from_name: can take for ever to find that a name does not match "
            '(found "^(?P<team>([a-z]+-?)+)-prod$")\n'
            '    write no repeat within another: "[a-z-]+" in place of "[a-z]+(-[a-z]+)*"'
        ),
    ),
    "a pattern for a label that is there": (
        'labels_from_name = "(?P<ou_path>.*)"',
        (
            "organization.labels_from_name: names the label ou_path, which every discovered "
            'account has already (found "(?P<ou_path>.*)")'
        ),
    ),
    "a role without its account": (
        'role = "org-reader"',
        (
            'organization.role: is not the ARN of a role (found "org-reader")\n'
            '    write it like "arn:aws:iam::111122223333:role/hub"'
        ),
    ),
    "an unknown key": (
        'ou = ["ou-abcd-11111111"]',
        "organization.ou: is not a known key\n    did you mean ous?",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip(problems: Callable[..., list[Problem]], slip: str) -> None:
    """Each by itself, at its line."""
    line, expected = SLIPS[slip]
    assert [str(problem) for problem in problems(DISCOVERED + line)] == [
        f"fleet.toml:8: {expected}"
    ]


@pytest.mark.parametrize(
    ("aws", "expected"),
    [
        (
            'role = "r"',
            (
                "fleet.toml:4: aws.regions: is missing, and discovered accounts have no other\n"
                '    write regions = ["us-east-1"], or regions = "enabled" to ask each account'
            ),
        ),
        (
            'regions = "enabled"',
            (
                "fleet.toml:4: aws.role: is missing, and discovered accounts have no other\n"
                '    write role = "fleet-replication"'
            ),
        ),
        (
            'regions = "enabled"\nrole = "none"',
            (
                "fleet.toml:6: aws.role: means the base identity, which acts in one account only "
                '(found "none")\n'
                "    name a role that every discovered account has"
            ),
        ),
        (
            'regions = "enabled"\nrole = "arn:aws:iam::111111111111:role/r"',
            (
                "fleet.toml:6: aws.role: is the ARN of one account, and discovered accounts take "
                'it too (found "arn:aws:iam::111111111111:role/r")\n'
                "    write {account} in place of the account id"
            ),
        ),
    ],
)
def test_what_discovered_accounts_lack(
    problems: Callable[..., list[Problem]], aws: str, expected: str
) -> None:
    """Nothing but [aws] can give them a role and regions."""
    text = f'version = 1\nname = "fleet"\nroutes = []\n[aws]\n{aws}\n[organization]\n'
    assert [str(problem) for problem in problems(text)] == [expected]


def test_an_account_is_listed_and_left_out(problems: Callable[..., list[Problem]]) -> None:
    """Both cannot be meant."""
    text = f'{DISCOVERED}exclude = ["111111111111"]\n[[accounts]]\nid = "111111111111"\n'
    assert [str(problem) for problem in problems(text)] == [
        (
            "fleet.toml:8: organization.exclude[0]: is left out here, and listed in accounts[0].id "
            '(line 10) (found "111111111111")'
        )
    ]


def test_what_it_means(load: Callable[..., Inventory]) -> None:
    """No account need be listed; a selector may name any, as nobody knows them yet."""
    inventory = load(
        DISCOVERED.replace("routes = []", "")
        + 'id = "o-abcde12345"\nous = ["ou-abcd-11111111"]\nexclude = ["333333333333"]\n'
        'labels_from_tags = ["env"]\nlabels_from_name = "^(?P<team>[a-z]+)-"\n'
        'role = "arn:aws:iam::999999999999:role/org-reader"\n'
        '[[routes]]\nname = "golden"\nfrom = { accounts = ["hub"] }\nto = {}\n'
    )
    organization = inventory.organization
    assert organization is not None
    assert inventory.needs_discovery
    assert (organization.id, organization.ous) == ("o-abcde12345", ("ou-abcd-11111111",))
    assert (organization.exclude, organization.labels_from_tags) == (("333333333333",), ("env",))
    assert organization.labels_from_name is not None
    assert organization.labels_from_name.pattern == "^(?P<team>[a-z]+)-"
    assert organization.role == RoleArn.parse("arn:aws:iam::999999999999:role/org-reader")


def test_regions_are_asked_for(load: Callable[..., Inventory]) -> None:
    """By the whole fleet, or by one account: such a fleet needs discovery too."""
    text = 'version = 1\nname = "fleet"\nroutes = []\n[aws]\nrole = "r"\nregions = {}\n'
    accounts = '[[accounts]]\nid = "111111111111"\n[[accounts]]\nid = "222222222222"\n'
    everywhere = load(text.format('"enabled"') + accounts + 'regions = ["eu-west-1"]\n')
    assert [(account.asks_regions, account.regions) for account in everywhere.accounts] == [
        (True, ()),
        (False, ("eu-west-1",)),
    ]
    single = load(text.format('["eu-west-1"]') + accounts + 'regions = "enabled"\n')
    assert [account.asks_regions for account in single.accounts] == [False, True]
    assert everywhere.needs_discovery
    assert single.needs_discovery
    assert not load(text.format('["eu-west-1"]') + accounts).needs_discovery


def test_another_word_is_no_region(problems: Callable[..., list[Problem]]) -> None:
    """As before: regions are a list."""
    text = DISCOVERED.replace('["eu-west-1"]', '"all"')
    assert [str(problem) for problem in problems(text)] == [
        'fleet.toml:6: aws.regions: must be a list (found "all")\n    write ["all"]'
    ]
