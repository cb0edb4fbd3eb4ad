"""From answers to documents: a 200 is an answer only if it holds what was asked for.

The SDK turns a body that is no JSON into an empty answer, which would read as "no rules" and have
foreign content overwritten. So the body itself is read here, every field kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from botocore.credentials import ReadOnlyCredentials

from fleet_repl.aws.calls import Answer, Call
from fleet_repl.aws.faults import garbage, wrong_account
from fleet_repl.canonical import JsonObject
from fleet_repl.names import AccountId

_IDENTITY_ARN: Final = re.compile(
    r"arn:(?P<partition>[a-z-]+):(?P<service>iam|sts)::(?P<account>[0-9]{12}):(?P<what>[!-~]+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who AWS takes the base identity for."""

    arn: str
    account: AccountId
    partition: str

    @property
    def is_assumed_role(self) -> bool:
        return ":assumed-role/" in self.arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What AssumeRole gave."""

    credentials: ReadOnlyCredentials
    expires_at: datetime


def registry_document(answer: Answer, call: Call) -> JsonObject:
    """DescribeRegistry's body, whole."""
    document = _body(answer, call)
    _check_account(document, answer, call)
    configuration = document.get("replicationConfiguration")
    rules = configuration.get("rules") if isinstance(configuration, Mapping) else None
    if not isinstance(rules, list):
        raise garbage(call, "the answer holds no replicationConfiguration.rules", answer.request_id)
    return document


def policy_document(answer: Answer, call: Call) -> JsonObject:
    """The document in GetRegistryPolicy's body.

    A text that is no JSON object is a garbage body too: AWS has checked it when it was put.
    """
    document = _body(answer, call)
    _check_account(document, answer, call)
    text = document.get("policyText")
    if not isinstance(text, str):
        raise garbage(call, "the answer holds no policyText", answer.request_id)
    policy = _object(text)
    if policy is None:
        raise garbage(call, "the answer's policyText is no JSON object", answer.request_id)
    return policy


def put_rules(answer: Answer, call: Call) -> str | None:
    """PutReplicationConfiguration's request id. It echoes the configuration, and no account."""
    if "replicationConfiguration" not in _body(answer, call):
        raise garbage(call, "the answer holds no replicationConfiguration", answer.request_id)
    return answer.request_id


def wrote_policy(answer: Answer, call: Call) -> str | None:
    """The request id of PutRegistryPolicy or DeleteRegistryPolicy, which echo the policy."""
    document = _body(answer, call)
    _check_account(document, answer, call)
    if "policyText" not in document:
        raise garbage(call, "the answer holds no policyText", answer.request_id)
    return answer.request_id


def granted(answer: Answer, call: Call) -> Granted:
    """The session in AssumeRole's answer."""
    match answer.parsed.get("Credentials"):
        case {
            "AccessKeyId": str(key),
            "SecretAccessKey": str(secret),
            "SessionToken": str(token),
            "Expiration": datetime(tzinfo=zone) as expires_at,
        } if key and secret and token and zone is not None:
            credentials = ReadOnlyCredentials(key, secret, token)
            return Granted(credentials=credentials, expires_at=expires_at)
        case _:
            raise garbage(call, "the answer holds no credentials", answer.request_id)


def identity(answer: Answer, call: Call) -> Identity:
    """The identity in GetCallerIdentity's answer."""
    arn = answer.parsed.get("Arn")
    match = _IDENTITY_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise garbage(call, "the answer holds no identity's ARN", answer.request_id)
    return Identity(arn=match[0], account=AccountId(match["account"]), partition=match["partition"])


def _check_account(document: JsonObject, answer: Answer, call: Call) -> None:
    registry_id = document.get("registryId")
    if not isinstance(registry_id, str):
        raise garbage(call, "the answer holds no registryId", answer.request_id)
    if registry_id != call.account:
        raise wrong_account(call, registry_id, answer.request_id)


def _body(answer: Answer, call: Call) -> JsonObject:
    document = _object(answer.body)
    if document is None:
        raise garbage(call, "the answer is no JSON object", answer.request_id)
    return document


def _object(text: str | bytes) -> JsonObject | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
