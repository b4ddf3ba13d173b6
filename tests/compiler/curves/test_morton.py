import numpy as np
import pytest

from scanlab.compiler.curves.morton import deinterleave, interleave, morton_grid


def by_strings(cell, bits):
    digits = [format(c, f"0{bits}b") for c in cell]
    return int("".join("".join(group) for group in zip(*digits, strict=True)) or "0", 2)


@pytest.mark.parametrize("box", [(1,), (9,), (5, 8), (14, 14), (2, 3, 4), (3, 2, 2, 3), (2, 1, 3, 2, 2)])
def test_the_rank_is_the_interleaved_binary_digits(box):
    bits = max(extent - 1 for extent in box).bit_length()
    expected = [by_strings(cell, bits) for cell in np.ndindex(*box)] if bits else [0] * int(np.prod(box))
    assert morton_grid(box, {}).ravel().tolist() == expected


def test_interleaving_is_undone():
    x, y = np.arange(300), np.arange(300)[::-1]
    back = deinterleave(interleave([x, y], 9), 2, 9)
    np.testing.assert_array_equal(back, [x, y])
