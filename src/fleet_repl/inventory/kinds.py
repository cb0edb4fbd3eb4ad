"""Kinds of values in an inventory file: what pydantic is told beside the type of a field.

They stand in `Annotated`, and load pydantic only once an inventory is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from fleet_repl.inventory.findings import BadValueError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

    from fleet_repl.inventory.accounts import AccountNames
    from fleet_repl.inventory.regions import Regions

Schema: TypeAlias = dict[str, Any]
"""A core schema of pydantic's, or a JSON Schema."""
REFERENCE: Final = r"\$\{"
"""A value with a reference to the environment is not known in an editor, and passes."""


@dataclass(slots=True, kw_only=True)
class Context:
    """The surroundings that values are checked against."""

    regions: Regions
    names: AccountNames
    """The accounts that selectors may name; complete once those are read."""
    no_externals: str | None = None
    """The reason why the selector that is being read can name no external account; None where it
    can."""


def text_schema(pattern: str, lengths: tuple[int, int] | None = None, **more: object) -> Schema:
    """The JSON Schema of a text: a search pattern, of what Python and ECMA 262 read alike."""
    within = "(?=.{{{},{}}}$)".format(*lengths) if lengths else ""
    return {"type": "string", "pattern": rf"{REFERENCE}|^{within}(?:{pattern})$", **more}


class Kind:
    """A value that `read` makes of what pydantic has read, or refuses by raising BadValueError.

    `read` is called as by pydantic's AfterValidator, or by that of another `mode`: with the value,
    and with a ValidationInfo if it takes one. `reads` is what pydantic reads first, if that is not
    the type of the field. `more` are members of the JSON Schema.
    """

    def __init__(
        self,
        read: Callable[..., object],
        *,
        mode: str = "After",
        reads: object = None,
        **more: object,
    ) -> None:
        self._read = read
        self._mode = mode
        self.reads = reads
        self._more = more

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> Schema:
        import pydantic  # noqa: PLC0415

        validator = getattr(pydantic, f"{self._mode}Validator")(self._read)
        schema: Schema = validator.__get_pydantic_core_schema__(self.reads or source, handler)
        return schema

    def __get_pydantic_json_schema__(self, core: Schema, handler: GetJsonSchemaHandler) -> Schema:
        return {**handler(core), **self._more}


class Constraint:
    """Members of pydantic's own schema of a type, such as `strict` and `ge`."""

    def __init__(self, **members: object) -> None:
        self._members = members

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> Schema:
        return {**handler(source), **self._members}


def number(least: int, most: int) -> Constraint:
    """A whole number of `least` to `most`."""
    return Constraint(strict=True, ge=least, le=most)


Switch: TypeAlias = Annotated[bool, Constraint(strict=True)]
NOT_EMPTY: Final = Constraint(min_length=1)


def _distinct(value: object, handler: Callable[[object], tuple[object, ...]]) -> object:
    """Raise for each repeated value together with what else is wrong with the list."""
    from pydantic_core import ValidationError  # noqa: PLC0415

    errors: list[Any] = []
    values: tuple[object, ...] = ()
    try:
        values = handler(value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    if not errors and len(set(values)) == len(values):
        return values
    bad = {error["loc"][:1] for error in errors}
    seen: list[object] = []
    for index, element in enumerate(value if isinstance(value, list) else ()):
        if (index,) in bad:
            continue
        if element in seen:
            twice = {"error": BadValueError("is in the list twice")}
            errors.append({"type": "value_error", "loc": (index,), "input": element, "ctx": twice})
        seen.append(element)
    raise ValidationError.from_exception_data("list", errors)


DISTINCT: Final = Kind(_distinct, mode="Wrap", uniqueItems=True)
"""A list whose repeated values are problems."""


class _OneOrMany(Kind):
    def __get_pydantic_json_schema__(self, core: Schema, handler: GetJsonSchemaHandler) -> Schema:
        many = {key: value for key, value in handler(core).items() if key != "uniqueItems"}
        return {"anyOf": [many["items"], many]}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


ONE_OR_MANY: Final = _OneOrMany(_as_list, mode="Before")
"""A text or a list of texts, as selectors take them; stands at a frozen set."""


class _Word:
    """A member of a StrEnum; unlike pydantic's own, editors see no definition of it."""

    def __get_pydantic_core_schema__(self, source: type[StrEnum], handler: object) -> Schema:
        return {"type": "enum", "cls": source, "members": list(source)}


WORD: Final = _Word()


def without_repeats(values: Iterable[object]) -> tuple[object, ...]:
    return tuple(dict.fromkeys(values))
