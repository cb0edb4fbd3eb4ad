"""The comments of a template: paragraphs and commands as comment lines, and the accounts left
out."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from fleet_repl.reports.bootstrap.model import AccountRole, Bootstrap
from fleet_repl.values.text import counted, joined, listed, visible

_WIDTH: Final = 98
_MOST_NAMED: Final = 5


def paragraph(text: str) -> Iterator[str]:
    """The lines of a comment, and an empty one after it."""
    yield from (f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False))
    yield "#"


def bullets(items: Iterable[str]) -> Iterator[str]:
    for text in items:
        lines = textwrap.wrap(text, _WIDTH - 4, break_on_hyphens=False)
        yield from (f"# {'  ' if number else '- '}{line}" for number, line in enumerate(lines))
    yield "#"


def shell(*words: str) -> Iterator[str]:
    """A command for a POSIX shell, of words that are quoted already."""
    line = words[0]
    for word in words[1:]:
        if len(line) + len(word) > _WIDTH - 6:
            yield f"#   {line} \\"
            line = f"  {word}"
        else:
            line = f"{line} {word}"
    yield f"#   {line}"
    yield "#"


def roles_in_words(bootstrap: Bootstrap) -> str:
    """`role fleet-replication`, `roles a and b`."""
    return f"role{'s' if bootstrap.paths[1:] else ''} {joined(bootstrap.paths)}"


def left_out(bootstrap: Bootstrap) -> Iterator[str]:
    """Whom a StackSet does not reach, or need not."""
    yield (
        "The organization's management account, even within such a unit: StackSets pass it over."
    )
    yield "Accounts outside these units."
    if bootstrap.own_accounts:
        accounts = listed(bootstrap.own_accounts, _MOST_NAMED)
        yield (
            f'{accounts}, with role = "none": the base identity acts there itself, and '
            "--format iam prints the policy for it."
        )
    if bootstrap.hubs:
        yield (
            f"{counted(len(bootstrap.hubs), 'hub role')}, in [aws] via: --format iam prints the "
            "trust and the policy for each."
        )
    if bootstrap.organization_role is not None:
        yield (
            "The role that lists the organization: --format iam prints the trust and the policy "
            "for it."
        )
    reading = " and to read the queue of deliveries" if bootstrap.queue is not None else ""
    yield (
        f"The base identity, which has to be allowed to assume the next role{reading}: --format "
        "iam prints the policy for it."
    )
    if bootstrap.externals:
        names = listed([visible(external.name) for external in bootstrap.externals], _MOST_NAMED)
        yield f"External accounts, of which nothing is managed: {names}."


def quoted_parameter(key: str, value: str) -> str:
    """A parameter for the AWS CLI, whose shorthand gives commas a meaning. A value that begins
    with a dollar is a variable of the shell."""
    if value.startswith("$"):
        return f'"ParameterKey={key},ParameterValue=\\"{value}\\""'
    escaped = value.replace("\\", "\\\\").replace(",", "\\,")
    return shlex.quote(f"ParameterKey={key},ParameterValue={escaped}")


def external_id_variable(number: int) -> str:
    """The name of a shell variable for an external id: EXTERNAL_ID, EXTERNAL_ID_2."""
    return "EXTERNAL_ID" if number == 1 else f"EXTERNAL_ID_{number}"


def external_ids(bootstrap: Bootstrap) -> dict[int, str]:
    """Returns a sentence for each number of an external id: the roles that use it."""
    owners_by_number: dict[int, list[str]] = {}
    if bootstrap.hub_external_id is not None:
        owners_by_number[bootstrap.hub_external_id] = [
            *(["the hub roles"] if bootstrap.hubs else ()),
            *(["the role that lists the organization"] if bootstrap.organization_role else ()),
        ]
    for role in bootstrap.roles:
        if role.external_id is not None:
            owners = f"{role.path} in {listed(role.accounts, _MOST_NAMED)}"
            owners_by_number.setdefault(role.external_id, []).append(owners)
    return {number: joined(owners) for number, owners in sorted(owners_by_number.items())}


def commented(lines: Iterable[str]) -> str:
    """The comment as a whole, without the empty line at its end."""
    *most, last = lines
    return "\n".join(most if last == "#" else (*most, last))


def others(bootstrap: Bootstrap, main: AccountRole) -> tuple[str, ...]:
    """The accounts that must not get the main role."""
    rest = [account for role in bootstrap.roles if role is not main for account in role.accounts]
    return tuple(sorted({*rest, *bootstrap.own_accounts}))
