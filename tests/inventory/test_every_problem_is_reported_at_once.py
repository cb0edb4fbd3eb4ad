"""One reading of a file tells everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from fleet_repl.values.errors import Problem

BAD = r"""
version = 1
name = "bad fleet"
colour = "red"

[aws]
external_id = "hunter2 is secret"
extrenal_id = "hunter2"
via = ["arn:aws-cn:iam::999999999999:role/hub", "hub"]
sts_region = "cn-north-1"
session_duration = "10m"
role = "arn:aws:iam::111111111111:role/x"

[[accounts]]
id = 11111111111

[[accounts]]
id = "111111111111"
name = "build"
regions = ["us-east-1", "cn-north-1", "us-east-1", "Mars!", 5]
labels = { tier = 3, env = "a\u001bb" }

[[accounts]]
id = "111111111111"
name = "build"
role = "arn:aws:iam::333333333333:role/x"
regions = []

[[accounts]]
id = "2222-2222-2222"
name = "333333333333"
session_duration = 3600

[[accounts]]
id = "444444444444"
external_id = "${FLEET_EXTERNAL_ID}"

[[external]]
id = "444444444444"
name = "partner"

[[routes]]
name = "a"
from = { accounts = ["biuld", "partner"], same_account = true, lables = {} }
to = { accounts = "555555555555", regions = [], not = {} }
prefixes = [
  "base/*",
  "X",
  "Upper/x",
]

[[routes]]
name = "a"
to = { labels = { env = [] } }
prefixes = []

[ownership]
rules = "addictive"
formerly = ["-x"]

[state]
location = "s3:///x"

[[waves]]
name = "rest"
select = { accounts = "partner" }
max_failures = "10"
pause = "25h"

[[waves]]
name = "a"
max_failures = true

[safety]
max_removals = "130%"
max_changed = -1
max_unreadable = 0.2
max_surprises = 0
protected = [{ lables = {} }, { regions = 5, not = { account = "build" } }, "build"]

