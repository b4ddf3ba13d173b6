"""A graph of ONNX operators as it is written: values with shapes, nodes under the paths of modules, shared constants.

Nothing here needs the package onnx: `scanlab.export.protos` makes its messages of what was written. Values have the
batch first, whose size the graph leaves open; all other sizes are numbers, but for the width of lines of text and the
number of their steps.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["BATCH", "KINDS", "NAMES", "STEPS", "WIDTH", "Body", "Graph", "Node", "Value"]

# Sizes that a graph leaves open, and what it calls them: the batch's, the width of a line, the steps of its text.
BATCH, WIDTH, STEPS = -1, -2, -3
NAMES = MappingProxyType({BATCH: "B", WIDTH: "W", STEPS: "steps"})
Shape = tuple[int, ...]
# ONNX's numbers of types, which are fixed.
KINDS = MappingProxyType({"float32": 1, "int16": 5, "int32": 6, "int64": 7})


@dataclass(frozen=True)
class Value:
    """What a node gives or a constant holds: its name in the graph, and its shape. dtype: numpy's word for it."""

    name: str
    shape: Shape
    dtype: str = "float32"


@dataclass(frozen=True)
class Body:
    """A graph within a node (`Scan`): its nodes, what each round reads, and what it leaves."""

    nodes: Sequence[Node]
    inputs: Sequence[Value]
    outputs: Sequence[Value]


