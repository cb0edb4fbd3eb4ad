"""IAM's wildcards: `*` for any text, `?` for one character.

Patterns come from policies that anybody may write, so none may take exponential time: a star
is tried again only until the next one is reached, which is enough.
"""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Whether all of `text` fits `pattern`, letter case and all.

    At most len(pattern) * len(text) steps: once a later star is reached, what an earlier one
    took never has to be reconsidered, since the later one can take at least as much.
    """
    at, star, resume = 0, -1, 0
    position = 0
    while position < len(text):
        wanted = pattern[at] if at < len(pattern) else None
        if wanted == "*":
            star, resume = at, position
            at += 1
        elif wanted is not None and wanted in ("?", text[position]):
            at += 1
            position += 1
        elif star >= 0:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return all(one == "*" for one in pattern[at:])
