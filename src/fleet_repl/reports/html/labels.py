"""The labels of a fleet's accounts, as far as a document has them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.names import AccountId, Registry

_MOST_VALUES: Final = 6
"""The most values of a label that divides the regions of a fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of accounts, and the label by which the registries of a region are grouped."""

    by_account: Mapping[AccountId, Mapping[str, str]] = field(default_factory=dict)
    divider: str | None = None

    def of(self, account: AccountId) -> tuple[str, ...]:
        """Returns the labels of an account, such as `team=payments`."""
        return tuple(
            f"{key}={value}" for key, value in sorted(self.by_account.get(account, {}).items())
        )

    def group(self, registry: Registry) -> str:
        """Returns the group of a registry: `eu-west-1`, or `eu-west-1, stage=prod`."""
        value = self.by_account.get(registry.account, {}).get(self.divider or "")
        return registry.region if value is None else f"{registry.region}, {self.divider}={value}"


def labels_of(document: Plan | Report) -> Labels:
    """Returns the labels in a plan or a report."""
    by_account = document.account_labels if isinstance(document, Plan) else document.labels
    return Labels(by_account=by_account, divider=_divider(by_account.values()))


def _divider(labels: Iterable[Mapping[str, str]]) -> str | None:
    """Returns the label with the fewest values, of those that have two to six: `stage` rather than
    `team`."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for account_labels in labels:
        for key, value in account_labels.items():
            values[key].add(value)
    numbers = {key: len(some) for key, some in values.items() if 2 <= len(some) <= _MOST_VALUES}
    return min(numbers, key=lambda key: (numbers[key], key), default=None)
