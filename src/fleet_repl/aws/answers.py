"""From answers to documents: a 200 is an answer only if it holds what was asked for.

The SDK turns a body that is no JSON into an empty answer, which would read as "no rules" and have
foreign content overwritten. So the body itself is read here, every field kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from botocore.credentials import ReadOnlyCredentials

from fleet_repl.aws.faults import garbage, wrong_account
from fleet_repl.aws.request import Answer, Call
from fleet_repl.inventory.toml_file import is_deep
from fleet_repl.values.canonical_json import JsonObject, RepeatedKeyError, parse_json
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import ACCOUNT_ID, AccountId

_IDENTITY_ARN: Final = re.compile(
    rf"arn:(?P<partition>[a-z-]+):(?P<service>iam|sts)::(?P<account>{ACCOUNT_ID}):(?P<what>[!-~]+)"
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
    document = body(answer, call)
    _require_account(document, answer, call)
    configuration = document.get("replicationConfiguration")
    rules = configuration.get("rules") if isinstance(configuration, Mapping) else None
    if not isinstance(rules, list):
        raise garbage(call, "the answer holds no replicationConfiguration.rules", answer.request_id)
    return document


def policy_document(answer: Answer, call: Call) -> JsonObject:
    """The document in GetRegistryPolicy's body.

    A text that is no JSON object is a garbage body too: AWS has checked it when it was put.
    """
    document = body(answer, call)
    _require_account(document, answer, call)
    text = document.get("policyText")
    if not isinstance(text, str):
        raise garbage(call, "the answer holds no policyText", answer.request_id)
    policy = _object(text, "the answer's policyText", answer, call)
    statements = policy.get("Statement")
    listed = statements if isinstance(statements, list) else [statements or {}]
    if not all(isinstance(item, dict) for item in listed):
        because = "the answer's policyText holds a statement that is no object"
        raise garbage(call, because, answer.request_id)
    return policy


def put_rules(answer: Answer, call: Call) -> str | None:
    """PutReplicationConfiguration's request id. It echoes the configuration, and no account."""
    if "replicationConfiguration" not in body(answer, call):
        raise garbage(call, "the answer holds no replicationConfiguration", answer.request_id)
    return answer.request_id


def wrote_policy(answer: Answer, call: Call) -> str | None:
    """The request id of PutRegistryPolicy or DeleteRegistryPolicy, which echo the policy."""
    document = body(answer, call)
    _require_account(document, answer, call)
    if "policyText" not in document:
        raise garbage(call, "the answer holds no policyText", answer.request_id)
    return answer.request_id


def wrote_template(answer: Answer, call: Call) -> str | None:
    """The request id of a call that wrote or deleted a template, which echoes it."""
    document = body(answer, call)
    if not isinstance(document.get("repositoryCreationTemplate"), dict):
        raise garbage(call, "the answer holds no repositoryCreationTemplate", answer.request_id)
    return answer.request_id


def setting(answer: Answer, call: Call) -> str | None:
    """The value in GetAccountSetting's answer, which may name the setting and no value."""
    document = body(answer, call)
    match document:
        case {"value": str(value)}:
            return value
        case {"name": str()}:
            return None
        case _:
            raise garbage(call, "the answer holds no setting", answer.request_id)


def started_backfill(answer: Answer, call: Call) -> JsonObject:
    """StartReplicationBackfill's body, whole."""
    document = body(answer, call)
    if not isinstance(document.get("replicationBackfillId"), str):
        raise garbage(call, "the answer holds no replicationBackfillId", answer.request_id)
    return document


def image_details(answer: Answer, call: Call) -> tuple[JsonObject, ...]:
    """The images in DescribeImages's body, each whole."""
    images = objects(body(answer, call), "imageDetails", answer, call)
    for image in images:
        check_account(image, answer, call)
    return images


def image_statuses(answer: Answer, call: Call) -> tuple[JsonObject, ...]:
    """The statuses in DescribeImageReplicationStatus's body, each whole."""
    statuses, proof = "replicationStatuses", "repositoryName"
    return objects(body(answer, call), statuses, answer, call, empty_with=proof)


def granted(answer: Answer, call: Call) -> Granted:
    """The session in AssumeRole's answer, which is of the account whose role was asked for."""
    match answer.parsed.get("AssumedRoleUser"):
        case {"Arn": str(arn)} if (user := _IDENTITY_ARN.fullmatch(arn)) is not None:
            if call.role is not None and user["account"] != call.role.account:
                raise wrong_account(call, user["account"], answer.request_id)
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


def body(answer: Answer, call: Call) -> JsonObject:
    """The whole of an answer, every field kept; of the account that was meant, if it names one."""
    document = _object(answer.body, "the answer", answer, call)
    check_account(document, answer, call)
    return document


def check_account(document: JsonObject, answer: Answer, call: Call) -> None:
    """Raise if the document names another account than the one that was meant.

    A write was made then, and nobody knows where.
    """
    registry_id = document.get("registryId")
    if isinstance(registry_id, str) and registry_id != call.account:
        fault = wrong_account(call, registry_id, answer.request_id).fault
        raise CallError(fault, uncertain=call.writes)


def objects(
    document: JsonObject, member: str, answer: Answer, call: Call, *, empty_with: str | None = None
) -> tuple[JsonObject, ...]:
    """The list of objects under `member`.

    It may be missing only where the text under `empty_with` shows that this is the answer.
    """
    listed_items = document.get(member)
    if (
        listed_items is None
        and empty_with is not None
        and isinstance(document.get(empty_with), str)
    ):
        return ()
    items = listed_items if isinstance(listed_items, list) else [None]
    if not all(isinstance(item, dict) for item in items):
        raise garbage(call, f"the answer holds no {member}", answer.request_id)
    return tuple(items)


def _require_account(document: JsonObject, answer: Answer, call: Call) -> None:
    if not isinstance(document.get("registryId"), str):
        raise garbage(call, "the answer holds no registryId", answer.request_id)


def _object(text: str | bytes, what: str, answer: Answer, call: Call) -> JsonObject:
    """The JSON object in a text that is `what`."""
    reason = f"{what} is no JSON object"
    try:
        document = parse_json(text)
    except RepeatedKeyError as error:
        reason = f"{what} has no one meaning: {error}"
    except ValueError:
        pass
    else:
        # Deeper ones than any of AWS's could be read, and then not be written to a plan.
        if isinstance(document, dict) and not is_deep(document):
            return document
    raise garbage(call, reason, answer.request_id)
