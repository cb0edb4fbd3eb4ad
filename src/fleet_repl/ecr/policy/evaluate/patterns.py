"""Patterns of `*` and `?`, as policies have them in resources, actions and conditions."""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Returns whether a pattern of `*` and `?` matches the whole of `text`."""
    if "?" not in pattern:
        # Nearly all patterns there are: none, or one star at the end.
        plain, star, rest = pattern.partition("*")
        if not star:
            return plain == text
        if not rest:
            return text.startswith(plain)
    return len(pattern) in _reached(pattern, text)


def meets(pattern: str, start: str) -> bool:
    """Returns whether `pattern` matches anything that begins with `start`."""
    # Whatever of the pattern is left after `start` can always be satisfied.
    plain, star, rest = pattern.partition("*")
    if "?" not in plain and not rest:
        return plain.startswith(start) or (bool(star) and start.startswith(plain))
    return bool(_reached(pattern, start))


def reaches(pattern: str, start: str) -> bool:
    """Returns whether `pattern` matches everything that begins with `start`."""
    return pattern.endswith("*") and matches(pattern, start)


def _reached(pattern: str, text: str) -> set[int]:
    """Returns the positions in a pattern of `*` and `?` that a match of `text` may end at.

    One pass over the text with every possible position: no pattern takes long to decide.
    """
    positions = _past_stars(pattern, {0})
    for letter in text:
        if not positions:
            break
        moved = {
            at if pattern[at] == "*" else at + 1
            for at in positions
            if at < len(pattern) and pattern[at] in ("*", "?", letter)
        }
        positions = _past_stars(pattern, moved)
    return positions


def _past_stars(pattern: str, positions: set[int]) -> set[int]:
    """The positions, and those behind stars that may match nothing."""
    reached = set(positions)
    for start in positions:
        at = start
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            reached.add(at)
    return reached
