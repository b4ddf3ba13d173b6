"""Write an order, have it proved, look at it, and see what a kernel would compute."""

import scanlab
from scanlab import by


def main() -> None:
    h, w = scanlab.axes("h w")

    tie = by(h + w)
    print(f"{tie}\n{scanlab.prove(tie)}\n")

    zigzag = by(h + w, ~w)
    print(f"{zigzag}\n{scanlab.prove(zigzag)}\n")
    assert zigzag == scanlab.parse("by h + w, ~w")

    windows = by(h // 4, w // 4, h % 4, ~(w % 4))
    path = scanlab.compile(windows, grid=(6, 9)).paths[0]
    print(f"{windows}, on 6x9 with ragged edges, is {path.form}:")
    print("\n".join(path.index_form.lines(path.axes)))


if __name__ == "__main__":
    main()
