"""Inventories of fleets whose roles differ in every way that they can."""

from __future__ import annotations

from typing import Final

PLAIN: Final = """\
version = 1
name = "prod"

[aws]
role = "fleet-replication"
regions = ["eu-west-1"]

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"

[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = "shop" }
"""
VARIED: Final = """\
version = 1
name = "all_sorts.of-things"

[aws]
partition = "aws-us-gov"
role = "platform/fleet-{account}"
via = ["arn:aws-us-gov:iam::999999999999:role/hub"]
external_id = "${FLEET_EXTERNAL_ID}"
regions = ["us-gov-west-1"]

[state]
location = "s3://example-fleet-state/prod"

[[accounts]]
id = "111111111111"
name = "build"

[[accounts]]
id = "222222222222"
name = "shop"
state = "retired"

[[accounts]]
id = "333333333333"
name = "legacy"
role = "old/legacy,admin=1"
external_id = "${LEGACY_EXTERNAL_ID}"

[[accounts]]
id = "444444444444"
name = "tools"
role = "none"

[[external]]
id = "555555555555"
name = "partner"
regions = ["us-gov-west-1"]

[[routes]]
name = "golden"
from = { accounts = "build" }
to = { accounts = ["legacy", "partner"] }
backfill = "new-links"

[[templates]]
name = "golden"
prefix = "golden/"
select = { accounts = "legacy" }
role = "ecr-{account}"
tags = { team = "platform" }
lifecycle_policy = '{"rules": [{"rulePriority": 1}]}'
repository_policy = '{"Statement": [{"Effect": "Allow"}]}'
"""
