"""One reading of a file tells everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from fleet_repl.errors import Problem

BAD = r'''
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
rules = "additive"

[apply]
concurrency = 0
timeout = "51s"
attempts = 1.5
deadline = 30
'''

TOLD = """\
fleet.toml:3: name: is not a fleet name (found "bad fleet")
    1 to 32 letters, digits and . _ -, and a letter or digit first
"""


def test_a_file_with_everything_wrong(problems: Callable[[str], list[Problem]]) -> None:
    """Exactly this is read by whoever wrote the file."""
    assert "\n".join(map(str, problems(BAD))) == TOLD
