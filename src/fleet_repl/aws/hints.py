"""What the reader of a failed call can do about it, in plain words.

Pure: a hint follows from the call, the kind of failure and AWS's code alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from fleet_repl.aws.calls import Call
from fleet_repl.canonical import Json, JsonObject
from fleet_repl.errors import FaultKind
from fleet_repl.names import AccountId

RENEW_BASE: Final = (
    "renew the base identity's credentials, for instance with `aws sso login`, and run again"
)
CLOCK: Final = "set this machine's clock: AWS refuses requests that look minutes old"
SIGNATURE: Final = (
    "the secret key is wrong, or something on the way alters requests: check the credentials and "
    "the proxy"
)
CERTIFICATES: Final = (
    "name the certificate authorities to trust in AWS_CA_BUNDLE, or unset it if it is wrong"
)
NOT_AWS: Final = (
    "something on the way may have answered in AWS's place: check the proxy and AWS_ENDPOINT_URL"
)
WAY: Final = "check the way to AWS: name resolution, proxy, AWS_ENDPOINT_URL"
NEWER: Final = "the installed AWS SDK does not know that: upgrade aiobotocore"
SETTINGS: Final = "check the AWS settings in the environment and the profile"
DEFECT: Final = "this is a defect of fleet-repl; please report it"

_HINTS: Final = {
    FaultKind.THROTTLED: "lower [apply] sts_rate, or raise [apply] attempts",
    FaultKind.REGION_DISABLED: "set [aws] sts_region to a region that is enabled",
    FaultKind.TIMEOUT: "raise [apply] timeout if the network is slow",
    FaultKind.NETWORK: WAY,
    FaultKind.WRONG_ACCOUNT: "check the account in the inventory, its role, and AWS_ENDPOINT_URL",
    FaultKind.SERVICE: "the failure is on AWS's side: run again later",
    FaultKind.INTERNAL: DEFECT,
}
_NAMED_ACCOUNTS: Final = 10
_PRINCIPAL: Final = re.compile(r"(?:arn:[a-z-]+:iam::)?([0-9]{12})(?::.*)?")


def hint_for(kind: FaultKind, call: Call) -> str | None:
    """What to do about a failure of this kind; None where there is nothing to say."""
    match kind:
        case FaultKind.ACCESS_DENIED:
            return _allow(call)
        case FaultKind.REGION_DISABLED if call.service == "ecr":
            return (
                f"enable {call.region} for account {call.account}, or take it out of the inventory"
            )
        case FaultKind.THROTTLED if call.service == "ecr":
            return "lower [apply] concurrency, or raise [apply] attempts"
        case _:
            return _HINTS.get(kind)


def _allow(call: Call) -> str:
    if call.operation == "AssumeRole":
        external_id = " and expect the inventory's external id" if call.hidden else ""
        return (
            f"the trust policy of {call.role} must name who assumes it{external_id}, who assumes "
            "it needs sts:AssumeRole on it, and no SCP may deny that; AWS answers the same where "
            "the role does not exist"
        )
    who = str(call.role) if call.role is not None else "the base identity"
    needed = f"{call.service}:{call.operation}"
    if call.operation == "PutReplicationConfiguration":
        needed += " and, for replication.ecr.amazonaws.com, iam:CreateServiceLinkedRole"
    return f"allow {who} {needed}, and see that no SCP denies it"


def session_too_long(call: Call) -> str:
    """For a DurationSeconds that the role does not grant."""
    return f"lower session_duration, or raise the maximum session duration of {call.role}"


def unknown_principal(policy: JsonObject) -> str:
    """For a policy that AWS takes to be invalid although it is well-formed."""
    accounts = sorted(_principal_accounts(policy))
    if not accounts:
        return "one of its principals may not exist"
    named = ", ".join(accounts[:_NAMED_ACCOUNTS])
    more = len(accounts) - _NAMED_ACCOUNTS
    rest = f" and {more} more" if more > 0 else ""
    return (
        "one of its principals may not exist: see whether one of these accounts has been closed, "
        f"and take it out of the inventory, or out of the foreign statements: {named}{rest}"
    )


def _principal_accounts(policy: JsonObject) -> set[AccountId]:
    """Accounts that the `Principal` elements of a policy document name."""
    found: set[AccountId] = set()
    for statement in _listed(policy.get("Statement")):
        principal = statement.get("Principal") if isinstance(statement, Mapping) else None
        for name in _listed(principal.get("AWS") if isinstance(principal, Mapping) else None):
            if isinstance(name, str) and (match := _PRINCIPAL.fullmatch(name)):
                found.add(AccountId(match[1]))
    return found


def _listed(value: Json) -> Sequence[Json]:
    """IAM takes one thing for a list of one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
