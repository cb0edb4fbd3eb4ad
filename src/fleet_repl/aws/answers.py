"""From answers to documents: a 200 counts as an answer only if it holds the members it must have.

The SDK turns a body that is no JSON into an empty answer, which would read as "no rules" and have
foreign content overwritten. So the body itself is read here, every field kept. Every function
takes an answer and its call, and raises CallError for an answer that is not AWS's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
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
    """The base identity, as GetCallerIdentity names it."""

    arn: str
    account: AccountId
    partition: str
    dated: datetime | None = field(default=None, compare=False)
    """The time of STS's answer, by its own clock; None where the answer has no date."""

    @property
    def is_assumed_role(self) -> bool:
        return ":assumed-role/" in self.arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The session that AssumeRole returned."""

    credentials: ReadOnlyCredentials
    expires_at: datetime


def registry_document(answer: Answer, call: Call) -> JsonObject:
    """DescribeRegistry's body, whole."""
    document = body(answer, call)
    _require_account(document, answer, call)
    configuration = document.get("replicationConfiguration")
    rules = configuration.get("rules") if isinstance(configuration, Mapping) else None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise garbage(call, "the answer holds no replicationConfiguration.rules", answer.request_id)
    return document


def policy_document(answer: Answer, call: Call) -> JsonObject | None:
    """The document in GetRegistryPolicy's body; None where there is no policy.

    A policy that is no JSON object makes the answer garbage too: AWS checks what is put.
    """
    if answer.absent:
        return None
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
    """PutReplicationConfiguration's request id. Its answer repeats the rules, but no account."""
    if "replicationConfiguration" not in body(answer, call):
        raise garbage(call, "the answer holds no replicationConfiguration", answer.request_id)
    return answer.request_id


def wrote_policy(answer: Answer, call: Call) -> str | None:
    """The request id of PutRegistryPolicy or DeleteRegistryPolicy; both answers hold the policy."""
    document = body(answer, call)
    _require_account(document, answer, call)
    if "policyText" not in document:
        raise garbage(call, "the answer holds no policyText", answer.request_id)
    return answer.request_id


def wrote_template(answer: Answer, call: Call) -> str | None:
    """The request id of a call that wrote or deleted a template; its answer holds the template."""
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
    """The session in AssumeRole's answer; a session of another account is refused."""
    match answer.parsed.get("AssumedRoleUser"):
        case {"Arn": str(arn)} if (user := _IDENTITY_ARN.fullmatch(arn)) is not None:
            if call.role is not None and user["account"] != call.role.account:
                raise wrong_account(call, user["account"], answer.request_id)
    return scoped_session(answer, call)


def scoped_session(answer: Answer, call: Call) -> Granted:
    """The session in GetScopedCredentials' answer, which AssumeRole's has too."""
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
    return Identity(
        arn=match[0],
        account=AccountId(match["account"]),
        partition=match["partition"],
        dated=date_of(answer),
    )


def date_of(answer: Answer) -> datetime | None:
    """The time in an answer's Date header; None where there is none that has a time zone."""
    match answer.parsed.get("ResponseMetadata"):
        case {"HTTPHeaders": {"date": str(text)}}:
            try:
                date = parsedate_to_datetime(text)
            except ValueError:
                return None
            return date if date.tzinfo is not None else None
        case _:
            return None


def body(answer: Answer, call: Call) -> JsonObject:
    """The whole body of an answer, every field kept. If it names an account, that is checked."""
    document = _object(answer.body, "the answer", answer, call)
    check_account(document, answer, call)
    return document


def check_account(document: JsonObject, answer: Answer, call: Call) -> None:
    """Raises CallError if the document names another account than the call's.

    A write has then happened in some account, so its failure is uncertain.
    """
    registry_id = document.get("registryId")
    if isinstance(registry_id, str) and registry_id != call.account:
        fault = wrong_account(call, registry_id, answer.request_id).fault
        raise CallError(fault, uncertain=call.writes)


def objects(
    document: JsonObject, member: str, answer: Answer, call: Call, *, empty_with: str | None = None
) -> tuple[JsonObject, ...]:
    """The list of objects under `member`.

    The list may be missing, for an empty one, only where there is a text under `empty_with`.
    """
    items = document.get(member)
    if items is None and empty_with is not None and isinstance(document.get(empty_with), str):
        return ()
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise garbage(call, f"the answer holds no {member}", answer.request_id)
    return tuple(items)


def texts(document: JsonObject, member: str, answer: Answer, call: Call) -> tuple[str, ...]:
    """The list of texts under `member`."""
    items = document.get(member)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise garbage(call, f"the answer holds no {member}", answer.request_id)
    return tuple(map(str, items))


def _require_account(document: JsonObject, answer: Answer, call: Call) -> None:
    if not isinstance(document.get("registryId"), str):
        raise garbage(call, "the answer holds no registryId", answer.request_id)


def _object(text: str | bytes, subject: str, answer: Answer, call: Call) -> JsonObject:
    """The JSON object in a text; `subject` names the text in messages."""
    reason = f"{subject} is no JSON object"
    try:
        document = parse_json(text)
    except RepeatedKeyError as error:
        reason = f"{subject} has no one meaning: {error}"
    except ValueError:
        pass
    else:
        # An object nested deeper than any of AWS's could be read, but not written to a plan.
        if isinstance(document, dict) and not is_deep(document):
            return document
    raise garbage(call, reason, answer.request_id)
