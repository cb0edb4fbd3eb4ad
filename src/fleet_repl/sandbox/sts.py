"""STS: AssumeRole and GetCallerIdentity, as functions on a world.

Parameters come from a form, results are nested names and texts that `wire` writes as XML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from fleet_repl import limits
from fleet_repl.names import Region, RoleArn
from fleet_repl.sandbox.directory import Identity
from fleet_repl.sandbox.refusals import Refusal
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
_DEFAULT_SECONDS: Final = 3600
_NOT_SPOKEN: Final = ("Policy", "PolicyArns", "SerialNumber", "TokenCode", "ProvidedContexts")
"""Parameters that would change what a session may do, which a sandbox does not model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StsCall:
    caller: Identity
    region: Region
    parameters: Mapping[str, str]


def call_sts(world: World, operation: str, call: StsCall) -> Result:
    """The operation's result. Raises Refusal."""
    if not world.directory.enabled(call.caller.account, call.region):
        raise Refusal(
            "RegionDisabledException",
            f"STS is not activated in this region for account:{call.caller.account}. Your account "
            "administrator can activate STS in this region using the IAM Console.",
            403,
        )
    return _OPERATIONS[operation](world, call)


def role_of(parameters: Mapping[str, str]) -> RoleArn | None:
    """The role that an AssumeRole is about, if it names one."""
    return RoleArn.parse(parameters.get("RoleArn", ""))


def _get_caller_identity(_world: World, call: StsCall) -> Result:
    return {
        "UserId": call.caller.user_id,
        "Account": call.caller.account,
        "Arn": call.caller.arn,
    }


def _assume_role(world: World, call: StsCall) -> Result:
    asked = call.parameters
    role, name = _checked_role(asked), _checked(asked, "RoleSessionName", _SESSION_NAME)
    seconds = _seconds(asked, chained=call.caller.role is not None)
    external_id = _checked(asked, "ExternalId", _EXTERNAL_ID) if "ExternalId" in asked else None
    for one in _NOT_SPOKEN:
        if any(key.split(".")[0] == one for key in asked):
            raise _validation_error(f"The sandbox does not speak {one}")
    if role is None or not world.directory.may_assume(call.caller, role, external_id):
        raise Refusal(
            "AccessDenied",
            f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
            f"{asked['RoleArn']}",
            403,
        )
    session = world.open_session(role, name, seconds)
    expiration = session.expiration
    ...
