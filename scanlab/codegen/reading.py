"""The rows that the text of a path function gives, read with numpy on all steps at once.

This runs the generated text itself, before anything else does: imports and decorators are left out, `tl` is numpy's,
and integers are as the target has them: 32 bits with quotients cut towards zero for Triton, Python's own for Numba.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["TRITON_NAMES", "Lanes", "Pointer", "rows_of", "vectorised"]


def rows_of(text: str, steps: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    """For each sequence, the row that the function in ``text`` gives at each of its steps.

    steps: int32 [T, S], the table that the function may look into. lengths: the steps of each sequence.
    """
    module = _Vectorised().visit(ast.parse(text))
    triton = "@triton.jit" in text
    names: dict[str, Any] = {"tl": _TL, "np": np}
    exec(compile(ast.fix_missing_locations(module), "<path function>", "exec"), names)
    [function] = [names[node.name] for node in module.body if isinstance(node, ast.FunctionDef)]
    rows_by_sequence = []
    for sequence, length in enumerate(lengths):
        step = np.arange(length, dtype=np.int32)
        table = Pointer(steps[sequence]) if triton else steps
        rows = function(table, sequence, step.view(Lanes) if triton else step)
        rows_by_sequence.append(np.broadcast_to(np.asarray(rows), (length,)))
    return rows_by_sequence


class _Vectorised(ast.NodeTransformer):
    """What works on single integers only, as the same on arrays."""

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.decorator_list = []
        self.generic_visit(node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return _call("where", node.test, node.body, node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        name = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        result, *others = node.values
        for value in others:
            result = _call(name, result, value)
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return _call("logical_not", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
            result, *others = node.args
            for value in others:
                result = _call(f"{node.func.id}imum", result, value)
            return result
        return node


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    function = ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())
    return ast.Call(function, list(arguments), [])


def vectorised(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Statements as they are on arrays; those that are given stay as they are."""
    return [_Vectorised().visit(copy.deepcopy(node)) for node in body]


class Lanes(np.ndarray):
    """32-bit integers as a GPU has them: quotients cut towards zero, remainders with the sign of the dividend."""

    def __floordiv__(self, other: Any) -> Any:
        a, b = np.asarray(self, dtype=np.int64), np.asarray(other, dtype=np.int64)
        return (np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(self.dtype).view(Lanes)

    def __mod__(self, other: Any) -> Any:
        return np.fmod(np.asarray(self), np.asarray(other)).astype(self.dtype).view(Lanes)

    # A GPU knows no wider integer: what is not signed stays so, whatever it meets.
    def __xor__(self, other: Any) -> Any:
        return self._kept(np.bitwise_xor, other)

    def __or__(self, other: Any) -> Any:
        return self._kept(np.bitwise_or, other)

    def __and__(self, other: Any) -> Any:
        return self._kept(np.bitwise_and, other)

    __ixor__, __ior__, __iand__ = __xor__, __or__, __and__

    def _kept(self, operation: np.ufunc, other: Any) -> Any:
        if np.asarray(other).dtype == np.bool_:
            return operation(np.asarray(self), np.asarray(other)).view(Lanes)
        return operation(np.asarray(self), np.asarray(other).astype(self.dtype)).view(Lanes)

    def to(self, dtype: type[np.integer]) -> Any:
        return np.asarray(self).astype(dtype).view(Lanes)


class Pointer:
    """A pointer into a row of the table; added to steps it is what `tl.load` reads."""

    def __init__(self, row: np.ndarray, at: np.ndarray | None = None) -> None:
        self.row, self.at = row, at

    def __add__(self, at: np.ndarray) -> Pointer:
        return Pointer(self.row, np.asarray(at))

    def load(self) -> np.ndarray:
        return self.row[self.at].view(Lanes)


def _where(condition: Any, then: Any, otherwise: Any) -> np.ndarray:
    unsigned = any(getattr(value, "dtype", None) == np.uint32 for value in (then, otherwise))
    chosen = np.where(np.asarray(condition), then, otherwise)
    return chosen.astype(np.uint32 if unsigned else np.int32).view(Lanes)


_TL = SimpleNamespace(
    where=_where,
    minimum=np.minimum,
    maximum=np.maximum,
    abs=np.abs,
    int32=np.int32,
    uint32=np.uint32,
    load=Pointer.load,
    static_range=range,
)

TRITON_NAMES: Mapping[str, Any] = MappingProxyType({"tl": _TL, "np": np})
"""What the text for Triton may name beside its own."""
