"""Names for imported routes: what they lead from and to, in the words of their selectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from fleet_repl.importing.choosing import Passage
from fleet_repl.importing.describing import Choice
from fleet_repl.importing.places import Frame
from fleet_repl.importing.proposing import Path
from fleet_repl.importing.wording import Wording

_LONGEST: Final = 72
_MOST_SPELLED: Final = 3
"""Values, regions or accounts that a name spells out."""
_YES: Final = frozenset({"true", "yes", "on", "1", "enabled"})


def route_names(passages: Sequence[Passage], wording: Wording) -> tuple[str, ...]:
    """A name for each, no two alike: told apart by prefix where paths are equal, else by number."""
    plain = [_path_name(one.path, wording) for one in passages]
    doubles = Counter(plain)
    told_apart = [
        name if doubles[name] == 1 else f"{name}-{_cargo_name(one)}"
        for name, one in zip(plain, passages, strict=True)
    ]
    names: dict[str, None] = {}
    numbers: Counter[str] = Counter()
    for name in told_apart:
        own = name
        while own in names:
            numbers[name] += 1
            own = f"{name}-{numbers[name] + 1}"
        names[own] = None
    return tuple(names)


def _path_name(path: Path, wording: Wording) -> str:
    source = _choice_name(path.source, wording)
    if path.frame is Frame.NOTHING and path.source == path.destination:
        return f"{source}-mesh"
    match path.frame:
        case Frame.ACCOUNT:
            regions = _regions_name(path.destination, wording)
            end = "-".join(["own", *regions])
        case Frame.REGION:
            end = f"{_choice_name(path.destination, wording)}-nearby"
        case Frame.NOTHING:
            end = _choice_name(path.destination, wording)
        case other:
            assert_never(other)
    return f"{source}-to-{end}"[:_LONGEST].rstrip("-")


def _choice_name(choice: Choice, wording: Wording) -> str:
    parts = [_label_name(label, values, wording) for label, values in choice.labels]
    if choice.accounts is not None:
        texts = [wording.account(one) for one in choice.accounts]
        parts.append(_few(texts) or f"{len(texts)}-accounts")
    parts += _regions_name(choice, wording)
    return "-".join(parts) or "all"


def _label_name(label: str, values: Sequence[str], wording: Wording) -> str:
    texts = [wording.value(label, one) for one in values]
    if len(texts) == 1 and texts[0].lower() in _YES:
        # `hub = "true"` says more by its key.
        return _slug(label)
    return _few(texts) or f"{len(texts)}-{_slug(label)}"


def _regions_name(choice: Choice, wording: Wording) -> list[str]:
    if choice.regions is None:
        return []
    texts = [wording.region(one) for one in choice.regions]
    return [_few(texts) or f"{len(texts)}-regions"]


def _cargo_name(passage: Passage) -> str:
    prefix = "everything" if "" in passage.prefixes else _slug(passage.prefixes[0])
    return f"{prefix[:24].strip('-')}{'-with-deletes' if passage.deletes else ''}"


def _few(texts: Sequence[str]) -> str:
    """The texts, if they are not too many for a name."""
    return "-".join(map(_slug, texts)) if len(texts) <= _MOST_SPELLED else ""


def _slug(text: str) -> str:
    """Letters, digits and . _ of a text, with a dash for anything else."""
    return "-".join(_words(text)) or "x"


def _words(text: str) -> Iterable[str]:
    plain = "".join(one if one.isalnum() or one in "._" else "-" for one in text)
    return filter(None, plain.split("-"))
