"""STS: AssumeRole and GetCallerIdentity, as functions on a world.

Parameters come from a form; results are nested names and texts that `wire` writes as XML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from fleet_repl import limits
from fleet_repl.names import Region, RoleArn
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.shapes import Text
from fleet_repl.sandbox.world import World

Result: TypeAlias = "Mapping[str, str | Result]"

_ROLE_ARN: Final = Text(shortest=limits.ROLE_ARN_LENGTH[0], longest=limits.ROLE_ARN_LENGTH[1])
_SESSION_NAME: Final = Text(
    pattern=re.compile(r"[\w+=,.@-]*", re.ASCII), shortest=2, longest=limits.SESSION_NAME_LENGTH
)
_EXTERNAL_ID: Final = Text(
    pattern=re.compile(r"[\w+=,.@:\/-]*", re.ASCII),
    shortest=limits.EXTERNAL_ID_LENGTH[0],
    longest=limits.EXTERNAL_ID_LENGTH[1],
)
_DEFAULT_SECONDS: Final = "3600"
_NOT_SPOKEN: Final = ("Policy", "PolicyArns", "ProvidedContexts", "SerialNumber", "TokenCode")
"""Parameters that narrow or guard a session in ways that are not modelled here: taking them and
doing nothing would be worse than a refusal."""


def call_sts(
    world: World, caller: Identity, region: Region, operation: str, form: Mapping[str, str]
) -> Result:
    """The operation's result. Raises AwsError."""
    if not world.directory.enabled(caller.account, region):
        raise AwsError(
            "RegionDisabledException",
            f"STS is not activated in this region for account:{caller.account}. Your account "
            "administrator can activate STS in this region using the IAM Console.",
            403,
        )
    return _OPERATIONS[operation](world, caller, form)


def role_of(form: Mapping[str, str]) -> RoleArn | None:
    """The role that an AssumeRole is about, if it names one."""
    return RoleArn.parse(form.get("RoleArn", ""))


def _get_caller_identity(_world: World, caller: Identity, _form: Mapping[str, str]) -> Result:
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


def _assume_role(world: World, caller: Identity, asked: Mapping[str, str]) -> Result:
    arn = _checked(asked, "RoleArn", _ROLE_ARN)
    session_name = _checked(asked, "RoleSessionName", _SESSION_NAME)
    external_id = _checked(asked, "ExternalId", _EXTERNAL_ID) if "ExternalId" in asked else None
    seconds = _seconds(asked, chained=caller.role is not None)
    for name in asked:
        if name.split(".")[0] in _NOT_SPOKEN:
            raise _validation_error(f"The sandbox does not speak {name}")
    role = role_of(asked)
    if role is None:
        raise _validation_error(f"{arn} is invalid")
    if not world.directory.may_assume(caller, role, external_id):
        raise AwsError(
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            403,
        )
    return _session(world, world.directory.assumed(role, session_name), seconds)


def _session(world: World, identity: Identity, seconds: int) -> Result:
    key = world.keyring.open_session(identity, seconds)
    expiration = world.clock.now() + timedelta(seconds=seconds)
    return {
        "AssumedRoleUser": {"AssumedRoleId": identity.user_id, "Arn": identity.arn},
        "Credentials": {
            "AccessKeyId": key.id,
            "SecretAccessKey": key.secret,
            "SessionToken": key.token or "",
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def _seconds(asked: Mapping[str, str], *, chained: bool) -> int:
    shortest, longest = limits.SESSION_SECONDS
    text = asked.get("DurationSeconds", _DEFAULT_SECONDS)
    if not text.isdecimal():
        raise AwsError("MalformedInput", f"'{text}' can not be converted to an Integer")
    seconds = int(text)
    if not shortest <= seconds <= longest:
        side, bound = ("greater", shortest) if seconds < shortest else ("less", longest)
        constraint = f"Member must have value {side} than or equal to {bound}"
        raise _broken(text, "DurationSeconds", constraint)
    if chained and seconds > limits.CHAINED_SESSION_SECONDS:
        raise _validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
    return seconds


def _checked(asked: Mapping[str, str], name: str, rule: Text) -> str:
    value = asked.get(name)
    if value is None:
        raise _broken(None, name, "Member must not be null")
    if (objection := rule.objection(value)) is not None:
        # The value itself may be an external id, which no message shows.
        raise _broken("***" if name == "ExternalId" else value, name, objection)
    return value


def _broken(value: str | None, name: str, constraint: str) -> AwsError:
    shown = "null" if value is None else f"'{value}'"
    return _validation_error(
        f"1 validation error detected: Value {shown} at '{name[0].lower()}{name[1:]}' failed to "
        f"satisfy constraint: {constraint}"
    )


def _validation_error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


_OPERATIONS: Final[dict[str, Callable[[World, Identity, Mapping[str, str]], Result]]] = {
    "AssumeRole": _assume_role,
    "GetCallerIdentity": _get_caller_identity,
}
