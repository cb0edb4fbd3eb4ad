"""Kinds of values in an inventory file: how each is read, checked, and described to editors.

A kind reads a value in which `${}` was filled in already. It reports what is wrong with it, and
gives None where nothing can be made of it, so that everything else is still checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from fleet_repl.inventory.findings import Findings, KeyPath
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.text import quoted, spelled

if TYPE_CHECKING:
    from fleet_repl.inventory.accounts import AccountNames
    from fleet_repl.inventory.regions import Regions

_REFERENCE: Final = r"\$\{"
"""A value with a reference to the environment is not known in an editor, and passes."""
Check = Callable[[KeyPath, str, Findings], None]
"""Reports what makes a text unfit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What values are checked against, beyond themselves."""

    findings: Findings
    regions: Regions
    names: AccountNames | None = None
    """The accounts that selectors may name; None while those are read themselves."""


class Kind(Protocol):
    """One kind of value."""

    def read(self, value: object, path: KeyPath, context: Context) -> object:
        """The core value for what stands at `path`, or None."""

    def schema(self) -> JsonObject:
        """The JSON Schema for editors, without title and description."""


def editor_pattern(pattern: str, lengths: tuple[int, int] | None = None) -> str:
    """A search pattern for JSON Schema."""
    within = "(?=.{{{},{}}}$)".format(*lengths) if lengths else ""
    return rf"{_REFERENCE}|^{within}(?:{pattern})$"


@dataclass(frozen=True, slots=True)
class Text:
    """A string. `check` reports what is wrong with it; the string itself is good for later
    checks in any case."""

    check: Check | None = None
    pattern: str | None = None
    lengths: tuple[int, int] | None = None

    def read(self, value: object, path: KeyPath, context: Context) -> object:
        if not isinstance(value, str):
            context.findings.report(path, "must be a string", remedy=self._remedy(value))
            return None
        return self._read(value, path, context)

    def schema(self) -> JsonObject:
        if self.pattern is None:
            return {"type": "string"}
        return {"type": "string", "pattern": editor_pattern(self.pattern, self.lengths)}

    def _read(self, text: str, path: KeyPath, context: Context) -> object:
        if self.check is not None:
            self.check(path, text, context.findings)
        return text

    def _remedy(self, value: object) -> str | None:  # noqa: ARG002 - kinds of texts know more
        """What people who write a value of another type there most likely mean."""
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """A number of at least `least` (more than that, where it is no whole one), at most `most`."""

    least: int
    most: int
    whole: bool = True

    def read(self, value: object, path: KeyPath, context: Context) -> float | None:
        fault = self._fault(value)
        if fault is None and isinstance(value, int | float):
            return value
        context.findings.report(path, fault or "must be a number")
        return None

    def _fault(self, value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return "must be a whole number" if self.whole else "must be a number"
        if self.whole and value < self.least:
            return f"must be at least {self.least:,}"
        # TOML has a word for what is not a number, and that is not more than anything.
        if not self.whole and not value > self.least:
            return f"must be more than {self.least:,}"
        return f"must be at most {self.most:,}" if value > self.most else None

    def schema(self) -> JsonObject:
        if self.whole:
            return {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"type": "number", "exclusiveMinimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: Sequence[str]
    make: Callable[[str], object] = str

    def read(self, value: object, path: KeyPath, context: Context) -> object:
        if isinstance(value, str) and value in self.words:
            return self.make(value)
        *others, last = map(quoted, self.words)
        context.findings.report(path, f"must be {', '.join(others)} or {last}")
        return None

    def schema(self) -> JsonObject:
        words = [str(word) for word in self.words]
        return {"anyOf": [{"enum": words}, {"type": "string", "pattern": _REFERENCE}]}


class _Switch:
    def read(self, value: object, path: KeyPath, context: Context) -> bool | None:
        if isinstance(value, bool):
            return value
        context.findings.report(path, "must be true or false")
        return None

    def schema(self) -> JsonObject:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list of values of one kind; those of which nothing can be made are left out."""

    kind: Kind
    make: Callable[[Iterable[object]], object] = tuple
    may_be_empty: bool = False
    unique: bool = False
    """Whether repeats are refused."""
    hint: str | None = None
    """What people who write no list there most likely mean."""
    extra: JsonObject | None = None
    """What editors learn beyond that."""

    def read(self, value: object, path: KeyPath, context: Context) -> object:
        findings = context.findings
        if not isinstance(value, list):
            findings.report(path, "must be a list", remedy=self._remedy(path, value, findings))
            return None
        if not value and not self.may_be_empty:
            report_empty(path, findings)
            return None
        values = []
        for index, element in enumerate(value):
            good = self.kind.read(element, (*path, index), context)
            if self.unique and good in values:
                findings.report((*path, index), "is in the list twice")
            if good is not None:
                values.append(good)
        return self.make(values)

    def schema(self) -> JsonObject:
        least: JsonObject = {} if self.may_be_empty else {"minItems": 1}
        repeats: JsonObject = {"uniqueItems": True} if self.unique else {}
        items: JsonObject = {"type": "array", "items": self.kind.schema()}
        return {**items, **least, **repeats, **(self.extra or {})}

    def _remedy(self, path: KeyPath, value: object, findings: Findings) -> str | None:
        if self.hint is None and isinstance(value, str):
            return f"write [{spelled(findings.raw(path))}]"
        return None if isinstance(value, int | float) else self.hint


@dataclass(frozen=True, slots=True)
class OneOrMany:
    """A text or a list of texts, as selectors take them; read as a frozen set."""

    kind: Text

    def read(self, value: object, path: KeyPath, context: Context) -> object:
        if not isinstance(value, str | list):
            context.findings.report(path, "must be a string or a list of strings")
            return None
        if not value and isinstance(value, list):
            report_empty(path, context.findings)
            return None
        read = (self.kind.read(text, where, context) for where, text in elements(path, value))
        return frozenset(good for good in read if good is not None)

    def schema(self) -> JsonObject:
        many: JsonObject = {"type": "array", "items": self.kind.schema(), "minItems": 1}
        return {"anyOf": [self.kind.schema(), many]}


def elements(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, object]]:
    """The texts of a value that `OneOrMany` reads, with their places."""
    if isinstance(value, list):
        yield from (((*path, index), text) for index, text in enumerate(value))
    else:
        yield path, value


@dataclass(frozen=True, slots=True)
class MapOf:
    """A table whose keys the operator chooses."""

    kind: Kind

    def read(self, value: object, path: KeyPath, context: Context) -> dict[str, object] | None:
        if not isinstance(value, dict):
            context.findings.report(path, "must be a table")
            return None
        read = {key: self.kind.read(each, (*path, key), context) for key, each in value.items()}
        return {key: good for key, good in read.items() if good is not None}

    def schema(self) -> JsonObject:
        return {"type": "object", "additionalProperties": self.kind.schema()}


def report_empty(path: KeyPath, findings: Findings) -> None:
    findings.report(path, "must not be empty", remedy="list one or more, or leave the key out")


def without_repeats(values: Iterable[object]) -> tuple[object, ...]:
    return tuple(dict.fromkeys(values))


TEXT: Final = Text()
SWITCH: Final = _Switch()
