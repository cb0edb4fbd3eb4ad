"""Conditions of policy statements, as far as they can be decided for a request.

There are three answers, because only some keys of a request are known. A condition on any other
key is unknown. Worked example, for a request of account 111111111111, of which
`aws:PrincipalAccount` is known and `aws:PrincipalOrgID` is not:

    "StringNotEquals": {"aws:PrincipalAccount": "222222222222"}      yes
    "StringEquals":    {"aws:PrincipalOrgID": "o-1"}                 unknown
    both together                                                    unknown: yes and unknown
    "StringEquals":    {"aws:PrincipalAccount": "222222222222"},
    "StringNotEquals": {"aws:PrincipalOrgID": "o-1"}                 no: one part is not met
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.ecr.policy import as_tuple
from fleet_repl.ecr.policy.evaluate.patterns import matches
from fleet_repl.values.canonical_json import Json

Context: TypeAlias = Mapping[str, str | None]
"""The known condition keys of a request in lower case, with None for a key that the request surely
does not have. A key that is missing here is unknown."""


class Truth(Enum):
    """An answer of a logic with three values (Kleene's)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def all_of(parts: Iterable[Truth]) -> Truth:
    """Returns no if any part is no, otherwise unknown if any part is, otherwise yes."""
    answers = set(parts)
    if Truth.NO in answers:
        return Truth.NO
    return Truth.UNKNOWN if Truth.UNKNOWN in answers else Truth.YES


def any_of(parts: Iterable[Truth]) -> Truth:
    """Returns yes if any part is yes, otherwise unknown if any part is, otherwise no."""
    return not_true(all_of(map(not_true, parts)))


def not_true(part: Truth) -> Truth:
    """The opposite; the opposite of unknown is unknown."""
    return _OPPOSITE[part]


def truth(known: bool) -> Truth:  # noqa: FBT001 - the value is what this is about
    """Returns yes or no."""
    return Truth.YES if known else Truth.NO


_OPPOSITE: Final = {Truth.YES: Truth.NO, Truth.NO: Truth.YES, Truth.UNKNOWN: Truth.UNKNOWN}


def condition_met(condition: Json, contexts: Sequence[Context]) -> Truth:
    """Returns whether a statement's condition is met by a request.

    The request is one of `contexts`, nobody knows which: if they disagree, the answer is unknown.
    """
    parts = list(condition_parts(condition))
    answers = {all_of(_met(part, context) for part in parts) for context in contexts}
    return answers.pop() if len(answers) == 1 else Truth.UNKNOWN


def undecided_keys(condition: Json, contexts: Sequence[Context]) -> tuple[str, ...]:
    """The keys, as they are written, that decide an unknown condition."""
    undecided = (
        part.key
        for part in condition_parts(condition)
        if len(answers := {_met(part, context) for context in contexts}) > 1
        or Truth.UNKNOWN in answers
    )
    return tuple(dict.fromkeys(undecided))


class ConditionPart(NamedTuple):
    """An operator and a key of a condition, all of whose parts have to be met."""

    operator: str
    key: str
    values: tuple[Json, ...]

    @property
    def tolerates_absence(self) -> bool:
        """Returns whether the operator is meant for requests that may lack the key."""
        return self.operator == "Null" or self.operator.endswith("IfExists")


def condition_parts(condition: Json) -> Iterator[ConditionPart]:
    """Yields the parts of a condition. A malformed condition has a part that is never decided."""
    if condition is None:
        return
    if not isinstance(condition, Mapping):
        yield _NO_PART
        return
    for operator, keys in condition.items():
        if not isinstance(keys, Mapping) or not keys:
            yield _NO_PART
            continue
        for key, values in keys.items():
            yield ConditionPart(operator, key, as_tuple(values))


_NO_PART: Final = ConditionPart("", "something unknown", ())
_OPERATOR: Final = re.compile(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?")


def _met(part: ConditionPart, context: Context) -> Truth:
    key, operator = part.key.lower(), _OPERATOR.fullmatch(part.operator)
    if operator is None or key not in context or not part.values:
        return Truth.UNKNOWN
    several, name, if_exists = operator.groups()
    value = context[key]
    if name == "Null":
        plain = several is None and if_exists is None
        return any_of(_is_null(wanted, value) for wanted in part.values) if plain else Truth.UNKNOWN
    if name not in _OPERATORS:
        return Truth.UNKNOWN
    negated, compare = _OPERATORS[name]
    if value is None:
        # A set operator asks about each value there is, and there is none.
        if if_exists is not None or several is not None:
            return truth(if_exists is not None or several == "ForAllValues")
        return truth(negated)
    matched = any_of(_compared(compare, value, wanted) for wanted in part.values)
    return not_true(matched) if negated else matched


def _is_null(wanted: Json, value: str | None) -> Truth:
    text = _text(wanted)
    if text not in ("true", "false"):
        return Truth.UNKNOWN
    return truth((text == "true") is (value is None))


def _compared(compare: Callable[[str, str], Truth], value: str, wanted: Json) -> Truth:
    text = _text(wanted)
    # What a policy variable stands for is known to AWS alone.
    return Truth.UNKNOWN if text is None or "${" in text else compare(value, text)


def _text(value: Json) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _equal(value: str, wanted: str) -> Truth:
    return truth(value == wanted)


def _equal_ignoring_case(value: str, wanted: str) -> Truth:
    return truth(value.lower() == wanted.lower())


def _like(value: str, wanted: str) -> Truth:
    return truth(matches(wanted, value))


def _like_arn(value: str, wanted: str) -> Truth:
    """Compares ARNs part by part. Unknown where a text is no ARN: AWS does not document that."""
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    if len(parts) != 6 or len(patterns) != 6:
        return Truth.UNKNOWN
    return truth(all(map(matches, patterns, parts)))


def _same_bool(value: str, wanted: str) -> Truth:
    known = {value.lower(), wanted.lower()} <= {"true", "false"}
    return truth(value.lower() == wanted.lower()) if known else Truth.UNKNOWN


_OPERATORS: Final[Mapping[str, tuple[bool, Callable[[str, str], Truth]]]] = {
    "StringEquals": (False, _equal),
    "StringNotEquals": (True, _equal),
    "StringEqualsIgnoreCase": (False, _equal_ignoring_case),
    "StringNotEqualsIgnoreCase": (True, _equal_ignoring_case),
    "StringLike": (False, _like),
    "StringNotLike": (True, _like),
    "ArnEquals": (False, _like_arn),
    "ArnLike": (False, _like_arn),
    "ArnNotEquals": (True, _like_arn),
    "ArnNotLike": (True, _like_arn),
    "Bool": (False, _same_bool),
}
"""Operator → whether it is negated, and how it compares. Other operators are never decided."""
