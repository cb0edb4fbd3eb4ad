"""Lists of repositories by whole names, as `only` and `exclude` of a route have them.

An entry names a repository and those below it: `base/java` is `base/java` and `base/java/17`, and
not `base/javascript`, which the prefix `base/java` of ECR would match too. With a slash at its end
an entry names only those below: `base/private/` is `base/private/x`, and not `base/private`.
"""

from __future__ import annotations

from functools import lru_cache


def folder_of(entry: str) -> str:
    """Returns what the repositories below an entry start with."""
    return entry if entry.endswith("/") else f"{entry}/"


def lists(entries: tuple[str, ...], repository: str) -> bool:
    """Returns whether an entry names the repository."""
    return repository in entries or repository.startswith(_folders(entries))


@lru_cache
def _folders(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Made once for a list: a source may have 100,000 repositories to compare with it."""
    return tuple(map(folder_of, entries))


def lists_some(entry: str, prefix: str) -> bool:
    """Returns whether the entry may name a repository that starts with `prefix`."""
    return entry.startswith(prefix) or prefix.startswith(folder_of(entry))
