"""A simulated AWS that costs as little as possible, and checks nothing: STS, the registry calls of
ECR, what IAM says of a role, and an organization with the accounts 1 to `--members`.

Run as a process of its own, so that only the program under test is measured. It answers every
request after a fixed latency and prints its counters as JSON when standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
from collections import Counter
from typing import Any, Final
from urllib.parse import parse_qs

ROLE: Final = re.compile(rb"RoleArn=arn%3A[a-z-]+%3Aiam%3A%3A(\d{12})")
CREDENTIAL: Final = re.compile(rb"(?i)Credential=([^/]+)/\d+/([^/]+)/")
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
rules: dict[tuple[str, str], Any] = {}
policies: dict[tuple[str, str], str] = {}
calls: Counter[str] = Counter()
answered: dict[tuple[str, str, str], float] = {}
"""When a document of a registry was last shown, by the loop's clock."""
windows: list[float] = []
"""Seconds before each write in which its document was not watched."""
traffic: Counter[str] = Counter()


def document_of(head: bytes) -> tuple[str, str, str] | None:
    """The document of a registry that a call of ECR reads or writes, and None for others."""
    target = re.search(rb"(?i)x-amz-target: [^.]+\.(\w+)", head)
    credential = CREDENTIAL.search(head)
    if target is None or credential is None:
        return None
    kind = "policy" if target[1].endswith(b"Policy") else "rules"
    return credential[1].decode(), credential[2].decode(), kind


def answer(head: bytes, body: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body for one request."""
    target = re.search(rb"(?i)x-amz-target: ([^.]+)\.(\w+)", head)
    if target is None and b" /listRegions " in head:
        calls["ListRegions"] += 1
        return 200, "application/json", json.dumps({"Regions": REGIONS}).encode()
    if target is None:
        return 200, "text/xml", query(body).encode()
    credential = CREDENTIAL.search(head)
    assert credential is not None
    where = (credential[1].decode()[4:], credential[2].decode())
    operation = target[2].decode()
    calls[operation] += 1
    if target[1].startswith(b"AWSOrganizations") and not members:
        status, document = 400, {"__type": "AccessDeniedException", "message": "no organization"}
    elif target[1].startswith(b"AWSOrganizations"):
        status, document = 200, organization(operation, json.loads(body))
    else:
        status, document = registry(operation, where, json.loads(body))
    return status, "application/x-amz-json-1.1", json.dumps(document).encode()


def throttle(head: bytes) -> tuple[int, str, bytes]:
    """The answer to a call that is throttled."""
    if b"x-amz-target" in head.lower():
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


def organization(operation: str, given: Any) -> Any:
    """Organizations' answer: units below the root, each with its share of the accounts."""
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


def registry(operation: str, where: tuple[str, str], given: Any) -> tuple[int, Any]:
    """ECR's answer for the registry `where`."""
    match operation:
        case "DescribeRegistry":
            found = rules.get(where, {"rules": []})
            return 200, {"registryId": where[0], "replicationConfiguration": found}
        case "PutReplicationConfiguration":
            rules[where] = given["replicationConfiguration"]
            return 200, {"replicationConfiguration": rules[where]}
        case "PutRegistryPolicy":
            policies[where] = given["policyText"]
        case "DeleteRegistryPolicy":
            policies.pop(where, None)
        case "GetAccountSetting":
            return 200, {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}
    if where not in policies:
        return 400, {"__type": "RegistryPolicyNotFoundException", "message": "none"}
    return 200, {"registryId": where[0], "policyText": policies[where]}


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection."""

    latency = 0.03
    throttled = 0.0
    """The share of calls that are throttled."""

    def __init__(self) -> None:
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        traffic["in"] += len(data)
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not found or len(rest) < (size := int(length[1]) if length else 0):
            return
        self._data = rest[size:]
        document, now = document_of(head), asyncio.get_running_loop().time()
        writes = b".Put" in head
        if writes and document in answered:
            windows.append(now - answered[document])
        if self.throttled and random.random() < self.throttled:
            calls["throttled"] += 1
            status, kind, body = throttle(head)
        else:
            status, kind, body = answer(head, rest[:size])
        text = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            status,
            kind.encode(),
            len(body),
            body,
        )
        traffic["out"] += len(text)
        shown = None if writes else document
        asyncio.get_running_loop().call_later(self.latency, self._send, text, shown)

    def _send(self, text: bytes, shown: tuple[str, str, str] | None) -> None:
        if shown is not None:
            answered[shown] = asyncio.get_running_loop().time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(text)


async def serve(latency: float, throttled: float) -> None:
    """Serve until standard input closes; the first line out is the URL, the last the counters."""
    Connection.latency, Connection.throttled = latency, throttled
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    counters = {"calls": dict(calls), "bytes": dict(traffic), "windows": windows}
    sys.stdout.write(json.dumps(counters) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--throttled", type=float, default=0, help="share of throttled calls")
    parser.add_argument("--members", type=int, default=0, help="accounts of the organization")
    given = parser.parse_args()
    members = given.members
    asyncio.run(serve(given.latency_ms / 1000, given.throttled))
