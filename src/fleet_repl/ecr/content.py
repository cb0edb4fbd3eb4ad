"""The contents that a write of one registry replaces and puts: a configuration, a policy or a
template.

Each value has its JSON document as it was read or will be sent, and what that means. Documents are
read once, where they come in, and rendered where they go out.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, TypeVar

from fleet_repl.ecr.policy import Policy, PolicyDocument
from fleet_repl.ecr.rules import Replication
from fleet_repl.ecr.templates import TemplateState

Content: TypeAlias = Replication | PolicyDocument | TemplateState

V = TypeVar("V", bound=Content)


class Rewrite(Protocol):
    """A write, planned or made."""

    @property
    def before(self) -> Content: ...

    @property
    def after(self) -> Content: ...


def contents(write: Rewrite, kind: type[V]) -> tuple[V, V]:
    """Returns the content that a write of this kind expects, and the content that it puts. Raises
    TypeError for another kind of write, and for a policy out of a file that nobody has read yet."""
    before, after = write.before, write.after
    if not isinstance(before, kind) or not isinstance(after, kind):
        raise TypeError(f"{kind.__name__} is needed, not {type(before).__name__}")
    return before, after


def same(present: Content, other: Content) -> bool:
    """Returns whether both mean the same. Raises TypeError as `shows` does."""
    match present, other:
        case Replication(), Replication():
            return present.same_as(other)
        case Policy(), Policy():
            return present.same_as(other)
        case TemplateState(), TemplateState():
            return present.same_as(other)
        case _:
            raise TypeError(f"{type(present).__name__} is no {type(other).__name__}")


def shows(present: Content, written: Content) -> bool:
    """Returns whether `present` is what ECR answers after `written`.

    Raises TypeError for contents of two kinds, and for a policy out of a file that nobody has read.
    """
    match present, written:
        case Replication(), Replication():
            return present.shows(written)
        case Policy(), Policy():
            return present.shows(written)
        case TemplateState(), TemplateState():
            return present.shows(written)
        case _:
            raise TypeError(f"{type(present).__name__} is no {type(written).__name__}")
