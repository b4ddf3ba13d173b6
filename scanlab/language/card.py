"""The language on one page: a row for each thing that can be said, with a text that says it.

docs/language.md has its first table from here, and the explorer its card.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CARD", "CardRow"]


@dataclass(frozen=True)
class CardRow:
    """written: as it stands in a text; means: in Markdown; example: a whole text that uses it."""

    written: str
    means: str
    example: str


def _on_a_plane(body: str) -> str:
    return f"grid h, w\n\n{body}\n"


CARD = (
    CardRow(
        "`grid t, h, w`",
        "names the axes of the definitions below; `H` is the extent of `h`",
        "grid t, h, w\n\norder frames = by t, h, w\n",
    ),
    CardRow(
        "`order snake = by h, ~w`",
        "sort keys, most significant first; `~` runs a key backwards where the sum before it is odd",
        _on_a_plane("order snake = by h, ~w"),
    ),
    CardRow(
        "`by h // 7, w // 7, h % 7, w % 7`",
        "integer arithmetic: windows; ragged edges need no padding",
        _on_a_plane("order windows = by h // 7, w // 7, h % 7, w % 7"),
    ),
    CardRow(
        "`by h // 8, w // 8, hilbert(h % 8, w % 8)`",
        "curves are numbers in a key: `hilbert`, `gilbert`, `morton`, spirals, graph orders, `random`",
        _on_a_plane("order curves = by h // 8, w // 8, hilbert(h % 8, w % 8)"),
    ),
    CardRow(
        '`by "(h k) w -> h w k", k=7`',
        "the same kind of keys, written as einops writes a rearrangement",
        _on_a_plane('order strips = by "(h k) w -> h w k", k=7'),
    ),
    CardRow(
        "`by within (h // 7, w // 7): gilbert(h, w)`",
        "inside every window its own coordinates, extents and curve; ragged ones too",
        _on_a_plane("order curves_in_windows = by within (h // 7, w // 7): gilbert(h, w)"),
    ),
    CardRow(
        '`lsystem(h, w, L="-RF+LFL+FR-", …)`',
        "a curve from a turtle's rules; the library's `peano`, `moore` and `meander` are such lines",
        _on_a_plane('order by_rules = by lsystem(h, w, start="L", L="-RF+LFL+FR-", R="+LF-RFR-FL+")'),
    ),
    CardRow(
        "`order window[k=7] = …`, `window[4]`",
        "parameters",
        _on_a_plane("order tiles[k=7] = by h // k, w // k, h % k, w % k\norder small_tiles = tiles[2]"),
    ),
    CardRow(
        "`row(w, h)`, `row(h=H-1-h)`, `-row`",
        "other coordinates; the same path backwards",
        _on_a_plane("order upright = row(w, h)\norder from_below = row(h=H-1-h)\norder backwards = -row"),
    ),
    CardRow(
        "`by h, w where w <= h restart by h`",
        "part of the grid; where the state is reset",
        _on_a_plane("order triangle = by h, w where w <= h restart by h"),
    ),
    CardRow(
        "`scan cross = sum(row, column, -row, -column)`",
        "several paths and their merge: `sum mean gate heads scatter chain`",
        _on_a_plane("scan cross = sum(row, column, -row, -column)"),
    ),
    CardRow(
        "`sum(orbit(snake, transpose, flip_h, flip_w))`",
        "all images of a path under symmetries",
        _on_a_plane("scan eight = sum(orbit(snake, transpose, flip_h, flip_w))"),
    ),
    CardRow(
        "`scan vim = sum(row, -row) with cls at middle`",
        "class tokens",
        _on_a_plane("scan vim = sum(row, -row) with cls at middle"),
    ),
    CardRow(
        "`plan staged = layers(cross * 2, vim * 4)`",
        "which scan each layer uses; or `cycle(…)`",
        _on_a_plane("plan staged = layers(cross * 2, vim * 4)"),
    ),
    CardRow(
        "`expect continuous`",
        "a claim that must be proved",
        _on_a_plane("order snake = by h, ~w\n  expect continuous"),
    ),
    CardRow(
        "`grid h, w assume H % 4 == 0, W >= 8`",
        "the sizes that definitions, claims and proofs speak of",
        "grid h, w assume H % 4 == 0, W >= 8\n\norder blocks = by h // 4, w // 8, h % 4, w % 8\n",
    ),
)
