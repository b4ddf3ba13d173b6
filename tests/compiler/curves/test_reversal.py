"""Digits in reverse: by the definition on texts, and in its closed form on powers of the base."""

from __future__ import annotations

import numpy as np
import pytest

import scanlab
from scanlab.compiler.curves import CURVES


def _digits(number: int, base: int, count: int) -> list[int]:
    return [number // base**i % base for i in range(count)]


@pytest.mark.parametrize("base", [2, 3, 10, 7])
@pytest.mark.parametrize("bound", [1, 2, 3, 9, 16, 100])
def test_the_definition(bound: int, base: int) -> None:
    count = len(np.base_repr(bound - 1, base)) if bound > 1 else 0
    expected = [sum(d * base ** (count - 1 - i) for i, d in enumerate(_digits(n, base, count))) for n in range(bound)]
    assert CURVES["bit_reversal"]((bound,), {"base": base}).tolist() == expected
    assert len(set(expected)) == bound


def test_van_der_corput() -> None:
    """The sequence of 1935: 1/2, 1/4, 3/4, 1/8, 5/8, 3/8, 7/8, …"""
    assert (CURVES["bit_reversal"]((8,), {}) / 8).tolist() == [0, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875]


def test_coarse_patches_come_first() -> None:
    found = scanlab.compile("coarse_to_fine", (8, 8)).indices[0]
    for side in (1, 2, 4):
        coarse = {(8 // side * r, 8 // side * c) for r in range(side) for c in range(side)}
        assert {divmod(int(i), 8) for i in found[: side * side]} == coarse


@pytest.mark.parametrize("line", ["by bit_reversal(h), bit_reversal(w, base=3)", "by bit_reversal(morton(h, w))"])
def test_proved_for_all_sizes(line: str) -> None:
    assert scanlab.prove(line).verdict == "proved"


def test_ties_are_found() -> None:
    proof = scanlab.prove("by bit_reversal(h // 2), w")
    assert proof.counterexample is not None and proof.counterexample.patches == ((0, 0), (1, 0))
