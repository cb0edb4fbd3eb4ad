"""A good file becomes the frozen value that the rest of the program works on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from fleet_repl.inventory import (
    Account,
    Amount,
    Apply,
    Aws,
    External,
    Inventory,
    Limits,
    Match,
    Ownership,
    Route,
    Safety,
    Selector,
    State,
    Wave,
)
from fleet_repl.values.names import AccountId, Partition, Region, RoleArn, Secret

FULL = """\
version = 1
name = "prod"

[aws]
partition = "aws"
profile = "platform"
sts_region = "eu-west-1"
via = ["arn:aws:iam::999999999999:role/org/hub"]
role = "ci/replication"
external_id = "abc"
session_duration = "45m"
regions = ["us-east-1", "eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build \u00fcber [bold]"
labels = { tier = "hub" }
external_id = "xyz"
session_duration = "2h"
rules = "additive"

[[accounts]]
id = "000000000000"
regions = ["sa-east-1"]
role = "arn:aws:iam::000000000000:role/own"
state = "retired"

[[accounts]]
id = "222222222222"
name = "222222222222"
role = "none"
trusted_statements = ["Only here", "FleetReplOfOthers"]

[[external]]
id = "444444444444"
name = "partner"
regions = ["eu-west-1"]

[[routes]]
name = "golden"
from = { accounts = ["build \u00fcber [bold]", "000000000000"], same_account = false }
to = { labels = { env = ["prod", "stage"], tier = "x" }, not = { regions = "sa-east-1" } }
prefixes = ["golden/", "base/", "base/images/", "base/"]
exclude = ["golden/old", "base/private/"]
new_repositories = "leave"
complete = "99.5%"
deliver_within = "1h30m"

[[routes]]
name = "out"
from = {}
to = { accounts = "partner", regions = ["eu-west-1"], same_region = true }
replicate_deletes = true
backfill = "new-links"
only = ["base/java", "base/go"]

[ownership]
rules = "exclusive"
grants = "off"
create_repositories = false
formerly = ["old", "older", "old"]
trusted_statements = ["OrgPerimeter", "OrgPerimeter"]

[[waves]]
name = "canary"
select = { labels = { tier = "hub" } }
max_failures = "12.5%"
pause = "1h30m"

[[waves]]
name = "others"
select = { not = { accounts = "222222222222" } }
max_failures = 3

[safety]
max_removals = 7
max_changed = "99.9%"
max_unreadable = "0%"
protected = [{ accounts = "222222222222" }, { regions = "sa-east-1" }]

[state]
location = "kept/here"

[apply]
concurrency = 1
sts_rate = 0.5
attempts = 3
timeout = "50s"
deadline = "1h30m10s"

[limits]
rules = 10
destinations = 50
filters = 20
policy_bytes = 20000
"""


def _role(account: str, path: str) -> RoleArn:
    return RoleArn(partition=Partition.AWS, account=AccountId(account), path=path)


def test_everything_that_can_be_said(load: Callable[[str], Inventory]) -> None:
    """Names are ids, durations seconds, roles ARNs; sessions behind `via` end after an hour."""
    default = (Region("us-east-1"), Region("eu-west-1"))
    inventory = load(FULL)
    assert inventory == Inventory(
        path=inventory.path,
        digest=inventory.digest,
        name="prod",
        aws=Aws(
            profile="platform",
            sts_region=Region("eu-west-1"),
            via=(_role("999999999999", "org/hub"),),
            external_id=Secret("abc"),
        ),
        accounts=(
            Account(
                id=AccountId("111111111111"),
                name="build \u00fcber [bold]",
                regions=default,
                labels={"tier": "hub"},
                role=_role("111111111111", "ci/replication"),
                external_id=Secret("xyz"),
                session_seconds=3600,
                rules="additive",
            ),
            Account(
                id=AccountId("000000000000"),
                name="000000000000",
                regions=(Region("sa-east-1"),),
                role=_role("000000000000", "own"),
                external_id=Secret("abc"),
                session_seconds=2700,
                retired=True,
            ),
            Account(
                id=AccountId("222222222222"),
                name="222222222222",
                regions=default,
                role=None,
                session_seconds=2700,
                trusted_statements=("Only here", "FleetReplOfOthers"),
            ),
        ),
        externals=(
            External(id=AccountId("444444444444"), name="partner", regions=(Region("eu-west-1"),)),
        ),
        routes=(
            Route(
                name="golden",
                source=Selector(
                    match=Match(
                        accounts=frozenset({AccountId("111111111111"), AccountId("000000000000")})
                    )
                ),
                destination=Selector(
                    match=Match(
                        labels={"env": frozenset({"prod", "stage"}), "tier": frozenset({"x"})}
                    ),
                    exclude=Match(regions=frozenset({Region("sa-east-1")})),
                ),
                prefixes=("base/", "golden/"),
                exclude=("golden/old", "base/private/"),
                new_repositories="leave",
                complete=Fraction(199, 200),
                deliver_within=5400,
            ),
            Route(
                name="out",
                source=Selector(),
                destination=Selector(
                    match=Match(
                        accounts=frozenset({AccountId("444444444444")}),
                        regions=frozenset({Region("eu-west-1")}),
                    ),
                    same_region=True,
                ),
                replicate_deletes=True,
                backfill="new-links",
                only=("base/java", "base/go"),
            ),
        ),
        ownership=Ownership(
            grants="off",
            create_repositories=False,
            formerly=("old", "older"),
            trusted_statements=("OrgPerimeter",),
        ),
        apply=Apply(concurrency=1, sts_rate=0.5, attempts=3, timeout=50, deadline=5410),
        waves=(
            Wave(
                name="canary",
                select=Selector(match=Match(labels={"tier": frozenset({"hub"})})),
                max_failures=Amount(percent=Fraction(25, 2)),
                pause=5400,
            ),
            Wave(
                name="others",
                select=Selector(exclude=Match(accounts=frozenset({AccountId("222222222222")}))),
                max_failures=Amount(count=3),
            ),
        ),
        safety=Safety(
            max_removals=Amount(count=7),
            max_changed=Amount(percent=Fraction(999, 10)),
            max_unreadable=Amount(percent=Fraction(0)),
            protected=(
                Selector(match=Match(accounts=frozenset({AccountId("222222222222")}))),
                Selector(match=Match(regions=frozenset({Region("sa-east-1")}))),
            ),
        ),
        limits=Limits(rules=10, destinations=50, filters=20, policy_bytes=20_000),
        state=State(location="kept/here", folder=Path(inventory.path).parent / "kept/here"),
    )
    assert inventory.lines["routes[1].to"] == 52


def test_what_is_left_out_has_its_default(
    load: Callable[[str], Inventory], text: Callable[..., str]
) -> None:
    """Empty tables and no tables mean the same: the defaults of the core value."""
    without = load(text())
    empty = load(text(rest="[ownership]\n[apply]\n[limits]\n[safety]\n"))
    for inventory in (without, empty):
        assert inventory.aws == Aws()
        assert inventory.ownership == Ownership()
        assert inventory.apply == Apply()
        assert inventory.limits == Limits()
        assert inventory.safety == Safety(
            max_removals=Amount(percent=Fraction(30)),
            max_changed=Amount(percent=Fraction(100)),
            max_unreadable=Amount(percent=Fraction(20)),
        )
        assert inventory.waves == ()
        assert inventory.externals == ()
        assert inventory.routes == ()
        assert inventory.accounts[0].session_seconds == 3600
        assert inventory.accounts[0].external_id is None


def test_a_session_without_a_chain_may_be_long(
    load: Callable[[str], Inventory], text: Callable[..., str]
) -> None:
    """Only a role behind another role is held to an hour."""
    inventory = load(text(aws='role = "r"\nsession_duration = "12h"'))
    assert inventory.accounts[0].session_seconds == 43_200


@pytest.mark.parametrize(
    ("written", "arn"),
    [
        ("repl", "arn:aws-us-gov:iam::111111111111:role/repl"),
        ("a/b/repl", "arn:aws-us-gov:iam::111111111111:role/a/b/repl"),
        ("{partition}-{account}", "arn:aws-us-gov:iam::111111111111:role/aws-us-gov-111111111111"),
        ("arn:aws-us-gov:iam::111111111111:role/x", "arn:aws-us-gov:iam::111111111111:role/x"),
        ("arn:aws-us-gov:iam::{account}:role/p/x", "arn:aws-us-gov:iam::111111111111:role/p/x"),
        ("arn:{partition}:iam::{account}:role/x", "arn:aws-us-gov:iam::111111111111:role/x"),
        ("arn:{partition}:iam::111111111111:role/x", "arn:aws-us-gov:iam::111111111111:role/x"),
    ],
)
def test_forms_of_a_role(
    written: str, arn: str, load: Callable[[str], Inventory], text: Callable[..., str]
) -> None:
    """A name, a path with a name, an ARN with placeholders, or the account's own plain ARN."""
    aws = f'partition = "aws-us-gov"\nrole = "{written}"\nregions = ["us-gov-west-1"]'
    assert str(load(text(aws=aws, account="# none")).accounts[0].role) == arn


def test_a_file_is_parsed_to_equal_values(
    load: Callable[[str], Inventory],
) -> None:
    """The same file twice is the same inventory."""
    assert load(FULL) == load(FULL)
