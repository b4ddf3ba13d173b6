"""A data set of one's own, as a function that gives images and labels: which way do stripes fade?"""

import numpy as np

import scanlab


def stripes(count: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """float32 [M, 1, 8, 8] and int64 [M]: 0 where brightness rises along rows, 1 along columns, with noise."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    along = np.linspace(0, 1, 8, dtype=np.float32)
    rising = np.where(labels[:, None, None] == 0, along[None, None, :], along[None, :, None])
    images = rising + 0.5 * draw.standard_normal((count, 8, 8), dtype=np.float32)
    return images[:, None].astype(np.float32), labels


def main() -> None:
    made = scanlab.ablate(
        {"rows": "by h, w", "columns": "by w, h"},
        dataset=stripes,
        model={"patch": 2, "dim": 16},
        seeds=3,
        controls=["no_scan"],
        recipe={"epochs": 3},
    )
    print(made)
    print(f"wrote {made.report()}")


if __name__ == "__main__":
    main()
