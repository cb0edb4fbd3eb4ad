"""What the endpoint of the benchmarks answers: STS, IAM, the registry calls of ECR, and an
organization with the accounts 1 to `members`. It checks nothing, and costs as little as it can.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

ROLE: Final = re.compile(rb"RoleArn=arn%3A[a-z-]+%3Aiam%3A%3A(\d{12})")
ASSUMED: Final = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>
<Arn>arn:aws:sts::{0}:assumed-role/r/x</Arn></AssumedRoleUser><Credentials>
<AccessKeyId>ASIA{0}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</AssumeRoleResponse>"""
IDENTITY: Final = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:user/bench</Arn><UserId>A</UserId>
<Account>999999999999</Account></GetCallerIdentityResult><ResponseMetadata>
<RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""
SIMULATED: Final = """<SimulatePrincipalPolicyResponse
xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>
<IsTruncated>false</IsTruncated><EvaluationResults>{0}</EvaluationResults>
</SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</SimulatePrincipalPolicyResponse>"""
ALLOWED: Final = (
    "<member><EvalActionName>{0}</EvalActionName><EvalDecision>allowed</EvalDecision>"
    "<ResourceSpecificResults>{1}</ResourceSpecificResults></member>"
)
ON_RESOURCE: Final = (
    "<member><EvalResourceName>{0}</EvalResourceName>"
    "<EvalResourceDecision>allowed</EvalResourceDecision></member>"
)
REGIONS: Final = [
    {"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"}
    for name in ("eu-west-1", "us-east-1")
]
UNITS: Final = 100
PAGE: Final = 20

members = 0
"""The number of accounts of the organization."""
rules: dict[tuple[bytes, bytes], bytes] = {}
policies: dict[tuple[bytes, bytes], bytes] = {}
"""The documents of each account and region, as JSON. A policy is a text in JSON, as ECR has it."""
calls: Counter[str] = Counter()


class Request(NamedTuple):
    """What is looked at in a request."""

    head: bytes
    service: bytes
    operation: bytes
    """Empty, like the service, for a call that does not name it in its head."""
    account: bytes
    region: bytes
    body: bytes

    @property
    def document(self) -> tuple[bytes, bytes, bytes] | None:
        """The document of a registry that a call of ECR reads or writes, and None for others."""
        if not self.operation:
            return None
        kind = b"policy" if self.operation.endswith(b"Policy") else b"rules"
        return self.account, self.region, kind


def header(head: bytes, name: bytes) -> bytes:
    """The value of a header, and nothing where there is none."""
    start = head.lower().find(b"\r\n%s: " % name)
    if start < 0:
        return b""
    value, _, _ = head[start + len(name) + 4 :].partition(b"\r\n")
    return value


def answer(request: Request) -> tuple[int, str, bytes]:
    """Status, content type and body for one request."""
    operation = request.operation.decode()
    if not operation and b" /listRegions " in request.head:
        calls["ListRegions"] += 1
        return 200, "application/json", json.dumps({"Regions": REGIONS}).encode()
    if not operation:
        return 200, "text/xml", query(request.body).encode()
    calls[operation] += 1
    if request.service.startswith(b"AWSOrganizations"):
        status, body = organization(operation, json.loads(request.body))
    else:
        status, body = registry(operation, (request.account, request.region), request.body)
    return status, "application/x-amz-json-1.1", body


def throttle(request: Request) -> tuple[int, str, bytes]:
    """The answer to a call that is throttled."""
    if request.operation:
        return 400, "application/x-amz-json-1.1", b'{"__type":"ThrottlingException"}'
    text = (
        "<ErrorResponse><Error><Code>Throttling</Code><Message>x</Message></Error></ErrorResponse>"
    )
    return 400, "text/xml", text.encode()


def query(body: bytes) -> str:
    """The answer of STS or IAM; IAM allows everything."""
    if b"Action=SimulatePrincipalPolicy" in body:
        calls["SimulatePrincipalPolicy"] += 1
        form = parse_qs(body.decode())
        asked = {
            name: [value for key, (value, *_) in form.items() if key.startswith(name)]
            for name in ("ActionNames", "ResourceArns")
        }
        resources = "".join(map(ON_RESOURCE.format, asked["ResourceArns"]))
        return SIMULATED.format(
            "".join(ALLOWED.format(action, resources) for action in asked["ActionNames"])
        )
    role = ROLE.search(body)
    calls["AssumeRole" if role else "GetCallerIdentity"] += 1
    return ASSUMED.format(role[1].decode()) if role else IDENTITY


def organization(operation: str, given: Any) -> tuple[int, bytes]:
    """Organizations' answer: units below the root, each with its share of the accounts."""
    if not members:
        return 400, b'{"__type": "AccessDeniedException", "message": "no organization"}'
    return 200, json.dumps(organized(operation, given)).encode()


def organized(operation: str, given: Any) -> Any:
    """What Organizations answers where there is an organization."""
    parent = given.get("ParentId", "r-root")
    match operation:
        case "DescribeOrganization":
            return {"Organization": {"Id": "o-benchmark1"}}
        case "ListRoots":
            return {"Roots": [{"Id": "r-root"}]}
        case "ListTagsForResource":
            return {"Tags": [{"Key": "team", "Value": "bench"}, {"Key": "env", "Value": "prod"}]}
        case "ListOrganizationalUnitsForParent":
            below = range(UNITS if parent == "r-root" else 0)
            units = [{"Id": f"ou-root-{unit:08}", "Name": f"unit {unit}"} for unit in below]
            return page("OrganizationalUnits", units, given)
    if operation == "ListAccounts":
        numbers = range(members)
    else:
        numbers = range(int(parent[-8:]), members, UNITS) if parent != "r-root" else range(0)
    return page("Accounts", numbers, given)


def page(member: str, items: Any, given: Any) -> Any:
    """A page of items; a number stands for the account before the next."""
    start = int(given.get("NextToken", 0))
    shown = [
        {"Id": f"{item + 1:012}", "Name": f"account {item}", "State": "ACTIVE"}
        if isinstance(item, int)
        else item
        for item in items[start : start + PAGE]
    ]
    more = {"NextToken": str(start + PAGE)} if start + PAGE < len(items) else {}
    return {member: shown, **more}


def registry(operation: str, where: tuple[bytes, bytes], body: bytes) -> tuple[int, bytes]:
    """ECR's answer for the registry `where`."""
    match operation:
        case "DescribeRegistry":
            shown = where[0], rules.get(where, b'{"rules": []}')
            return 200, b'{"registryId": "%s", "replicationConfiguration": %s}' % shown
        case "PutReplicationConfiguration":
            # The document is the only member, and what is answered is the request.
            rules[where] = json.dumps(json.loads(body)["replicationConfiguration"]).encode()
            return 200, body
        case "PutRegistryPolicy":
            policies[where] = json.dumps(json.loads(body)["policyText"]).encode()
        case "DeleteRegistryPolicy":
            policies.pop(where, None)
        case "GetAccountSetting":
            return 200, b'{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}'
    if where not in policies:
        return 400, b'{"__type": "RegistryPolicyNotFoundException", "message": "none"}'
    return 200, b'{"registryId": "%s", "policyText": %s}' % (where[0], policies[where])


def load(path: Path) -> None:
    """Put documents in place: each line is an account, a region, its rules and its policy."""
    with path.open(encoding="utf-8") as lines:
        for account, region, document, policy in map(json.loads, lines):
            where = account.encode(), region.encode()
            rules[where] = json.dumps(document).encode()
            if policy is not None:
                policies[where] = json.dumps(policy).encode()
