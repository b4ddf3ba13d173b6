"""How the paths of a scan lie side by side: what each reads of the channels, and which tokens stand in its sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from scanlab.ir.values import Order, Plan, Scan, Token, layers_of

__all__ = ["PathLayout", "layers_text", "path_layouts"]

_ALL = (Fraction(0), Fraction(1))


@dataclass(frozen=True)
class PathLayout:
    """One path of a scan. channels: its share of them, from start to stop. tokens: those of its scan, or its own."""

    order: Order
    channels: tuple[Fraction, Fraction] = _ALL
    tokens: tuple[Token, ...] = ()


def path_layouts(
    part: Order | Scan, channels: tuple[Fraction, Fraction] = _ALL, tokens: tuple[Token, ...] = ()
) -> Iterator[PathLayout]:
    """The paths of a scan, left to right.

    >>> import scanlab
    >>> [str(p.channels[1]) for p in path_layouts(scanlab.parse("heads(row, column)"))]
    ['1/2', '1']
    """
    if isinstance(part, Order):
        yield PathLayout(part, channels, tokens or part.tokens)
        return
    start, stop = channels
    step = (stop - start) / len(part.parts)
    for i, inner in enumerate(part.parts):
        share = (start + i * step, start + (i + 1) * step) if part.rule.splits else channels
        yield from path_layouts(inner, share, part.tokens or tokens)


def layers_text(plan: Plan, scan: Order | Scan) -> str:
    """Which layers of a plan use a scan: "layers 0, 2, 4, …".

    >>> import scanlab
    >>> plan = scanlab.parse("cycle(row, column)")
    >>> layers_text(plan, plan.layer(1))
    'layers 1, 3, 5, …'
    """
    period = layers_of(plan)
    here = [i for i, used in enumerate(period) if used == scan]
    if plan.kind != "cycle":
        return f"layer{'s' if len(here) > 1 else ''} {_ranges(here)}"
    if len(here) == len(period):
        return "all layers"
    return f"layers {_ranges([i + turn * len(period) for turn in range(3) for i in here])}, …"


def _ranges(numbers: list[int]) -> str:
    """0 to 3, 5 for [0, 1, 2, 3, 5]; two neighbours are listed as they are."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]} to {r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs)