[apply]
concurrency = 0
timeout = "51s"
attempts = 1.5
deadline = 30
"""

TOLD = '''\
fleet.toml:3: name: is not a fleet name (found "bad fleet")
    1 to 32 letters, digits and . _ -, and a letter or digit first
fleet.toml:4: colour: is not a known key
    known here: version, name, aws, accounts, external, organization, routes, templates, \
ownership, waves, safety, warnings, apply, state, limits
fleet.toml:7: aws.external_id: is not an external id that STS takes (it is not shown here)
    2 to 1,224 letters, digits and _ + = , . @ : / - without blanks or line breaks
fleet.toml:8: aws.extrenal_id: is not a known key
    did you mean external_id?
fleet.toml:9: aws.via[0]: is an ARN of another partition than aws (found \
"arn:aws-cn:iam::999999999999:role/hub")
    write "arn:aws:…", or set aws.partition
fleet.toml:9: aws.via[1]: is not the ARN of a role (found "hub")
    write it like "arn:aws:iam::111122223333:role/hub"
fleet.toml:10: aws.sts_region: is a region of the partition aws-cn, and this fleet is in aws \
(found "cn-north-1")
    write it like "us-east-1"
fleet.toml:11: aws.session_duration: must be 15m to 12h (found "10m")
fleet.toml:12: aws.role: is the ARN of one account, and accounts[4] (line 34) takes it too \
(found "arn:aws:iam::111111111111:role/x")
    write {account} in place of the account id
fleet.toml:14: accounts[0].regions: is missing, and [aws] has no default; the same for 2 more
    write regions = ["us-east-1"] here, or in [aws] for all accounts
fleet.toml:15: accounts[0].id: must be a string (found 11111111111)
    write "011111111111": a TOML number loses its leading zeros
fleet.toml:20: accounts[1].regions[1]: is a region of the partition aws-cn, and this fleet is \
in aws (found "cn-north-1")
    write it like "us-east-1"
fleet.toml:20: accounts[1].regions[2]: is in the list twice (found "us-east-1")
fleet.toml:20: accounts[1].regions[3]: is not a region (found "Mars!")
    write it like "us-east-1"
fleet.toml:20: accounts[1].regions[4]: must be a string (found 5)
fleet.toml:21: accounts[1].labels.env: holds control characters, line breaks or direction marks \
(found "a\\u001Bb")
fleet.toml:21: accounts[1].labels.tier: must be a string (found 3)
fleet.toml:24: accounts[2].id: is listed already, in accounts[1].id (line 18) (found \
"111111111111")
fleet.toml:25: accounts[2].name: is listed already, in accounts[1].name (line 19) (found \
"build")
fleet.toml:26: accounts[2].role: is the ARN of one account, and not of this one (found \
"arn:aws:iam::333333333333:role/x")
    write {account} in place of the account id
fleet.toml:27: accounts[2].regions: must not be empty (found [])
    list one or more, or leave the key out
fleet.toml:30: accounts[3].id: is not an account id: 12 digits (found "2222-2222-2222")
    write "222222222222"
fleet.toml:31: accounts[3].name: looks like the id of another account (found "333333333333")
fleet.toml:32: accounts[3].session_duration: must be a string (found 3600)
    write it with its unit, such as "3600s"
fleet.toml:36: accounts[4].external_id: the environment variable FLEET_EXTERNAL_ID is not set
    set FLEET_EXTERNAL_ID before the command runs
fleet.toml:38: external[0].regions: is missing
    list the regions that may receive images
fleet.toml:39: external[0].id: is listed already, in accounts[4].id (line 35) (found \
"444444444444")
fleet.toml:44: routes[0].from.accounts[0]: is not the id or name of an account that is listed \
(found "biuld")
    did you mean "build"?
fleet.toml:44: routes[0].from.accounts[1]: is an external account, and those only receive \
images (found "partner")
fleet.toml:44: routes[0].from.lables: is not a known key
    did you mean labels?
fleet.toml:44: routes[0].from.same_account: means the source's, so it belongs in `to` (found \
true)
fleet.toml:45: routes[0].to.not: takes every registry away, because it has no condition (found \
{})
    give it accounts, labels or regions, or leave it out
fleet.toml:45: routes[0].to.regions: must not be empty (found [])
    list one or more, or leave the key out
fleet.toml:47: routes[0].prefixes[0]: is not a prefix that ECR takes (found "base/*")
    write "base/": a prefix needs no *
fleet.toml:48: routes[0].prefixes[1]: must be 2 to 256 characters long (found "X")
fleet.toml:49: routes[0].prefixes[2]: is not a prefix that ECR takes (found "Upper/x")
    only lower-case letters, digits, single / and . _ - within names
fleet.toml:52: routes[1].from: is missing
    write from = {} for every registry
fleet.toml:53: routes[1].name: is the name of another route already, in routes[0].name (line \
43) (found "a")
fleet.toml:54: routes[1].to.labels.env: must not be empty (found [])
    list one or more, or leave the key out
fleet.toml:55: routes[1].prefixes: must not be empty (found [])
    list one or more, or leave the key out
fleet.toml:58: ownership.rules: must be "exclusive" or "additive" (found "addictive")
fleet.toml:59: ownership.formerly[0]: is not a fleet name (found "-x")
    1 to 32 letters, digits and . _ -, and a letter or digit first
fleet.toml:62: state.location: names no bucket (found "s3:///x")
    write s3://bucket/prefix
fleet.toml:65: waves[0].name: is the name of the last wave, of registries that no wave selects \
(found "rest")
    give the wave another name, or take it out: those registries go last anyway
fleet.toml:66: waves[0].select.accounts: is an external account, and nothing of it is managed \
(found "partner")
fleet.toml:67: waves[0].max_failures: is not a share (found "10")
    write "10%" for a share, or 10 for a count
fleet.toml:68: waves[0].pause: must be 0s to 24h (found "25h")
fleet.toml:70: waves[1].select: is missing
    write select = {} for every registry that no earlier wave selects
fleet.toml:72: waves[1].max_failures: must be a count, or a share such as "10%" (found true)
fleet.toml:75: safety.max_removals: must be at most 100% (found "130%")
fleet.toml:76: safety.max_changed: must be 0 to 10,000,000 (found -1)
fleet.toml:77: safety.max_unreadable: must be a count, or a share such as "10%" (found 0.2)
    write "20%" for a share
fleet.toml:78: safety.max_surprises: is not a known key
    known here: max_removals, max_changed, max_unreadable, protected
fleet.toml:79: safety.protected[0].lables: is not a known key
    did you mean labels?
fleet.toml:79: safety.protected[1].not.account: is not a known key
    did you mean accounts?
fleet.toml:79: safety.protected[1].regions: must be a string or a list of strings (found 5)
fleet.toml:79: safety.protected[2]: must be a table (found "build")
fleet.toml:82: apply.concurrency: must be at least 1 (found 0)
fleet.toml:83: apply.timeout: must be 1s to 50s (found "51s")
fleet.toml:84: apply.attempts: must be a whole number (found 1.5)
fleet.toml:85: apply.deadline: must be a string (found 30)
    write it with its unit, such as "30s"'''


def test_a_file_with_everything_wrong(problems: Callable[[str], list[Problem]]) -> None:
    """Exactly this is read by whoever wrote the file."""
    assert "\n".join(map(str, problems(BAD))) == TOLD
