"""The inverse of a curve as a short program on integers: bit arithmetic in a bounded loop, for one step at a time."""

from __future__ import annotations

from itertools import pairwise

__all__ = ["point_program"]


def point_program(name: str, rank: str, outputs: tuple[str, ...], bits: int) -> list[str]:
    """Lines that set ``outputs`` to the cell of rank ``rank`` (the text of an expression) in the cube of side 2**bits.

    ``name`` is ``morton`` (bit arithmetic only) or ``hilbert`` (Skilling's loop over the bits, AIP Conf. Proc. 707,
    2004). The lines are Python and C alike but for the loop heads; no loop runs more than ``bits`` times.
    """
    lines = [f"{' = '.join(outputs)} = 0", f"for b in range({bits}):"]
    for i, x in enumerate(outputs):
        place = len(outputs) - 1 - i
        shift = f"{len(outputs)} * b + {place}" if place else f"{len(outputs)} * b"
        lines.append(f"    {x} |= ({rank} >> ({shift}) & 1) << b")
    return lines if name == "morton" else lines + _hilbert(outputs, bits)


def _hilbert(outputs: tuple[str, ...], bits: int) -> list[str]:
    """From the interleaved bits of a Hilbert rank to the cell: undo the Gray code, then turn cube by cube."""
    first, last = outputs[0], outputs[-1]
    lines = [f"g = {last} >> 1", *(f"{x} ^= g" for x in outputs)]
    lines += [f"{x} ^= {before}" for before, x in reversed(list(pairwise(outputs)))]
    lines.append(f"for b in range({bits}):")
    for x in reversed(outputs[1:]):
        exchange = f"t = ({first} ^ {x}) & ((1 << b) - 1); {first} ^= t; {x} ^= t"
        lines += [f"    if {x} >> b & 1: {first} ^= (1 << b) - 1", f"    else: {exchange}"]
    return [*lines, f"    if {first} >> b & 1: {first} ^= (1 << b) - 1"]
