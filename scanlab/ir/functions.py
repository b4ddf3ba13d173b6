"""The key functions of the language: names, arguments and options. What they compute is the compiler's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ARITHMETIC", "CURVES", "LOCAL", "Option", "Signature"]

_NO_LIMIT = 2**31 - 1


@dataclass(frozen=True)
class Option:
    """An integer option of a key function, ``name=value``, within ``low`` and ``high``; ``words`` name its values."""

    name: str
    default: int
    high: int
    doc: str
    low: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """A key function: how many coordinates it takes, and its options.

    A curve is a bijection from the box of its arguments to ranks, which is all the prover needs to know of it.
    ``whole_grid`` says that without arguments it runs over all axes, ``rules`` that its options are rules by letter.
    """

    name: str
    fewest: int
    most: int
    doc: str
    options: tuple[Option, ...] = ()
    whole_grid: bool = False
    rules: bool = False

    @property
    def written(self) -> str:
        """A call, as documentation writes it: ``hilbert(a, b[, c])``."""
        counts = "…" if self.whole_grid else {1: "a", 2: "a, b", 3: "a, b, c"}.get(self.most, "a, …")
        counts = "a, b[, c]" if (self.fewest, self.most) == (2, 3) else counts
        return f"{self.name}({counts})"

    def option(self, name: str) -> Option | None:
        """The option of that name, if there is one."""
        return next((o for o in self.options if o.name == name), None)


_SEED = Option("seed", 0, _NO_LIMIT, "which of the many equivalent orders; 0 is the plain one")
_TURN = Option("turn", 0, 1, "0 clockwise, 1 counter-clockwise", words=("clockwise", "counter"))
_CORNER = Option(
    "corner",
    0,
    3,
    "where it starts, clockwise from the top left",
    words=("top_left", "top_right", "bottom_right", "bottom_left"),
)
_HEADING = Option("heading", 0, 3, "its first step, clockwise from the right", words=("right", "down", "left", "up"))
_BASE = Option("base", 2, _NO_LIMIT, "of the digits", low=2)

_LSYSTEM = (
    "a curve by rewriting, on its enclosing square; what lies outside is dropped; "
    '`start="L", L="-RF+LFL+FR-", …`: what it begins with, and the rule of every letter'
)
_GILBERT = (
    "generalised Hilbert curve of any box, in unit steps, but for one diagonal on a rectangle whose longer side is odd "
    "and whose shorter one is even, from 4 up, and a few longer steps on boxes of three axes with an odd side; a side "
    "of 1 counts as absent"
)


def _curves() -> tuple[Signature, ...]:
    graph, near = "order of the grid graph", "neighbours differ by one step on one axis"
    return (
        Signature("hilbert", 2, 3, "Hilbert curve of the enclosing power of two; what lies outside is dropped"),
        Signature("gilbert", 2, 3, _GILBERT),
        Signature("morton", 1, 5, "Morton order (Z-order): the bits of the coordinates interleaved, the last lowest"),
        Signature("spiral_in", 2, 2, "ring by ring from a corner to the centre", (_CORNER, _TURN)),
        Signature("spiral_out", 2, 2, "square spiral out of the centre patch (H//2, W//2)", (_HEADING, _TURN)),
        Signature("random", 0, 5, "a fixed random permutation of the box", (_SEED,), whole_grid=True),
        Signature("bfs", 0, 5, f"breadth-first {graph} ({near})", (_SEED,), whole_grid=True),
        Signature("dfs", 0, 5, f"depth-first {graph}", (_SEED,), whole_grid=True),
        Signature("rcm", 0, 5, f"reverse Cuthill-McKee {graph}", (_SEED,), whole_grid=True),
        Signature("spectral", 0, 5, f"spectral (Fiedler vector) {graph}", (_SEED,), whole_grid=True),
        Signature("lsystem", 2, 2, _LSYSTEM, rules=True),
        Signature("bit_reversal", 1, 1, "the digits in reverse, as many as the largest value needs", (_BASE,)),
    )


CURVES: Mapping[str, Signature] = MappingProxyType({s.name: s for s in _curves()})

ARITHMETIC: Mapping[str, Signature] = MappingProxyType(
    {
        s.name: s
        for s in (
            Signature("min", 2, 8, "the smallest argument"),
            Signature("max", 2, 8, "the largest argument"),
            Signature("abs", 1, 1, "the distance from zero"),
            Signature("flip", 1, 1, "the coordinate counted from the other end: flip(h) is H - 1 - h"),
        )
    }
)

LOCAL: Mapping[str, Signature] = MappingProxyType(
    {
        s.name: s
        for s in (
            Signature("offset", 1, 1, "the value less the smallest one in the patch's group"),
            Signature("breadth", 1, 1, "how many values there are from the smallest to the largest one in the group"),
        )
    }
)
