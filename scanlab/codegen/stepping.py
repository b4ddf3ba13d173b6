"""Generated text, line by line: what each line computes at a step, with the numbers filled in, or at all steps at once.

This runs the text itself, statement by statement: path functions for both targets, and index expressions, which are
programs that set ``patch`` from ``p``. Integers are as the target has them (see `reading`).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from scanlab.codegen.reading import TRITON_NAMES, Lanes, Pointer, vectorised

__all__ = ["LineValue", "expression_lines", "function_lines", "same_value_steps"]

_LONGEST = 90


@dataclass(frozen=True)
class LineValue:
    """What one statement gives. line: its number in the text, from 1; name: what it sets, or "return", or "if".

    filled: the branch that is taken, and that with the values of its names put in, as "5 - r1 = 5 - 2"; value: an
    integer; of a condition 0 or 1.
    """

    line: int
    name: str
    filled: str
    value: int


@dataclass(frozen=True, eq=False)
class _Program:
    """The statements of a text, and the names that it may use beside its own."""

    body: tuple[ast.stmt, ...]
    is_triton: bool


def expression_lines(text: str, step: int, table: np.ndarray | None = None) -> tuple[LineValue, ...]:
    """The lines of an index expression (`scanlab.compiler.stages.expressions`) at a step of its path.

    table: int64 [L], the patch at each step, for a path that has a table in place of an expression.

    >>> import scanlab
    >>> from scanlab.compiler.stages import expressions
    >>> [text] = expressions(scanlab.compile("snake", (5, 6)).scans).values()
    >>> for line in expression_lines(text, 8):
    ...     print(line.line, line.name, "=", line.filled, "=", line.value)
    2 d1 = 8 // 6 = 1
    3 r1 = 8 % 6 = 2
    4 d2 = 5 - r1 = 5 - 2 = 3
    5 h = 1 = 1
    6 w = 3 = 3
    7 patch = 1 * 6 + 3 = 9
    """
    return tuple(_values(_parsed(text), {"p": step, "table": table}))


def function_lines(text: str, steps: np.ndarray, sequence: int, step: int) -> tuple[LineValue, ...]:
    """The lines of a path function at a step of a sequence; steps: int32 [T, S], the table that it may look into."""
    program = _parsed(text)
    given = {"steps": Pointer(steps[sequence]) if program.is_triton else steps, "sequence": sequence, "step": step}
    return tuple(_values(program, given))


def same_value_steps(
    text: str, line: int, step: int, length: int, steps: np.ndarray | None = None, sequence: int = 0
) -> np.ndarray:
    """int64: the steps, of 0 to length - 1, at which a line gives the value that it gives at `step`, sorted.

    steps: the table of all sequences, for a path function; for an index expression int64 [L], or None. Where a line
    is not reached at the step, there are none; where it gives no value, as a branch's own line, all of its sequence.
    """
    program = _parsed(text)
    every: dict[str, Any] = {"step": np.arange(length, dtype=np.int32), "p": np.arange(length), "table": steps}
    if steps is not None and steps.ndim == 2:
        every |= {"steps": Pointer(steps[sequence]) if program.is_triton else steps, "sequence": sequence}
    if program.is_triton:
        every["step"] = every["step"].view(Lanes)
    last = None
    for node, _, value in _run(vectorised(program.body), dict(every), program.is_triton):
        if node.lineno == line:
            last = np.broadcast_to(np.asarray(value, dtype=np.int64), (length,))
    return np.empty(0, dtype=np.int64) if last is None else np.flatnonzero(last == last[step])


@lru_cache(maxsize=64)
def _parsed(text: str) -> _Program:
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    body = functions[0].body if functions else tree.body
    return _Program(tuple(body), "@triton.jit" in text)


def _values(program: _Program, given: Mapping[str, Any]) -> Iterator[LineValue]:
    names = dict(given)
    if program.is_triton:
        names["step"] = np.full(1, names["step"], dtype=np.int32).view(Lanes)
    for node, before, value in _run(program.body, names, program.is_triton):
        yield LineValue(node.lineno, _name(node), _filled(node, before, program.is_triton), _plain(value))


_Event = tuple[ast.stmt, Mapping[str, Any], Any]


def _run(body: Sequence[ast.stmt], names: dict[str, Any], is_triton: bool) -> Iterator[_Event]:
    """Every statement that is reached: it, the names before it, and what it gives."""
    for node in body:
        match node:
            case ast.Assign(value=value):
                before, result = dict(names), _evaluated(value, names, is_triton)
                names |= {target.id: result for target in node.targets if isinstance(target, ast.Name)}
                yield node, before, result
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                before = dict(names)
                whole = ast.BinOp(ast.Name(name, ast.Load()), op, value)
                names[name] = _evaluated(whole, names, is_triton)
                yield node, before, names[name]
            case ast.Return(value=value) if value is not None:
                yield node, dict(names), _evaluated(value, names, is_triton)
            case ast.For(target=ast.Name(id=name), iter=rounds):
                for number in _evaluated(rounds, names, is_triton):
                    names[name] = number
                    yield from _run(node.body, names, is_triton)
            case ast.If(test=test):
                yield from _branch(node, _evaluated(test, names, is_triton), names, is_triton)


def _branch(node: ast.If, holds: Any, names: dict[str, Any], is_triton: bool) -> Iterator[_Event]:
    """The branch that is taken; of many steps at once both, and of each step the values of its own."""
    yield node, dict(names), holds
    if np.size(holds) == 1:
        yield from _run(node.body if np.all(holds) else node.orelse, names, is_triton)
        return
    other = dict(names)
    yield from _run(node.body, names, is_triton)
    yield from _run(node.orelse, other, is_triton)
    for name, value in other.items():
        is_number = name in names and isinstance(value, np.ndarray | int)
        names[name] = np.where(holds, names[name], value) if is_number else value


def _evaluated(node: ast.expr, names: Mapping[str, Any], is_triton: bool) -> Any:
    return eval(_compiled(ast.unparse(node)), dict(TRITON_NAMES if is_triton else _PLAIN), dict(names))


_PLAIN = {"np": np, "min": min, "max": max, "abs": abs, "range": range}


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    return compile(text, "<generated>", "eval")


def _name(node: ast.stmt) -> str:
    match node:
        case ast.Assign(targets=targets):
            return ", ".join(ast.unparse(target) for target in targets)
        case ast.AugAssign(target=target):
            return ast.unparse(target)
        case ast.If():
            return "if"
    return "return"


def _filled(node: ast.stmt, names: Mapping[str, Any], is_triton: bool) -> str:
    match node:
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
            expr: ast.expr = ast.BinOp(ast.Name(name, ast.Load()), op, value)
        case ast.If(test=expr) | ast.Assign(value=expr) | ast.Return(value=ast.expr() as expr):
            pass
        case _:
            return ""
    taken = ast.unparse(_Filled({}, names, is_triton).visit(copy.deepcopy(expr)))
    filled = ast.unparse(_Filled(names, names, is_triton).visit(copy.deepcopy(expr)))
    chosen = f"{taken} = {filled}" if taken != filled and _chooses(expr) else filled
    return chosen if len(chosen) <= _LONGEST else f"{chosen[: _LONGEST - 1]}…"


def _chooses(expr: ast.expr) -> bool:
    """Whether an expression chooses between two."""
    return any(isinstance(n, ast.IfExp) or (isinstance(n, ast.Attribute) and n.attr == "where") for n in ast.walk(expr))


class _Filled(ast.NodeTransformer):
    """Of every choice what is chosen, and names as their values, those that are to be filled in."""

    def __init__(self, filled: Mapping[str, Any], names: Mapping[str, Any], is_triton: bool) -> None:
        self.filled = filled
        self.names = names
        self.is_triton = is_triton

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.filled.get(node.id)
        if isinstance(value, Pointer) or value is None or np.size(value) != 1:
            return node
        return ast.Constant(_plain(value))

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return self.visit(node.body if self._holds(node.test) else node.orelse)

    def visit_Call(self, node: ast.Call) -> Any:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="tl"), attr="where"), args=[test, then, otherwise]):
                return self.visit(then if self._holds(test) else otherwise)
            case ast.Call(func=ast.Attribute(attr="to", value=of)):
                return self.visit(of)
        node.args = [self.visit(argument) for argument in node.args]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return node

    def _holds(self, test: ast.expr) -> bool:
        return bool(np.all(_evaluated(test, self.names, self.is_triton)))


def _plain(value: Any) -> int:
    return int(np.asarray(value).reshape(-1)[0])
