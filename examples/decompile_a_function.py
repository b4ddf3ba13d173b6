"""From an index function, as repositories have them, to its line: python examples/decompile_a_function.py

Three functions as one meets them: one is right, one uses ranks as indices, one is right on squares only.
"""

from __future__ import annotations

import numpy as np

import scanlab


def zigzag_of_blocks(height: int, width: int) -> np.ndarray:
    """Blocks of 2 x 2 patches, every other row of blocks from right to left."""
    order = []
    for row in range(0, height, 2):
        columns = range(0, width, 2)
        for column in columns if row % 4 == 0 else reversed(columns):
            order += [
                (row + i) * width + column + j
                for i in range(min(2, height - row))
                for j in range(min(2, width - column))
            ]
    return np.array(order)


def hilbert_steps(height: int, width: int) -> np.ndarray:
    """When each patch is read: a gather needs the inverse."""
    return scanlab.compile("hilbert", (height, width)).ranks[0]


def columns(height: int, width: int) -> np.ndarray:
    """Height and width are exchanged: right on squares, where nobody notices."""
    return np.arange(height * width).reshape(width, height).T.ravel()


def main() -> None:
    """What `scanlab.decompile` says of each."""
    for function in (zigzag_of_blocks, hilbert_steps, columns):
        print(f"{function.__name__}: {scanlab.decompile(function)}\n")


if __name__ == "__main__":
    main()
