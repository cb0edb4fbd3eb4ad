"""STS: AssumeRole, GetScopedCredentials and GetCallerIdentity, as functions on a world.

Parameters come from a form; results are nested names and texts that `wire` writes as XML.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Final, TypeAlias

from fleet_repl.sandbox.aws_errors import AwsError, unauthorized
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.keys import AccessKey
from fleet_repl.sandbox.policy import statements_of
from fleet_repl.sandbox.shapes import SHAPES, json_object
from fleet_repl.sandbox.world import World
from fleet_repl.values import limits
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Region, RoleArn
from fleet_repl.values.text import timestamp

Form: TypeAlias = Mapping[str, str]
Result: TypeAlias = "Mapping[str, str | Result | list[Result]]"

_ASSUME_ROLE: Final = SHAPES["AssumeRoleRequest"]
_DEFAULT_SECONDS: Final = "3600"
_MOST_LAYERS: Final = 3
"""Session policies on top of one another."""
_TAG_KEY: Final = re.compile(r"[\w \t_.:/=+@-]{1,128}")
_TAG_VALUE: Final = re.compile(r"[\w \t_.:/=+@-]{0,256}")
"""STS's patterns, in which any letter or digit of Unicode will do."""
_NOT_SPOKEN: Final = ("PolicyArns", "ProvidedContexts")
"""Parameters that restrict a session in ways not simulated: refused rather than ignored."""


def call_sts(world: World, key: AccessKey, region: Region, operation: str, form: Form) -> Result:
    """Returns the result of the operation, signed with the key. Raises AwsError."""
    caller = key.identity
    if not world.directory.enabled(caller.account, region):
        raise AwsError(
            "RegionDisabledException",
            f"STS is not activated in this region for account:{caller.account}. Your account "
            "administrator can activate STS in this region using the IAM Console.",
            403,
        )
    return _OPERATIONS[operation](world, key, form)


def role_of(form: Form) -> RoleArn | None:
    """Returns the role that an AssumeRole names, if any."""
    return RoleArn.parse(form.get("RoleArn", ""))


def _get_caller_identity(_world: World, key: AccessKey, _form: Form) -> Result:
    caller = key.identity
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


def _check_may_assume(world: World, caller: Identity, role: RoleArn, form: Form) -> None:
    """Raises AwsError where the caller may not have the session that it asks for."""
    trusted = world.directory.may_assume(caller, role, form.get("ExternalId"))
    if not (trusted and caller.may("sts:AssumeRole", form["RoleArn"])):
        raise unauthorized(caller.arn, "sts:AssumeRole", form["RoleArn"])
    device, code = form.get("SerialNumber"), form.get("TokenCode", "")
    if device is not None and not world.keyring.takes_code(device, code):
        raise AwsError(
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
            403,
        )
    if caller.source_identity not in (None, form.get("SourceIdentity", caller.source_identity)):
        # A source identity, once set, holds for the whole chain of roles.
        raise unauthorized(caller.arn, "sts:SetSourceIdentity", form["RoleArn"])


def _assume_role(world: World, key: AccessKey, form: Form) -> Result:
    caller = key.identity
    for name in ("RoleArn", "RoleSessionName", "ExternalId", "Policy", "SourceIdentity"):
        _check(name, form.get(name), form.get(name))
    seconds = _seconds(form, chained=caller.role is not None)
    for name in form:
        if name.split(".")[0] in _NOT_SPOKEN:
            raise _validation_error(f"The sandbox does not speak {name}")
    arn, role = form["RoleArn"], role_of(form)
    if role is None:
        raise _validation_error(f"{arn} is invalid")
    _check_may_assume(world, caller, role, form)
    identity = replace(
        world.directory.assumed(role, form["RoleSessionName"]),
        session_policies=_session_policies(form),
        source_identity=form.get("SourceIdentity", caller.source_identity),
        tags=_tags(form),
    )
    return _session(world, identity, seconds)


