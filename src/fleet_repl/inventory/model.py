"""One fleet as a frozen value: what the operator wrote, checked and resolved.

Names of accounts are ids, durations are seconds, and defaults are filled in. The parts of it
are where their tables are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet_repl.inventory.accounts import Account, AccountDefaults, AccountTable, External
from fleet_repl.inventory.acknowledgements import Acknowledgement
from fleet_repl.inventory.discovered import Discovery
from fleet_repl.inventory.fields import ENABLED
from fleet_repl.inventory.findings import nearest_line
from fleet_repl.inventory.organization import Organization
from fleet_repl.inventory.routes import Route
from fleet_repl.inventory.safety import Safety, Wave
from fleet_repl.inventory.settings import Apply, Aws, Limits, Ownership, State
from fleet_repl.inventory.templates import Template
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import AccountId, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An inventory file as it was read, to be checked again once its accounts are known."""

    document: Mapping[str, object]
    """The document as it was parsed."""
    filled: Mapping[str, object]
    """The document with values from the environment filled in."""
    routes_required: bool
    defaults: AccountDefaults
    policies: Mapping[str, str]
    """File of a template's policy → its text."""


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Inventory:
    """One fleet. `digest` is over the parsed document before `${}` was filled in."""

    path: str
    digest: str
    name: str
    aws: Aws = field(default_factory=Aws)
    accounts: tuple[Account, ...]
    externals: tuple[External, ...] = ()
    routes: tuple[Route, ...] = ()
    templates: tuple[Template, ...] = ()
    ownership: Ownership = field(default_factory=Ownership)
    apply: Apply = field(default_factory=Apply)
    limits: Limits = field(default_factory=Limits)
    state: State = field(default_factory=State)
    waves: tuple[Wave, ...] = ()
    """In their order."""
    safety: Safety = field(default_factory=Safety)
    acknowledged: tuple[Acknowledgement, ...] = ()
    organization: Organization | None = None
    """The organization whose accounts are discovered; None where the file lists all accounts."""
    listed: tuple[AccountTable, ...] = ()
    """The entries under [[accounts]] of a fleet that is discovered; of any other, none."""
    discovery: Discovery | None = None
    """The discovery whose accounts are part of `accounts`; None where nothing was discovered."""
    unset: tuple[Problem, ...] = field(default=(), compare=False)
    """External ids that are missing because their variables are not set. Such an inventory is
    good for everything that does not call AWS."""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    """Key path → 1-based line, for problems found by later stages."""
    text: str | None = field(default=None, repr=False, compare=False)
    """The content of standard input, which cannot be read again; None for a file."""
    files: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Every file that the inventory was read from → a digest of the text in it then."""
    given_state: str | None = field(default=None, repr=False, compare=False)
    """The state location that a command was given in place of `state`."""

    reading: Reading | None = field(default=None, repr=False, compare=False)
    """None for a file that says everything about its accounts."""
    external_ids: Mapping[AccountId | None, Secret] = field(
        default_factory=dict, repr=False, compare=False
    )
    """The external ids as the file spells them, before `${}` was filled in: by account, and under
    None the external id of [aws]."""

    @property
    def needs_discovery(self) -> bool:
        """Returns whether AWS has to be asked for accounts or regions before there is a fleet."""
        return self.reading is not None and self.discovery is None

    @property
    def asks_regions(self) -> bool:
        """Returns whether accounts are asked which regions they have enabled."""
        unlisted = self.reading is not None and self.reading.defaults.aws.regions == ENABLED
        return unlisted or any(account.asks_regions for account in self.accounts)

    def problem(self, key: str, message: str, remedy: str) -> Problem:
        """Returns the problem that a later stage has with the value at `key`."""
        line = nearest_line(self.lines, key)
        return Problem(file=self.path, line=line, key=key, message=message, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRef:
    """A reference to the inventory that a plan was made from."""

    path: str
    digest: str
