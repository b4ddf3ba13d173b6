"""The orders, scans and plans that a search may try, as a tree of named choices.

`draw` asks for one choice after another and makes a value of the answers, so a random number generator and a sampler
that learns explore one and the same space. All candidates have as many paths as the baseline, and so its parameters and
FLOPs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Curve
from scanlab.ir.values import Entry, Key, Order, Plan, Scan, Value, orders_of
from scanlab.study.search.bases import Choose, drawn_base, turned, under
from scanlab.study.search.moves import mutated

__all__ = ["SPACES", "Space", "SpaceKind", "random_order", "space_kind", "space_named"]

MOVES_OF_KEYS = (1, 2, 3, 4)
MOVES_OF_PATHS = (0, 1, 2)


@dataclass(frozen=True)
class Space:
    """What to draw from. kind: of SPACES. grid: the patches of the problem. layers: of its model.

    frame: the baseline, or the first scan of a plan; candidates keep its merges, its tokens and its ``where``.
    """

    kind: str
    grid: tuple[int, ...]
    layers: int
    frame: Order | Scan

    def draw(self, choose: Choose) -> Value:
        """A candidate, from one choice after another. It is not proved yet."""
        return SPACES[self.kind].draw(self, choose)

    def with_one_order(self, choose: Choose, moves: Sequence[int]) -> Order | Scan:
        """One order in the place of all the frame's."""
        return _every_order_replaced(self.frame, self._order(choose, moves))

    def _order(self, choose: Choose, moves: Sequence[int]) -> Order:
        order = turned(drawn_base(choose, self.frame.axes, self.grid), choose)
        count = choose("moves", moves)
        for number in range(1, count + 1):
            order = mutated(order, under(choose, f"move {number}"), self.grid)
        return replace(order, name="", doc="")

    def filled(self, choose: Choose) -> Order | Scan:
        """The frame with another order in the place of each of its own."""
        new = (
            self._order(under(choose, f"path {i}"), MOVES_OF_PATHS)
            for i, _ in enumerate(orders_of(self.frame), start=1)
        )
        return _with_orders(self.frame, new)

    def plan(self, choose: Choose) -> Plan:
        """Two of them, in turn or one after the other."""
        first, second = (_as_scan(self.filled(under(choose, word))) for word in ("first", "second"))
        if choose("plan", ("cycle", "layers")) == "cycle":
            return Plan("cycle", (Entry(first), Entry(second)))
        before = choose("layers of the first", range(1, self.layers))
        return Plan("layers", (Entry(first, before), Entry(second, self.layers - before)))


@dataclass(frozen=True)
class SpaceKind:
    """about: what is in it. draw: a candidate of a space. one_order: it stands for all paths of the baseline. paths,
    layers: how many the baseline and the model must have at least."""

    about: str
    draw: Callable[[Space, Choose], Value]
    one_order: bool = False
    paths: int = 1
    layers: int = 1


SPACES: Mapping[str, SpaceKind] = MappingProxyType(
    {
        "parameters": SpaceKind(
            "orders of the library with every choice of their parameters, in every symmetry of the box",
            lambda space, choose: space.with_one_order(choose, (0,)),
            one_order=True,
        ),
        "keys": SpaceKind(
            "those, changed by up to four moves on their keys",
            lambda space, choose: space.with_one_order(choose, MOVES_OF_KEYS),
            one_order=True,
        ),
        "scans": SpaceKind("the baseline's paths replaced one by one, each by such an order", Space.filled, paths=2),
        "plans": SpaceKind(
            "two such orders or scans, in turn or one after the other along the layers", Space.plan, layers=2
        ),
    }
)


def space_kind(name: str) -> SpaceKind:
    """The row of a space. Raises S667 for an unknown name."""
    if name not in SPACES:
        raise ScanlabError.at("S667", f"there is no space {name!r}", help=f"choose from {', '.join(SPACES)}")
    return SPACES[name]


def space_named(kind: str, baseline: Value, grid: tuple[int, ...], layers: int) -> Space:
    """The space of that name around a baseline.

    Raises S667 for an unknown name, and where the baseline or the model leaves the space empty.
    """
    row = space_kind(kind)
    frame = baseline.entries[0].scan if isinstance(baseline, Plan) else baseline
    paths = sum(1 for _ in orders_of(frame))
    if row.one_order and not _takes_one_order(frame):
        raise ScanlabError.at(
            "S667",
            f"the space {kind!r} replaces one order, and the baseline merges {paths} paths in a way of its own",
            note="one order stands for 1 path, for 2 (it and its reverse), or on 2 axes for 4 (transposed as well)",
            help="search the space scans, or take another baseline",
        )
    if paths < row.paths:
        raise ScanlabError.at(
            "S667", f"the space {kind!r} needs a baseline of two or more paths", help="such as --baseline cross"
        )
    if layers < row.layers:
        raise ScanlabError.at(
            "S667", "a plan of two scans needs a model of two or more layers", help="raise the depth of the model"
        )
    return Space(kind, grid, layers, frame)


def random_order(frame: Order | Scan, seed: int) -> Order | Scan:
    """The frame with random permutations for its orders: what any order of a search has to beat."""
    whole = tuple(Axis(a) for a in frame.axes)
    shuffles = (
        Order(frame.axes, (Key(Curve("random", whole, (("seed", seed + i),))),)) for i, _ in enumerate(orders_of(frame))
    )
    return _with_orders(frame, shuffles)


def _with_orders(frame: Order | Scan, new: Iterator[Order]) -> Order | Scan:
    """The frame over other keys; its merges, its tokens and the patches that each path visits stay."""
    if isinstance(frame, Order):
        return replace(next(new), where=frame.where, tokens=frame.tokens)
    return replace(frame, parts=tuple(_with_orders(p, new) for p in frame.parts), name="", doc="")


def _takes_one_order(frame: Order | Scan) -> bool:
    if isinstance(frame, Order):
        return True
    alone = all(isinstance(p, Order) and not p.partial for p in frame.parts)
    alone = alone and not frame.rule.splits and frame.rule.visits != "disjoint"
    return alone and (len(frame.parts) in (1, 2) or (len(frame.parts) == 4 and len(frame.axes) == 2))


def _every_order_replaced(frame: Order | Scan, order: Order) -> Order | Scan:
    """One order in the place of all the frame's: as it is, both ways, or both ways and transposed.

    before → after:  ``by h, ~w`` in ``sum(row, -row)``  →  ``sum((by h, ~w), -(by h, ~w))``
    """
    ways = [order]
    if isinstance(frame, Scan) and len(frame.parts) == 4:
        first, second = frame.axes
        ways.append(substitute_axes(order, frame.axes, {first: Axis(second), second: Axis(first)}))
    if isinstance(frame, Scan) and len(frame.parts) > 1:
        ways += [-way for way in ways]
    return _with_orders(frame, iter(ways))


def _as_scan(value: Order | Scan) -> Scan:
    return value if isinstance(value, Scan) else Scan("sum", (value,))
