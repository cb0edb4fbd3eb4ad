"""Small mistakes in a module, one at a time: what is compared, negated, counted, called, raised.

Pure. Left out is what no test can notice or nobody cares about: docstrings, annotations, texts,
decorators, logging, and what is there for the type checker alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_COMPARED: Final[dict[type[ast.cmpop], tuple[str, str]]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_COUNTED: Final[dict[type[ast.operator], tuple[str, str]]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.Mult: ("*", "+"),
}
_SILENT: Final = ("_LOG", "assert_never", "cast", "TypeVar", "NewType")
"""Calls of these names are of no interest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A module with one mistake in it."""

    path: str
    lines: tuple[int, ...]
    """From the beginning of its statement to its own last line."""
    what: str
    start: int
    end: int
    """The characters that are replaced."""
    text: str

    def apply(self, source: str) -> str:
        """The module's text with the mistake."""
        return source[: self.start] + self.text + source[self.end :]


def mutants_of(source: str, path: str) -> tuple[Mutant, ...]:
    """Every mistake that is made here, in the order of the text."""
    tree = ast.parse(source)
    finder = _Finder(source, path)
    finder.look(tree)
    unique = {(mutant.start, mutant.end, mutant.text): mutant for mutant in finder.mutants}
    return tuple(sorted(unique.values(), key=lambda item: (item.start, item.end, item.text)))


class _Finder:
    def __init__(self, source: str, path: str) -> None:
        self.mutants: list[Mutant] = []
        self._source, self._path = source, path
        self._statement = 1
        """The line at which the statement that is being looked at begins."""
        # ast counts columns in bytes of UTF-8.
        self._lines = [line.encode() for line in source.splitlines(keepends=True)]
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line.decode()))

    def look(self, node: ast.AST) -> None:
        """Find the mistakes of a node and of all that is in it."""
        for child in _worth_a_look(node):
            if isinstance(child, ast.stmt):
                self._statement = child.lineno
                self.mutants += self._of_statement(child)
            elif isinstance(child, ast.expr):
                self.mutants += self._of_expression(child)
            elif isinstance(child, ast.comprehension):
                left_out = "condition left out"
                self.mutants += [self._instead(item, "True", left_out) for item in child.ifs]
            self.look(child)

    def _of_statement(self, node: ast.stmt) -> Iterator[Mutant]:
        match node:
            case ast.If(test=test) | ast.While(test=test):
                yield self._negated(test)
            case ast.Expr(value=ast.Call() | ast.Await()):
                yield self._instead(node, "None", "call left out")
            case ast.Raise():
                yield self._instead(node, "pass", "raise left out")
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield self._instead(value, "None", "returns None")
            case ast.AnnAssign(value=ast.Constant(value=int() | float() as number)):
                # A margin or a limit: whether it is one more or less is nobody's promise.
                if node.value is not None and number and not isinstance(number, bool):
                    yield self._instead(node.value, "0", "nought")

    def _of_expression(self, node: ast.expr) -> Iterator[Mutant]:
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
                yield from self._between(left, right, *_COMPARED[type(op)])
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _COUNTED:
                yield from self._between(left, right, *_COUNTED[type(sign)])
            case ast.BoolOp(op=op, values=values):
                old, new = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                for left, right in pairwise(values):
                    yield from self._between(left, right, old, new)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield self._instead(node, f"({self._text(operand)})", "without not")
            case ast.IfExp(test=test):
                yield self._negated(test)
            case ast.Constant(value=bool(value)):
                yield self._instead(node, str(not value), f"{not value}")
            case ast.Constant(value=int() | float() as value):
                yield self._instead(node, f"{value + 1}", "one more")

    def _negated(self, test: ast.expr) -> Mutant:
        return self._instead(test, f"(not ({self._text(test)}))", "condition negated")

    def _between(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Iterator[Mutant]:
        start, end = self._end(left), self._start(right)
        gap = self._source[start:end]
        at = gap.find(old)
        if at >= 0 and "#" not in gap:
            start += at
            yield self._mutant(start, start + len(old), new, f"{old} is {new}")

    def _instead(self, node: ast.expr | ast.stmt, text: str, what: str) -> Mutant:
        return self._mutant(self._start(node), self._end(node), text, what)

    def _mutant(self, start: int, end: int, text: str, what: str) -> Mutant:
        last = self._source.count("\n", 0, end) + 1
        lines = tuple(range(self._statement, last + 1))
        return Mutant(path=self._path, lines=lines, what=what, start=start, end=end, text=text)

    def _text(self, node: ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)]

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())


def _worth_a_look(node: ast.AST) -> Iterator[ast.AST]:
    """What of a node may hold mistakes that matter."""
    numbered = isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant)
    for name, value in ast.iter_fields(node):
        if numbered or name in ("annotation", "returns", "decorator_list", "bases", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_idle(child):
                yield child


def _is_idle(node: ast.AST) -> bool:
    """Whether a node holds texts, types, logging, or what changes nothing that anybody sees."""
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id=name)) | ast.AnnAssign(annotation=ast.Name(id=name)):
            return name in ("TYPE_CHECKING", "TypeAlias")
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name == "__all__"
        case ast.Call(func=func) | ast.Expr(value=ast.Call(func=func)):
            return ast.unparse(func).partition(".")[0] in _SILENT
        case ast.keyword(arg=name):
            return name in ("strict", "repr", "compare", "frozen", "slots", "kw_only")
        case _:
            return False


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
