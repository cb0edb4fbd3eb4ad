"""What happens in a sequence, drawn from a seed: two fleets, strangers, and everything at fault.

Pure: the same seed gives the same sequence, whatever is made of it later. What the fleets want is
told apart by its prefixes: those of the first fleet begin with `a`, those of the second with `b`,
and those of strangers with `x`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

ACCOUNTS: Final = tuple(range(1, 7))
"""Numbers of the accounts; the registry of each is in one region."""
FLEETS: Final = ("alpha", "beta")
LETTERS: Final = {"alpha": "a", "beta": "b"}
STRANGERS: Final = "x"
REPOSITORIES: Final = tuple(
    f"{letter}{number}/x" for letter in LETTERS.values() for number in range(8)
)
"""The repositories of every registry: one below each prefix that a route may have."""
WRITES: Final = ("PutReplicationConfiguration", "PutRegistryPolicy", "DeleteRegistryPolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteText:
    """A route of an inventory."""

    source: int
    ends: tuple[int, ...]
    prefixes: tuple[str, ...]

    @property
    def by_name(self) -> bool:
        """Whether the inventory names the repositories, so that each run lists them."""
        return (self.source + len(self.ends) + len(self.prefixes)) % 3 == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetText:
    """What an inventory says."""

    name: str
    accounts: tuple[int, ...]
    sources: tuple[int, ...]
    """Accounts that routes may start from."""
    retired: frozenset[int] = frozenset()
    rules: str = "additive"
    routes: tuple[RouteText, ...] = ()
    waves: tuple[tuple[int, ...], ...] = ()
    templates: tuple[tuple[str, int], ...] = ()
    """Prefixes, and the account of each."""
    concurrency: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A stranger's edit of one registry, or of a rule or statement in it. `last-read`: of the
    document that the run has been shown last, whichever that is."""

    kind: str
    account: int
    number: int
    """Makes what is added unlike all other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point of a run: its nth call or its nth work on the state."""

    kind: str
    nth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to a run from outside while it goes on."""

    faults: tuple[tuple[str, float], ...] = ()
    """Mishaps of AWS, and how often each."""
    seed: int = 0
    lag_ms: int = 0
    state_ms: int = 0
    """How long each work on the state takes, in real time: a bucket's is slower than a call."""
    denied: tuple[tuple[int, str], ...] = ()
    """Accounts whose role may not make a call, or may not be assumed where that is empty."""
    killed: Moment | None = None
    carried_out: bool = True
    """Whether the call at which it is killed still has its effect."""
    stopped: Moment | None = None
    edits: tuple[tuple[Moment, Edit], ...] = ()
    overtaken: tuple[int, FleetText, Run] | None = None
    """At this work on the state, the inventory is changed so, and another run of the fleet goes
    from its beginning to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of one fleet."""

    fleet: str
    kind: str
    """`apply`, `keep` (a plan in a file), `kept` (that plan applied), `watch` or `rollback`."""
    accounts: tuple[int, ...] = ()
    wave: bool = False
    """Whether it ends with the first wave."""
    force: bool = False
    which: int = 0
    """For a rollback: which of the runs before it, counted from the last one."""
    trouble: Trouble = field(default_factory=Trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Runs of both fleets at once."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """Somebody changes an inventory."""

    text: FleetText


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Somebody freezes a fleet, or lifts that."""

    fleet: str
    frozen: bool


Step: TypeAlias = Run | Together | Rewritten | Frozen | Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that happens in one world."""

    seed: int
    one_state: bool
    """Whether both fleets keep their state in the same place."""
    fleets: tuple[FleetText, ...]
    steps: tuple[Step, ...] = field(default=())


EDITS: Final = (
    "rule",
    "empty-rule",
    "rule-away",
    "our-rule-widened",
    "our-rule-away",
    "statement",
    "statement-away",
    "statement-respelled",
    "our-statement-respelled",
    "our-statement-away",
    "template",
    "template-away",
)
_MISHAPS: Final = ("throttled", "server-error", "lost-answer", "dropped", "garbage")


def sequence_of(seed: int, *, steps: int = 8) -> Story:
    """The sequence of a seed."""
    draw = random.Random(seed)
    shared = draw.random() < 0.7
    texts = {name: _text(draw, name, shared=shared) for name in FLEETS}
    sequence = Story(
        seed=seed,
        one_state=draw.random() < 0.5,
        fleets=tuple(texts.values()),
    )
    drawn: list[Step] = [Run(fleet=name, kind="apply") for name in FLEETS]
    for number in range(steps):
        step = _step(draw, texts, number)
        for text in _later(step):
            texts[text.name] = text
        drawn.append(step)
    return replace(sequence, steps=tuple(drawn))


def _later(step: Step) -> tuple[FleetText, ...]:
    """The inventories that a step leaves behind."""
    match step:
        case Rewritten(text=text):
            return (text,)
        case Run(trouble=Trouble(overtaken=(_, text, _))):
            return (text,)
        case Together(runs=runs):
            return tuple(text for run in runs for text in _later(run))
        case _:
            return ()


def _step(draw: random.Random, texts: dict[str, FleetText], number: int) -> Step:
    kind = draw.choices(
        ("run", "together", "rewritten", "edit", "frozen"), weights=(10, 3, 5, 4, 1)
    )[0]
    name = draw.choice(FLEETS)
    match kind:
        case "run":
            return _run(draw, texts[name], number)
        case "together":
            runs = tuple(_run(draw, texts[fleet], number) for fleet in FLEETS)
            slow = draw.choice((0, 0, 3, 8))
            return Together(
                runs=tuple(
                    replace(run, trouble=replace(run.trouble, state_ms=slow)) for run in runs
                )
            )
        case "rewritten":
            return Rewritten(text=_rewritten(draw, texts[name]))
        case "edit":
            return _edit(draw, number * 100)
        case _:
            return Frozen(fleet=name, frozen=draw.random() < 0.5)


def _text(draw: random.Random, name: str, *, shared: bool) -> FleetText:
    """An inventory. Only where both speak for rules of their own registries may one of them
    speak for all rules."""
    sources = ACCOUNTS[:4] if shared else ACCOUNTS[:3] if name == FLEETS[0] else ACCOUNTS[3:]
    rules = "additive" if shared else draw.choice(("additive", "exclusive"))
    accounts = ACCOUNTS if shared or rules == "additive" else sources
    # Some waves select what is only ever received from, or what is.
    waves = draw.choice(
        ((), ((1, 2),), ((1,), (2, 3)), ((4, 5), (1,)), ((5,), (6,)), ((6,), (2, 5)))
    )
    letter = LETTERS[name]
    text = FleetText(
        name=name,
        accounts=accounts,
        sources=sources,
        rules=rules,
        waves=tuple(
            kept
            for wave in waves
            if (kept := tuple(number for number in wave if number in accounts))
        ),
        templates=tuple(
            (f"{letter}t{number}/", draw.choice(accounts)) for number in range(draw.randint(0, 2))
        ),
        concurrency=draw.choice((1, 1, 4)),
    )
    return replace(text, routes=_routes(draw, text))


def _routes(draw: random.Random, text: FleetText) -> tuple[RouteText, ...]:
    letter, routes = LETTERS[text.name], []
    active = [account for account in text.accounts if account not in text.retired]
    for _ in range(draw.randint(1, 4)):
        source = draw.choice([source for source in text.sources if source in active])
        others = [item for item in active if item != source]
        ends = draw.sample(others, min(len(others), draw.randint(1, 3)))
        prefixes = {f"{letter}{choice}/" for choice in draw.choices(range(4), k=draw.randint(1, 2))}
        routes.append(
            RouteText(source=source, ends=tuple(sorted(ends)), prefixes=tuple(sorted(prefixes)))
        )
    return tuple(routes)


def _rewritten(draw: random.Random, text: FleetText) -> FleetText:
    """Another version: routes come and go, prefixes change, accounts retire and come back."""
    kind = draw.choice(("routes", "routes", "less", "prefixes", "retire", "retire", "templates"))
    letter = LETTERS[text.name]
    match kind:
        case "routes":
            return replace(text, routes=_routes(draw, text))
        case "less":
            return replace(text, routes=text.routes[1:])
        case "prefixes":
            prefix = f"{letter}{draw.randint(4, 7)}/"
            routes = tuple(replace(route, prefixes=(prefix,)) for route in text.routes)
            return replace(text, routes=routes)
        case "templates":
            return replace(text, templates=((f"{letter}t9/", draw.choice(text.accounts)),))
        case _:
            gone = draw.choice(text.accounts)
            return replace(text, retired=frozenset() if text.retired else frozenset({gone}))


def _run(draw: random.Random, text: FleetText, number: int) -> Run:
    kind = draw.choices(("apply", "watch", "rollback", "keep", "kept"), weights=(6, 3, 3, 1, 2))[0]
    narrowed = draw.random() < 0.25
    run = Run(
        fleet=text.name,
        kind=kind,
        accounts=tuple(sorted(draw.sample(text.accounts, 2))) if narrowed else (),
        wave=draw.random() < 0.25,
        force=draw.random() < 0.15,
        which=draw.choice((0, 0, 1, 2)),
        # Runs at once have edits of their own.
        trouble=_trouble(draw, number * 100 + 50 * FLEETS.index(text.name)),
    )
    if draw.random() < 0.15:
        newer = _rewritten(draw, text)
        overtaken = (draw.randint(1, 12), newer, Run(fleet=text.name, kind="apply"))
        return replace(run, trouble=replace(run.trouble, overtaken=overtaken))
    return run


def _trouble(draw: random.Random, number: int) -> Trouble:
    trouble = Trouble(seed=draw.randint(0, 9999))
    if draw.random() < 0.4:
        mishaps = draw.sample(_MISHAPS, draw.randint(1, 2))
        trouble = replace(
            trouble, faults=tuple((mishap, draw.uniform(0.02, 0.2)) for mishap in mishaps)
        )
    if draw.random() < 0.15:
        trouble = replace(trouble, lag_ms=draw.choice((50, 300, 1500)))
    if draw.random() < 0.15:
        call = draw.choice(("", *(f"ecr:{write}" for write in WRITES), "ecr:DescribeRegistry"))
        trouble = replace(trouble, denied=((draw.choice(ACCOUNTS), call),))
    if draw.random() < 0.2:
        trouble = replace(trouble, killed=_moment(draw), carried_out=draw.random() < 0.5)
    elif draw.random() < 0.1:
        trouble = replace(trouble, stopped=_moment(draw))
    if draw.random() < 0.5:
        edits = tuple(
            (_moment(draw), _edit(draw, number + 1 + nth, "last-read"))
            for nth in range(draw.randint(1, 4))
        )
        trouble = replace(trouble, edits=edits)
    return trouble


def _moment(draw: random.Random) -> Moment:
    return Moment(kind=draw.choice(("call", "state")), nth=draw.randint(1, 60))


def _edit(draw: random.Random, number: int, *more: str) -> Edit:
    # Half of the time it is one of the further kinds, if there are any.
    kinds = (*EDITS, *(item for item in more for _ in EDITS))
    return Edit(kind=draw.choice(kinds), account=draw.choice(ACCOUNTS), number=number)