@dataclass(frozen=True)
class Node:
    """An operator. doc: for its doc_string. body: the graph within it."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    domain: str = ""
    doc: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    body: Body | None = None


class Graph:
    """The nodes so far, the constants, and what goes in and comes out.

    opset: of the standard operators. phase: int64 [1], which of several tables of steps a call follows, where a
    stream's groups or a line's widths have several. foreign: what operators give that are not among the standard ones.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.phase: Value | None = None
        self.foreign: list[Value] = []
        self._same: dict[tuple[str, str], str] = {}
        self._scope: list[str] = []
        self._doc = ""
        self._count: dict[str, int] = {}

    @contextmanager
    def at(self, *path: str) -> Iterator[None]:
        """Nodes written within are named as the module's path says."""
        self._scope += path
        try:
            yield
        finally:
            del self._scope[len(self._scope) - len(path) :]

    @contextmanager
    def along(self, order: str) -> Iterator[None]:
        """The text of an order for the nodes that read rows by it."""
        before, self._doc = self._doc, order
        try:
            yield
        finally:
            self._doc = before

    @contextmanager
    def within(self) -> Iterator[list[Node]]:
        """The nodes written within go into a list of their own, for a Body."""
        before, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = before

    def named(self, word: str) -> str:
        """A name that nothing else has, under the path of the module at hand."""
        base = ".".join((*self._scope, word))
        number = self._count[base] = self._count.get(base, -1) + 1
        return f"{base}_{number}" if number else base

    def constant(self, array: np.ndarray | Tensor | float, name: str = "", integers: str = "int64") -> Value:
        """A constant; the same content is kept once. Numbers and torch's floats become float32, integers int64."""
        if isinstance(array, Tensor):
            array = array.detach().cpu().to(torch.float32).numpy()
        values = np.asarray(array)
        values = values.astype(np.float32 if values.dtype.kind == "f" else integers, copy=False)
        values = values.copy(order="C")
        digest = hashlib.sha256(values.tobytes()).hexdigest() + str(values.shape)
        key = (digest, str(values.dtype))
        if key not in self._same:
            given = name if name and name not in self.constants else self.named(name.rpartition(".")[2] or "constant")
            self._same[key] = given
            self.constants[given] = values
        return Value(self._same[key], values.shape, str(values.dtype))

    def input(self, name: str, *shape: int, dtype: str = "float32", batch: bool = True) -> Value:
        """An input of the whole graph, [B, *shape] unless it is one for all of the batch."""
        value = Value(name, (BATCH, *shape) if batch else shape, dtype)
        self.inputs.append(value)
        return value

    def output(self, value: Value, name: str) -> Value:
        """Name a value as an output of the whole graph."""
        given = Value(name, value.shape, value.dtype)
        self.nodes.append(Node("Identity", name, (value.name,), (name,)))
        self.outputs.append(given)
        return given

    def op(
        self,
        kind: str,
        *inputs: Value | None,
        shape: Shape | Sequence[Shape],
        domain: str = "",
        doc: str = "",
        dtype: str = "float32",
        body: Body | None = None,
        **attributes: Any,
    ) -> Any:
        """Write a node: its one value, or with a list of shapes its values. None stands for an input left out."""
        several = isinstance(shape, list)
        shapes: Sequence[Shape] = shape if several else [shape]  # pyright: ignore[reportAssignmentType]
        name = self.named(kind)
        names = tuple(name if not i else f"{name}.{i}" for i in range(len(shapes)))
        read = tuple("" if value is None else value.name for value in inputs)
        self.nodes.append(Node(kind, name, read, names, domain, doc, attributes, body))
        values = [Value(n, s, dtype) for n, s in zip(names, shapes, strict=True)]
        self.foreign += values if domain else []
        return values if several else values[0]

    # Arithmetic, with the rules of broadcasting.

    def binary(self, kind: str, a: Value, b: Value | float) -> Value:
        """Add, Sub, Mul, Div, Min, Max of two values, or of one and a number."""
        b = b if isinstance(b, Value) else self.constant(b)
        return self.op(kind, a, b, shape=_broadcast(a.shape, b.shape), dtype=a.dtype)

    def add(self, a: Value, b: Value | float) -> Value:
        """a + b."""
        return self.binary("Add", a, b)

    def mul(self, a: Value, b: Value | float) -> Value:
        """a * b."""
        return self.binary("Mul", a, b)

    def unary(self, kind: str, x: Value) -> Value:
        """Exp, Log, Abs, Neg, Relu, Sigmoid, Sqrt …"""
        return self.op(kind, x, shape=x.shape)

    def total(self, values: Sequence[Value]) -> Value:
        """The sum of values of one shape."""
        return values[0] if len(values) == 1 else self.op("Sum", *values, shape=values[0].shape)

    def matmul(self, a: Value, b: Value) -> Value:
        """Products of matrices over broadcast leading axes."""
        leading = _broadcast(a.shape[:-2], b.shape[:-2])
        return self.op("MatMul", a, b, shape=(*leading, a.shape[-2], b.shape[-1]))

    def reduce(self, kind: str, x: Value, axis: int, keep: bool = False) -> Value:
        """ReduceSum, ReduceMean, ReduceMax over an axis."""
        shape, axis = list(x.shape), axis % len(x.shape)
        shape[axis : axis + 1] = [1] if keep else []
        return self.op(kind, x, self.constant(np.array([axis])), shape=tuple(shape), keepdims=int(keep))

    # The same numbers under other indices.

    def reshape(self, x: Value, *shape: int) -> Value:
        """The same numbers as [batch, *shape]; where shape begins with other than the batch's parts, those join it."""
        full = (BATCH, *shape)
        if full == x.shape:
            return x
        return self.op("Reshape", x, self.constant(np.array(full)), shape=full, dtype=x.dtype)

    def reshaped(self, x: Value, *shape: int) -> Value:
        """The same numbers as [*shape], of what has no batch."""
        return self.op("Reshape", x, self.constant(np.array(shape)), shape=shape, dtype=x.dtype)

    def transpose(self, x: Value, *places: int) -> Value:
        """Axes in another order."""
        return self.op("Transpose", x, shape=tuple(x.shape[p] for p in places), perm=list(places))

    def split(self, x: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
        """Parts of an axis."""
        if len(sizes) == 1:
            return [x]
        shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
        return self.op("Split", x, self.constant(np.array(sizes)), shape=shapes, axis=axis)

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """Values side by side."""
        if len(values) == 1:
            return values[0]
        first = values[0].shape
        size = sum(value.shape[axis] for value in values)
        shape = (*first[:axis], size, *first[axis + 1 :])
        return self.op("Concat", *values, shape=shape, dtype=values[0].dtype, axis=axis)

    def slice(self, x: Value, axis: int, first: int, last: int, step: int = 1) -> Value:
        """Elements first to last - 1 of an axis."""
        if (first, last, step) == (0, x.shape[axis], 1):
            return x
        ends = [self.constant(np.array([n])) for n in (first, last, axis, step)]
        size = math.ceil((last - first) / step)
        return self.op("Slice", x, *ends, shape=(*x.shape[:axis], size, *x.shape[axis + 1 :]))

    def pad(self, x: Value, after: dict[int, int], before: dict[int, int] | None = None) -> Value:
        """Zeros after the last elements of some axes, and before the first ones of some."""
        before = before or {}
        if not any((*after.values(), *before.values())):
            return x
        amounts = np.zeros((2, len(x.shape)), np.int64)
        amounts[0, list(before)], amounts[1, list(after)] = list(before.values()), list(after.values())
        shape = tuple(n + after.get(axis, 0) + before.get(axis, 0) for axis, n in enumerate(x.shape))
        return self.op("Pad", x, self.constant(amounts.reshape(-1)), shape=shape)

    def zeros(self, like: Value, *shape: int) -> Value:
        """Zeros [batch of another value, *shape]."""
        return self.spread(self.constant(0.0), like, *shape)

    def spread(self, x: Value, like: Value, *shape: int) -> Value:
        """The same numbers for every element of another value's batch: [*shape] or less to [batch, *shape]."""
        batch = self.op("Shape", like, shape=(1,), dtype="int64", start=0, end=1)
        rest = self.constant(np.array(shape, np.int64))
        sizes = self.op("Concat", batch, rest, shape=(1 + len(shape),), dtype="int64", axis=0)
        return self.op("Expand", x, sizes, shape=(BATCH, *shape))

    # Tables.

    def chosen(self, arrays: np.ndarray) -> Value:
        """A table out of [phases, …]: a constant where all are alike, else that of the phase at hand."""
        if (arrays == arrays[:1]).all():
            return self.constant(arrays[0])
        assert self.phase is not None, "only streams and lines have several phases"
        # A line has a phase for every width: row numbers below 32768 are held in two bytes.
        small = arrays.dtype.kind != "f" and arrays.min() >= -(2**15) and arrays.max() < 2**15
        all_of_them = self.constant(arrays, integers="int16" if small else "int64")
        one = self.op("Gather", all_of_them, self.phase, shape=(1, *arrays.shape[1:]), dtype=all_of_them.dtype, axis=0)
        if small:
            one = self.cast(one, "int64")
        return self.reshaped(one, *arrays.shape[1:])

    def cast(self, x: Value, dtype: str) -> Value:
        """The same numbers of another type."""
        return self.op("Cast", x, shape=x.shape, dtype=dtype, to=KINDS[dtype])

    def rows(self, x: Value, table: Value) -> Value:
        """Rows [B, L, X] by a table of their numbers: [B, *table, X]. The order at hand is the node's doc_string."""
        shape = (*x.shape[:1], *table.shape, *x.shape[2:])
        return self.op("Gather", x, table, shape=shape, doc=self._doc, axis=1)


def _broadcast(a: Shape, b: Shape) -> Shape:
    """numpy's rule; the batch counts as a size of its own."""
    length = max(len(a), len(b))
    pairs = zip((1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b, strict=True)
    sizes = []
    for m, n in pairs:
        assert m == n or 1 in (m, n), f"{a} and {b} do not fit"
        sizes.append(n if m == 1 else m)
    return tuple(sizes)
