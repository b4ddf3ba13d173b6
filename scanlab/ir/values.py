"""Orders, scans and plans: what a line of the language means.

order := keys, where, restart, reverse, tokens     one path over a grid
scan  := merge(order or scan, …)                   several paths, and how their outputs merge
plan  := cycle(scan, …) | layers(scan, …)          which scan each layer uses
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from scanlab.ir.diagnostics import ScanlabError, Span
from scanlab.ir.expr import Binary, Compare, Expr, Int, Logic, Negate, Select, Visit, nodes_of
from scanlab.ir.listed import permutation, plain_axes
from scanlab.ir.merges import MergeRule, merge_rule
from scanlab.ir.shown import Shown
from scanlab.ir.text import shortened

__all__ = [
    "CLASS",
    "MEAN",
    "PLACES",
    "TOKENS",
    "Claim",
    "Entry",
    "Key",
    "Order",
    "Plan",
    "Scan",
    "Token",
    "Value",
    "alternated",
    "conjunction",
    "expressions_of",
    "is_odd",
    "layers_of",
    "map_orders",
    "nodes_in",
    "orders_of",
    "sequences_of",
    "signed_keys",
]

PLACES = ("start", "middle", "end", "both")
# A class token stands for the whole image, and is learned; a mean token is the average of the patches.
CLASS, MEAN = "cls", "mean"
TOKENS = (CLASS, MEAN)
MOST_PATHS = 64
MOST_LAYERS = 1024
# Letters of a line that a value shows of itself.
MOST_SHOWN = 100


@dataclass(frozen=True)
class Key:
    """One sort key; ``alternate`` (written ``~``) runs it backwards where the sum of the keys before it is odd."""

    expr: Expr
    alternate: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Token:
    """A virtual token in the sequence: ``cls`` or ``mean`` at ``start``, ``middle`` (L // 2), ``end`` or ``both`` ends.

    It stands in the sequence before the sequence is reversed, and moves with it, unless ``fixed``.

    >>> import scanlab
    >>> scan = scanlab.parse("row with cls at middle")
    >>> scan.tokens
    (Token(name='cls', place='middle', fixed=False),)
    >>> scanlab.compile(scan, (2, 2)).paths[0].sequence  # -2 is the class token
    array([ 0,  1, -2,  2,  3])
    """

    name: str
    place: str
    fixed: bool = False


@dataclass(frozen=True, repr=False)
class Order(Shown):
    """One path over a grid: patches in ascending lexicographic order of the keys.

    ``where`` keeps the patches for which it is not zero, the state is reset where a ``restart`` value changes, and
    ``reverse`` visits the last patch first. It has a meaning on the grids whose extents satisfy
    ``assume``. ``name``, ``doc`` and ``span`` do not count in comparisons.

    >>> import scanlab
    >>> order = scanlab.parse("by h, ~w where h > 0")
    >>> order.axes, order.partial
    (('h', 'w'), True)
    >>> print(-order)
    -(by h, ~w where h > 0)
    """

    axes: tuple[str, ...]
    keys: tuple[Key, ...]
    where: Expr | None = None
    restart: tuple[Expr, ...] = ()
    reverse: bool = False
    tokens: tuple[Token, ...] = ()
    name: str = field(default="", compare=False)
    doc: str = field(default="", compare=False, repr=False)
    span: Span | None = field(default=None, compare=False, repr=False)
    assume: tuple[Expr, ...] = ()

    def __neg__(self) -> Order:
        name = self.name and (self.name[1:] if self.name.startswith("-") else f"-{self.name}")
        return replace(self, reverse=not self.reverse, name=name, doc="")

    def __str__(self) -> str:
        from scanlab.ir.printer import print_value

        return print_value(self)

    def _words(self) -> str:
        return _named(self.name, str(self), self.axes)

    @staticmethod
    def from_indices(indices: Iterable[int], axes: str | Iterable[str] = "h w") -> Order:
        """The order that visits the patches in the given sequence of flat row-major indices.

        ``indices`` (integers, [L]) must be a permutation of 0 … L-1; the order then fits exactly the grids of L
        patches. Raises ScanlabError S214 otherwise, and S212 for what names no axes.

        >>> import scanlab
        >>> order = scanlab.Order.from_indices([2, 0, 1], "w")
        >>> scanlab.compile(order, 3).indices
        array([[2, 0, 1]])
        """
        return Order(plain_axes(axes), (Key(Visit(permutation(indices))),))

    @property
    def partial(self) -> bool:
        """Whether a ``where`` leaves patches out."""
        return self.where is not None


@dataclass(frozen=True, repr=False)
class Scan(Shown):
    """Several paths over the same grid and how their outputs merge: a name of ``scanlab.ir.merges.MERGES``.

    Raises ScanlabError S201 for another name.

    >>> import scanlab
    >>> cross = scanlab.load("cross")
    >>> cross.merge, [part.name for part in cross.parts]
    ('sum', ['row', 'column', '-row', '-column'])
    """

    merge: str
    parts: tuple[Order | Scan, ...]
    tokens: tuple[Token, ...] = ()
    name: str = field(default="", compare=False)
    doc: str = field(default="", compare=False, repr=False)
    span: Span | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        merge_rule(self.merge)

    @property
    def rule(self) -> MergeRule:
        """What its merge means."""
        return merge_rule(self.merge)

    def __neg__(self) -> Scan:
        return replace(self, parts=tuple(-p for p in self.parts), name="", doc="")

    def __str__(self) -> str:
        from scanlab.ir.printer import print_value

        return print_value(self)

    def _words(self) -> str:
        return _named(self.name, str(self), self.axes)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the grid."""
        return self.parts[0].axes


@dataclass(frozen=True)
class Entry:
    """A scan and for how many layers in a row a plan uses it."""

    scan: Scan
    count: int = 1


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """Which scan each layer uses: ``cycle`` repeats its entries without end, ``layers`` lists exactly one per layer.

    >>> import scanlab
    >>> plan = scanlab.parse("layers(row * 2, column)")
    >>> plan.depth, [plan.layer(i).parts[0].name for i in range(3)]
    (3, ['row', 'row', 'column'])
    """

    kind: str
    entries: tuple[Entry, ...]
    name: str = field(default="", compare=False)
    doc: str = field(default="", compare=False, repr=False)
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        from scanlab.ir.printer import print_value

        return print_value(self)

    def _words(self) -> str:
        return _named(self.name, str(self), self.axes)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the grid."""
        return self.entries[0].scan.axes

    @property
    def depth(self) -> int | None:
        """The number of layers, or None for a cycle, which fits any."""
        return None if self.kind == "cycle" else sum(e.count for e in self.entries)

    def layer(self, i: int) -> Scan:
        """The scan of layer ``i``, counted from 0. Raises ScanlabError S406 outside a plan of fixed depth."""
        total = sum(e.count for e in self.entries)
        if i < 0 or (self.kind != "cycle" and i >= total):
            raise ScanlabError.at("S406", f"the plan has layers 0 to {total - 1}, there is no layer {i}")
        i %= total
        for entry in self.entries:
            if i < entry.count:
                return entry.scan
            i -= entry.count
        raise AssertionError("unreachable: i is below the total count")


Value = Order | Scan | Plan


@dataclass(frozen=True)
class Claim:
    """What ``expect`` says of a definition: ``continuous``, ``covers``, ``same`` as ``other``, or ``streamable`` in
    ``axis``, by groups of ``latency`` coordinates.
    """

    kind: str
    other: Value | None = None
    axis: str = ""
    latency: int = 1
    span: Span | None = field(default=None, compare=False, repr=False)


def orders_of(value: Value) -> Iterator[Order]:
    """The orders of a value, left to right; a plan's scans once per entry."""
    match value:
        case Order():
            yield value
        case Scan(parts=parts):
            for part in parts:
                yield from orders_of(part)
        case Plan(entries=entries):
            for entry in entries:
                yield from orders_of(entry.scan)


def expressions_of(order: Order) -> tuple[Expr, ...]:
    """What an order is written with: its keys, its ``where`` and what it restarts by."""
    return (*(k.expr for k in order.keys), *(() if order.where is None else (order.where,)), *order.restart)


def nodes_in(order: Order) -> Iterator[Expr]:
    """Every node of what an order is written with, see `expressions_of`."""
    return (node for expr in expressions_of(order) for node in nodes_of(expr))


def layers_of(value: Value) -> tuple[Order | Scan, ...]:
    """The scan of every layer that a plan tells apart, once per layer; anything else is its only one."""
    return tuple(e.scan for e in value.entries for _ in range(e.count)) if isinstance(value, Plan) else (value,)


def sequences_of(value: Order | Scan) -> list[tuple[int, ...]]:
    """The numbers of the orders that run one after another with one state: those that a merge joins, else each alone.

    Orders are numbered left to right, as ``orders_of`` gives them.

    >>> import scanlab
    >>> sequences_of(scanlab.parse("sum(chain(row, column), -row)"))
    [(0, 1), (2,)]
    """
    return _sequences(value, count())


def _sequences(value: Order | Scan, numbers: Iterator[int]) -> list[tuple[int, ...]]:
    if isinstance(value, Order):
        return [(next(numbers),)]
    parts = [sequence for part in value.parts for sequence in _sequences(part, numbers)]
    return [tuple(k for sequence in parts for k in sequence)] if value.rule.joins else parts


def map_orders(value: Value, change: Callable[[Order], Order]) -> Value:
    """The same scan or plan over changed orders."""
    match value:
        case Order():
            return change(value)
        case Scan():
            return replace(value, parts=tuple(map_orders(p, change) for p in value.parts), name="", doc="")
        case Plan():
            entries = tuple(replace(e, scan=map_orders(e.scan, change)) for e in value.entries)
            return replace(value, entries=entries, name="", doc="")


def signed_keys(order: Order) -> tuple[Expr, ...]:
    """The keys as plain expressions, with ``~`` and the reversal written out.

    before → after:  ``by h, ~w``  →  ``h``, ``-w if h % 2 == 1 else w``;  reversed: each of them negated.

    >>> import scanlab
    >>> from scanlab.ir.printer import print_expr
    >>> [print_expr(key) for key in signed_keys(scanlab.parse("by h, ~w"))]
    ['h', '-w if h % 2 == 1 else w']
    """
    plain: list[Expr] = []
    for i, key in enumerate(order.keys):
        expr = alternated(key.expr, tuple(k.expr for k in order.keys[:i])) if key.alternate else key.expr
        plain.append(Negate(expr) if order.reverse else expr)
    return tuple(plain)


def alternated(expr: Expr, before: tuple[Expr, ...]) -> Expr:
    """``expr``, negated where the sum of the expressions before it is odd."""
    if not before:
        return expr
    return Select(is_odd(before), Negate(expr), expr)


def is_odd(parts: tuple[Expr, ...]) -> Expr:
    """The condition that the sum of some expressions is odd."""
    total = parts[0]
    for other in parts[1:]:
        total = Binary("+", total, other)
    return Compare("==", Binary("%", total, Int(2)), Int(1))


def conjunction(left: Expr | None, right: Expr | None) -> Expr | None:
    """Both conditions, where both are given."""
    if left is None or right is None:
        return right if left is None else left
    return Logic("and", left, right)


def _named(name: str, line: str, axes: tuple[str, ...]) -> str:
    """A line after its name, shortened, with the axes where they are not the usual ones of an image."""
    over = "" if axes == ("h", "w") else f" over {' '.join(axes)}"
    return f"{name + ': ' if name and name != line else ''}{shortened(line, MOST_SHOWN)}{over}"
