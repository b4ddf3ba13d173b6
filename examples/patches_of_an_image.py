"""Read real images patch by patch in an order of your choice, and put the patches back."""

import numpy as np

import scanlab
from scanlab.data import load


def main() -> None:
    image = load("digits").images[0, 0]
    side = 2
    grid = (image.shape[0] // side, image.shape[1] // side)
    patches = image.reshape(grid[0], side, grid[1], side).swapaxes(1, 2).reshape(-1, side, side)

    path = scanlab.compile("by hilbert(h, w)", grid).paths[0]
    sequence = patches[path.indices]
    restored = sequence[path.ranks]
    assert np.array_equal(restored, patches), "ranks undo indices"
    print(f"{len(sequence)} patches of {side}x{side}, visited as {path.order}:")
    print(np.round(sequence.mean(axis=(1, 2)), 2))


if __name__ == "__main__":
    main()
