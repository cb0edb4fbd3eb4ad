"""What the formats of a coverage say alike, in words. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from fleet_repl.runs.coverage import Gap, ImageInUse, LinkCoverage, RouteCoverage, Tally, Unrouted
from fleet_repl.values.text import counted, listed, timestamp


def nowhere(
    unrouted: Iterable[Unrouted],
) -> Mapping[str, list[tuple[Unrouted, tuple[str, ...]]]]:
    """Returns what goes nowhere by the first part of the repositories' names: each source with
    those of its repositories. `team/other` is part of `team/`, and `app` is a part of its own."""
    groups: dict[str, list[tuple[Unrouted, tuple[str, ...]]]] = defaultdict(list)
    for source in unrouted:
        parts: dict[str, list[str]] = defaultdict(list)
        for name in source.repositories:
            first, slash, _ = name.partition("/")
            parts[first + slash].append(name)
        for part, names in parts.items():
            groups[part].append((source, tuple(names)))
    return groups


def route_words(route: RouteCoverage) -> str:
    """Returns `golden: 3 of 4 images; objective 100% missed: 50% at the destination that has
    least`."""
    tally, noun = route.repositories, "repository"
    if route.images is not None:
        tally, noun = route.images, "image"
    words = f"{route.name}: {tally_words(tally, noun)}"
    if route.unknown:
        words += f"; {counted(route.unknown, 'link')} unknown"
    if route.objective is not None:
        verdict = {True: "met", False: "missed", None: "not known to be met"}[route.is_met]
        words += f"; objective {percent(route.objective)} {verdict}"
        if route.is_met is False and route.least is not None:
            words += f": {percent(route.least)} at the destination that has least"
    return words


def shared_remedies(remedies: Iterable[str | None]) -> list[str]:
    """Returns what to do about the gaps of several routes: each sentence once, with the commands of
    all routes that it is about, and a command that they have in common once."""
    commands: dict[str, dict[str, None]] = defaultdict(dict)
    for remedy in filter(None, remedies):
        sentence, *lines = remedy.splitlines()
        commands[sentence].update(dict.fromkeys(lines))
    return ["\n".join((sentence, *lines)) for sentence, lines in commands.items()]


def link_words(link: LinkCoverage) -> str:
    """Returns `1 of 2 repositories and 30 of 100 images are missing`."""
    absent = sum(not gap.exists for gap in link.gaps)
    parts = []
    if absent:
        parts.append(f"{absent:,} of {counted(link.repositories.wanted, 'repository')}")
    if link.images is not None:
        parts.append(f"{link.images.missing:,} of {counted(link.images.wanted, 'image')}")
    late = link.images.pending if link.images is not None else link.repositories.pending
    pending = f", {late:,} under way" if late else ""
    return f"{' and '.join(parts)} missing{pending}"


def gap_words(gap: Gap) -> str:
    """Returns `base/a: 3 images missing, the newest :1.2 of 2026-11-23T08:15:00Z`."""
    parts = [] if gap.exists else ["not there"]
    if gap.missing is not None:
        parts.append(f"{counted(gap.missing, 'image')} missing")
    if not gap.has_rule:
        parts.append("no rule of the source carries it")
    if gap.newest:
        images = (
            f"{f':{image.tags[0]}' if image.tags else f'@{image.digest[:19]}'} of "
            f"{timestamp(image.pushed_at)}"
            for image in gap.newest
        )
        parts.append(f"the newest {', '.join(images)}")
    return f"{gap.repository}: {', '.join(parts)}"


def use_words(use: ImageInUse) -> str:
    """Returns `base/go:1.25 (ecs shop/service:web)`."""
    names = [f"{workload.runtime} {workload.name}" for workload in use.workloads]
    what = f":{use.tags[0]}" if use.tags else f"@{(use.image.digest or '')[:19]}"
    return f"{use.image.repository}{what} ({listed(names, 2)})"


def lost_words(images: Iterable[ImageInUse], verb: str = "") -> str:
    """Returns `2 of 3 running images would be nowhere, and 1 may be`, with the verb `would be
    nowhere`."""
    lost = [image.is_lost for image in images]
    doubtful = f", and {lost.count(None):,} may be" if None in lost else ""
    words = f"{lost.count(True):,} of {counted(len(lost), 'running image')} {verb}".rstrip()
    return words + doubtful


def place_words(use: ImageInUse) -> str:
    """Returns `nowhere else; missing in 111111111111/us-east-1`."""
    nowhere_else = "nowhere else that could be read" if use.unknown else "nowhere else"
    parts = [f"also in {listed(use.copies, 3)}" if use.copies else nowhere_else]
    if use.missing:
        parts.append(f"missing in {listed(use.missing, 3)}")
    if use.unknown:
        parts.append(f"not known of {listed(use.unknown, 3)}")
    return "; ".join(parts)


def tally_words(tally: Tally, noun: str) -> str:
    """Returns `3 of 4 images, 1 under way`."""
    pending = f", {tally.pending:,} under way" if tally.pending else ""
    return f"{tally.present:,} of {counted(tally.wanted, noun)}{pending}"


def percent(share: Fraction | float) -> str:
    """Returns `75%` or `99.999%`. Whatever falls short of everything is not rounded up to it."""
    return f"{int(round(Fraction(share) * 100_000, 6)) / 1000:g}%"
