"""The steps of a scan within one group of frames after the other, for streams."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import torch

from scanlab.compiler.bind import CompiledScan, Path
from scanlab.compiler.streaming import prove_streamable
from scanlab.facade import bound
from scanlab.ir.coordinates import substitute_axes
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis, Binary, Extent, Int, nodes_of
from scanlab.ir.values import Order, Scan, Value, map_orders, nodes_in, orders_of
from scanlab.ops import PathTable, path_table
from scanlab.ops.modes import outside_modes

__all__ = ["MOST_TABLES", "Groups"]

# Tables are kept by what they are: an order that treats all groups alike has one, a snake two.
MOST_TABLES = 64
# How many groups at the start of a grid are compared with the grid as a whole before a stream is given out.
COMPARED = 4
# How many groups are looked at for patches and restarts, and from which on.
LOOKED, LOOKED_AT = 64, (0, 1_000, 1_000_000)


class Groups:
    """The steps of a scan within one group of `latency` frames after the other.

    The order of a group is that of its keys with the frames counted from its first one, so that it is exact for every
    group, however late, and takes as long as binding that many frames.
    """

    def __init__(self, value: Order | Scan, latency: int) -> None:
        self.value, self.latency, self.axis = value, latency, value.axes[0]
        self._tables: OrderedDict[tuple[bytes, torch.device], PathTable] = OrderedDict()
        self._restarts = any(o.restart for o in orders_of(value))
        self._checked: tuple[int, ...] | None = None
        orders = list(orders_of(value))
        if problem := next(_problems(value, orders, self.axis), ""):
            raise _stuck(value, problem)
        for order in orders:
            proof = prove_streamable(order, self.axis, latency)
            if proof.verdict != "proved":
                raise _refused(order, proof, self.axis, latency)

    def bound(self, number: int, frame: tuple[int, ...], groups: int = 1) -> CompiledScan:
        """The scan over so many groups from a number on. Raises S716 where it has no meaning there."""
        first = number * self.latency
        moved = map_orders(self.value, lambda order: _moved(order, self.axis, first))
        try:
            scan = bound(moved, (groups * self.latency, *frame))
        except ScanlabError as why:
            where = f"{self.axis} = {first} to {first + groups * self.latency - 1}"
            raise _stuck(self.value, f"it has no paths over {where}", why.diagnostics[0].message) from why
        assert isinstance(scan, CompiledScan)
        return scan

    def table(self, number: int, frame: tuple[int, ...], device: torch.device) -> tuple[PathTable, tuple[bool, ...]]:
        """The steps of a group over its own rows; and which sequences start it with a restart, none for the first."""
        scan = self.bound(number, frame)
        content = b"|".join(path.sequence.tobytes() + path.restarts.tobytes() for path in scan.paths)
        key = (content, device)
        if key not in self._tables:
            with outside_modes():
                table = path_table(scan).to(device)
            self._tables[key] = table
            if len(self._tables) > MOST_TABLES:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return self._tables[key], self._fresh(number, frame) if number and self._restarts else ()

    def _fresh(self, number: int, frame: tuple[int, ...]) -> tuple[bool, ...]:
        both = self.bound(number - 1, frame, 2)
        self._look(both, number - 1)
        inside = math.prod(frame) * self.latency
        return tuple(1 in _restarts(path, inside)[0] for path in both.paths)

    def check(self, frame: tuple[int, ...]) -> None:
        """That groups of frames of a size can be read. Raises S716.

        The first groups are compared with the grid as a whole, bound at once: a second road to what is read. Where a
        scan leaves out patches or restarts, groups are looked at before any is read, many of the first and some far on.
        """
        if frame == self._checked:
            return
        if self._restarts or any(order.partial for order in orders_of(self.value)):
            for number in LOOKED_AT:
                self._look(self.bound(number, frame, LOOKED), number)
        inside = math.prod(frame) * self.latency
        whole = self.bound(0, frame, COMPARED)
        parts = [self.bound(i, frame) for i in range(COMPARED)]
        for k, path in enumerate(whole.paths):
            joined = [i * inside + int(row) for i, part in enumerate(parts) for row in part.paths[k].indices]
            if joined != path.indices.tolist():
                raise ScanlabError.at(
                    "S716",
                    f"`{path.label}` visits the patches of a group in another order when the grid grows",
                    help="let the keys not depend on the number of frames",
                )
        self._checked = frame

    def _look(self, scan: CompiledScan, number: int) -> None:
        """That all groups bound, from a number on, have patches of every path, and one state to start from: that of the
        group before where no path restarts within, or none where all paths restart at the first patch."""
        groups = scan.grid[0] // self.latency
        inside = math.prod(scan.grid) // groups
        restarts = [_restarts(path, inside) for path in scan.paths]
        for path in scan.paths:
            if missing := set(range(groups)) - set((path.indices // inside).tolist()):
                problem = f"`{path.label}` has no patch {self._at(number + min(missing))}"
                raise _stuck(self.value, problem, help="let it visit some of every group, or read more frames at once")
        # What comes before the first group is not known here; the first of all begins with no state whatever it is.
        for group in range(1, groups):
            if any(group in within for _, within in restarts) and not all(group in first for first, _ in restarts):
                problem = f"a path restarts amid the patches {self._at(number + group)}, and takes up a state before"
                help = "read fewer frames at once, or let all paths restart at the first patch of a group"
                raise _stuck(self.value, problem, help=help)

    def _at(self, group: int) -> str:
        first = group * self.latency
        return f"of {self.axis} = {first}" + (f" to {first + self.latency - 1}" if self.latency > 1 else "")


def _restarts(path: Path, inside: int) -> tuple[set[int], set[int]]:
    """The groups of so many patches at whose first step a path restarts, and those within which it does."""
    groups = path.indices // inside
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    at_first = np.isin(path.restarts, first)
    return set(groups[path.restarts[at_first]].tolist()), set(groups[path.restarts[~at_first]].tolist())


def _stuck(value: Value, problem: str, note: str = "", help: str = "") -> ScanlabError:
    said = f"`{value}` cannot be followed while a video goes on: {problem}"
    return ScanlabError.at("S716", said, note=note, help=help)


def _moved(order: Order, axis: str, by: int) -> Order:
    """The order with its coordinate along an axis counted from a later place."""
    coordinates = {a: Binary("+", Axis(a), Int(by)) if a == axis else Axis(a) for a in order.axes}
    return substitute_axes(order, order.axes, coordinates) if by else order


def _problems(value: Value, orders: Sequence[Order], axis: str) -> Iterator[str]:
    scans = [value] if isinstance(value, Scan) else []
    while scans:
        scan = scans.pop()
        scans += [part for part in scan.parts if isinstance(part, Scan)]
        if scan.rule.joins:
            yield f"{scan.merge} begins a path where another has ended"
        if scan.tokens:
            yield "virtual tokens stand for the video as a whole"
    for order in orders:
        if order.tokens:
            yield "virtual tokens stand for the video as a whole"
        assumed = (node for expr in order.assume for node in nodes_of(expr))
        if Extent(axis) in chain(nodes_in(order), assumed):
            yield f"it depends on {axis.upper()}, the number of frames, which is not known"


def _refused(order: Order, proof: object, axis: str, latency: int) -> ScanlabError:
    help = "let its first key be the frame" if latency == 1 else f"let its first key be {axis} // {latency}"
    return ScanlabError.at(
        "S716",
        f"`{order.name or order}` cannot be followed frame by frame",
        note=str(proof),
        help=f"{help}, or read more frames at once (latency)",
    )