def _get_scoped_credentials(world: World, key: AccessKey, form: Form) -> Result:
    """Narrows a session: the same identity, with one more session policy and less time."""
    caller = key.identity
    if key.token is None:
        raise AwsError(
            "InvalidSubjectCredentialsException",
            "GetScopedCredentials takes temporary security credentials only",
        )
    layers = (*caller.session_policies, *_session_policies(form))
    if len(layers) > _MOST_LAYERS:
        raise AwsError("PackedPolicyTooLarge", "There are too many layers of session policies")
    left = math.floor(key.ends_at - world.clock.monotonic())
    seconds = int(form.get("DurationSeconds", left))
    if not 0 < seconds <= left:
        raise AwsError(
            "InsufficientSessionLifetimeException",
            f"The session has {left} seconds left, and {seconds} were requested",
        )
    return _session(world, replace(caller, session_policies=layers), seconds)


def _session_policies(form: Form) -> tuple[JsonObject, ...]:
    """Returns the inline session policy of a form, if there is one, as a document. Raises AwsError
    where IAM would refuse it."""
    text = form.get("Policy")
    if text is None:
        return ()
    if len(text) > limits.SESSION_POLICY_LENGTH:
        raise _validation_error(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member "
            f"must have length less than or equal to {limits.SESSION_POLICY_LENGTH}"
        )
    document = json_object(text) or {}
    statements = statements_of(document)
    # A policy of an identity names no principal: it is about the identity that has it.
    unnamed = not any("Principal" in statement for statement in statements)
    if statements and unnamed:
        return (document,)
    raise AwsError("MalformedPolicyDocument", "The policy is not in the valid JSON format.")


def _tags(form: Form) -> dict[str, str]:
    """Returns the session tags of a form. Raises AwsError for what breaks their shapes, and for
    keys that differ in the case of letters alone."""
    tags: dict[str, str] = {}
    for number in count(1):
        key = form.get(f"Tags.member.{number}.Key")
        if key is None:
            break
        value = form.get(f"Tags.member.{number}.Value", "")
        reserved = key.lower().startswith("aws:")
        if reserved or not (_TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value)):
            raise _validation_error(f"1 validation error detected: the tag {key!r} is not valid")
        if key.lower() in map(str.lower, tags):
            raise AwsError(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        tags[key] = value
    if len(tags) > limits.SESSION_TAGS:
        raise _validation_error(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member "
            f"must have length less than or equal to {limits.SESSION_TAGS}"
        )
    return tags


def _session(world: World, identity: Identity, seconds: int) -> Result:
    issued = world.keyring.open_session(identity, seconds)
    expiration = world.clock.now() + timedelta(seconds=seconds)
    return {
        "AssumedRoleUser": {"AssumedRoleId": identity.user_id, "Arn": identity.arn},
        "Credentials": {
            "AccessKeyId": issued.id,
            "SecretAccessKey": issued.secret,
            "SessionToken": issued.token or "",
            "Expiration": timestamp(expiration),
        },
    }


def _seconds(form: Form, *, chained: bool) -> int:
    text = form.get("DurationSeconds", _DEFAULT_SECONDS)
    if not text.isdecimal():
        raise AwsError("MalformedInput", f"'{text}' can not be converted to an Integer")
    seconds = int(text)
    _check("DurationSeconds", text, seconds)
    if chained and seconds > limits.CHAINED_SESSION_SECONDS:
        raise _validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
    return seconds


def _check(name: str, text: str | None, value: str | int | None) -> None:
    """Raise AwsError where a parameter breaks its shape, in the words of the query protocol."""
    if value is None:
        objection = "Member must not be null" if name in _ASSUME_ROLE.required else None
    else:
        objection = SHAPES[_ASSUME_ROLE.members[name]].objection(value)
    if objection is not None:
        # An external id is a secret: no message shows it.
        shown = "null" if text is None else f"'{'***' if name == 'ExternalId' else text}'"
        raise _validation_error(
            f"1 validation error detected: Value {shown} at '{name[0].lower()}{name[1:]}' failed "
            f"to satisfy constraint: {objection}"
        )


def _validation_error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


_OPERATIONS: Final[dict[str, Callable[[World, AccessKey, Form], Result]]] = {
    "AssumeRole": _assume_role,
    "GetCallerIdentity": _get_caller_identity,
    "GetScopedCredentials": _get_scoped_credentials,
}
