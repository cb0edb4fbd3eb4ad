"""The remedies for failures of calls, worded once for runs and for examinations of a fleet. Pure.

A remedy is a sentence; where it ends in a colon, commands to run or statements to paste follow, on
lines of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from fleet_repl.values.canonical_json import Json, compact_json

RENEW_BASE: Final = (
    "renew the base identity's credentials, for instance with `aws sso login`, and run again"
)
CLOCK: Final = (
    "set this machine's clock, best by NTP; AWS refuses requests that are five minutes off:\n"
    "timedatectl set-ntp true"
)

_DENYING: Final = re.compile(
    r"(?:explicit deny in an?|because no) "
    r"(service control policy|resource control policy|permissions boundary|VPC endpoint policy)"
)
_CONTROL_POLICIES: Final = {
    "service control policy": ("SCP", "SERVICE_CONTROL_POLICY"),
    "resource control policy": ("RCP", "RESOURCE_CONTROL_POLICY"),
}
"""For each kind of the organization's policies: its short name and its name in the API."""


def pasteable(documents: Iterable[Mapping[str, Json]]) -> str:
    """Statements for a policy that may have others: without Sids, of which no two may be equal."""
    return ",\n".join(
        compact_json({key: value for key, value in document.items() if key != "Sid"})
        for document in documents
    )


def allow(identity: str, documents: Iterable[Mapping[str, Json]], said: str = "") -> str:
    """The remedy for calls that an identity may not make.

    `documents`: the statements that allow them. `said`: AWS's words, perhaps naming a policy.
    """
    statements = pasteable(documents)
    match = _DENYING.search(said)
    if match is None:
        return (
            f"add this to a policy of {identity}, and see that no SCP, RCP or permissions boundary "
            f"denies it:\n{statements}"
        )
    if match[1] in _CONTROL_POLICIES:
        account = re.search(r"::(\w+):", identity)
        return _except(match[1], identity, account[1] if account else "ACCOUNT")
    of_identity = f" of {identity}" if match[1] == "permissions boundary" else ""
    return (
        f"add this to the {match[1]}{of_identity}, and see that it denies none of it:\n{statements}"
    )


def trust(
    role: str, assumer: str, *, asks_external_id: bool, bootstrap: str, said: str = ""
) -> str:
    """The remedy for a role that could not be assumed: AWS tells nobody whether it exists.

    `bootstrap`: the command that prints what makes the role. `said`: AWS's words, which may name
    the policy that is in the way: an SCP belongs to the assumer's account, an RCP to the role's.
    """
    match = _DENYING.search(said)
    if match is not None and match[1] in _CONTROL_POLICIES:
        owner = assumer if match[1].startswith("service") else role
        account = re.search(r"::(\w+):", owner)
        return _except(match[1], assumer, account[1] if account else "ACCOUNT")
    external_id = (
        "and asks for the external id of the inventory"
        if asks_external_id
        else "without an external id (the inventory has none)"
    )
    return (
        f"see that {role} exists and trusts {assumer} {external_id}, that the latter may "
        f"sts:AssumeRole it, and that no SCP or RCP denies it; this prints what makes the role:\n"
        f"{bootstrap}"
    )


def enable_region(account: str, region: str) -> str:
    """The remedy for a region that an account has not enabled."""
    return (
        "enable it, or take it out of the account's regions:\n"
        f"aws account enable-region --account-id {account} --region-name {region}"
    )


def followed(remedy: str, then: str, command: str) -> str:
    """A remedy with one more thing to do, `then`, and its command."""
    sentence, _, lines = remedy.partition("\n")
    if lines:
        return f"{remedy}\n{command}"
    return f"{sentence}{then}:\n{command}"


def _except(policy: str, identity: str, account: str) -> str:
    short, kind = _CONTROL_POLICIES[policy]
    return (
        f"an {short} of the organization denies it, whatever other policies allow: have whoever "
        f"manages the organization except {identity} from it; it is attached to the account, a "
        f"unit above it or the root:\naws organizations list-policies-for-target --target-id "
        f"{account} --filter {kind}"
    )
