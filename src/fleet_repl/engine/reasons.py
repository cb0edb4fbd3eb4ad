"""The reasons why rules and policies are not written, and why grants stay. Pure."""

from __future__ import annotations

from collections.abc import Collection

from fleet_repl.planning.change import Phase
from fleet_repl.values.names import Registry


def rules_left_out(*, in_doubt: bool) -> str:
    """Returns why rules are not written after an earlier write of the same rules has failed."""
    if in_doubt:
        return "it is not known whether an earlier change of its rules was written"
    return "an earlier change of its rules was not written"


def policy_left_out(failed: Phase, *, in_doubt: bool) -> str:
    """Returns why a policy is not written after its earlier write failed in the phase `failed`."""
    if in_doubt:
        return "it is not known whether an earlier change of its registry policy was written"
    if failed is Phase.GRANTS:
        return "the new grants of its registry policy were not written"
    return "an earlier withdrawal from its registry policy failed"


def still_used(unwritten: Collection[Registry], unknown: Collection[Registry]) -> str:
    """Returns why grants stay: the rules of their sources may not have been written."""
    reasons = []
    if unwritten:
        reasons.append(
            f"the rules of {_named(unwritten)} were not written and may still use its grants"
        )
    if unknown:
        reasons.append(
            f"it is not known whether the rules of {_named(unknown)} were written; they may still "
            "use its grants"
        )
    return "; ".join(reasons)


def _named(registries: Collection[Registry]) -> str:
    return ", ".join(map(str, sorted(registries)))
