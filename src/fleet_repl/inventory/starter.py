"""The first inventory of a fleet: a commented file that is valid as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.values.text import quoted

EXAMPLES: Final = ("111111111111", "222222222222")
"""Accounts that stand in a first inventory until somebody writes down which ones there are."""

_EVERYBODY: Final = (
    '{}      # every account; ECR takes 25 at most: narrow it, { labels = { env = "prod" } }'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterAnswers:
    """The facts about a fleet that its first inventory is made from."""

    name: str = "prod"
    role: str = "fleet-replication"
    regions: Sequence[str] = ("eu-west-1",)
    source: str = EXAMPLES[0]
    """The account that images are pushed to."""
    destinations: Sequence[str] = EXAMPLES[1:]
    """The accounts that pull them."""
    prefixes: Sequence[str] = field(default_factory=tuple)
    """The repositories that are replicated, by prefix; none: every one."""
    organization: bool = False
    """True if accounts are discovered, and not listed."""


def starter_text(answers: StarterAnswers) -> str:
    """A commented inventory for these answers. A value that no inventory may hold is written all
    the same: whoever reads the file names it with its line."""
    accounts = _discovered(answers) if answers.organization else _listed(answers)
    return f"""\
# An inventory for fleet-repl: which ECR registries there are, and what replicates where.
# `fleet-repl validate` checks this file offline; `fleet-repl schema` helps editors to complete it.

version = 1
name = {quoted(answers.name)}

[aws]
role = {quoted(answers.role)}      # assumed in each account; `fleet-repl bootstrap` prints it
regions = {_texts(answers.regions)}      # for accounts that list none themselves
# external_id = "${{FLEET_EXTERNAL_ID}}"      # if the role's trust policy asks for one
# via = ["arn:aws:iam::999999999999:role/hub"]      # roles to pass through on the way

[state]
location = ".fleet-repl"      # what is remembered; s3://bucket/prefix shares it with a team

# Until you trust it: rules that others made are kept, and nothing of theirs is taken away.
# With "exclusive" this file is the whole truth about the rules of the registries in it.
[ownership]
rules = "additive"

{accounts}"""


def _listed(answers: StarterAnswers) -> str:
    source = _account(answers.source, "build", "source")
    receivers = [
        _account(account, f"team-{number}", "destination")
        for number, account in enumerate(answers.destinations, 1)
    ]
    return f"""\
# --- Accounts: give each a name and labels, and let routes select by labels ---------------

{source}{"".join(receivers)}{_route(answers, '{ labels = { images = "destination" } }')}"""


def _discovered(answers: StarterAnswers) -> str:
    return f"""\
# --- Accounts: those of the organization, with labels from tags and organizational units ---

[organization]
# id = "o-abcde12345"      # refuse to work on any other one
# ous = ["ou-abcd-11111111"]      # only what is below these units
# exclude = ["333333333333"]
labels_from_tags = ["env", "team"]      # the labels `ou` and `ou_path` are always there
# role = "arn:aws:iam::999999999999:role/org-reader"      # who may list the accounts

# What is written here for an account comes before what is discovered about it.
{_account(answers.source, "build", "source")}{_route(answers, _EVERYBODY)}"""


def _account(account: str, name: str, images: str) -> str:
    return f"""\
[[accounts]]
id = {quoted(account)}
name = {quoted(name)}
labels = {{ images = {quoted(images)} }}

"""


def _route(answers: StarterAnswers, destinations: str) -> str:
    """`destinations`: the selector, as TOML, and what there is to say about it."""
    prefixes = (
        f"prefixes = {_texts(answers.prefixes)}\n"
        if answers.prefixes
        else '# prefixes = ["base/"]      # without it, every repository\n'
    )
    return f"""\
# --- Routes: every source that matches replicates to every destination that matches --------

[[routes]]
name = "images"
from = {{ labels = {{ images = "source" }} }}
to = {destinations}
{prefixes}# backfill = "new-links"      # copy what was pushed before the rule was in place
"""


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, values))}]"
