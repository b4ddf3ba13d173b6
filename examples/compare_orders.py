"""Which orders keep neighbours close? One line per order, and why no single figure answers that."""

import scanlab
from scanlab.compiler.locality import locality

ORDERS = {
    "raster": "by h, w",
    "snake": "by h, ~w",
    "7x7 windows": "by h // 7, w // 7, h % 7, w % 7",
    "gilbert": "by gilbert(h, w)",
    "shuffled": "by random(seed=0)",
}


def main() -> None:
    print(f"{'order':12} {'unit steps':>10} {'mean gap':>9} {'median gap':>11}")
    for name, text in ORDERS.items():
        path = scanlab.compile(text, grid=(14, 14)).paths[0]
        m = locality(path.indices, path.grid)
        print(f"{name:12} {m.unit_step_share:10.2f} {m.mean_gap:9.1f} {m.median_gap:11.1f}")


if __name__ == "__main__":
    main()
