"""Receptive fields as a figure and in the terminal: one column per strategy, one row per kind of field."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from rich.text import Text

from scanlab.compiler.spread import Cell, centre_cell, normalised, spread
from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.export import FIGURES, figure_medium, write_whole
from scanlab.view.extras import need
from scanlab.view.ramp import hex_colour, table

__all__ = [
    "FAINTEST",
    "MOST_AXES",
    "Field",
    "check_picture",
    "draw",
    "heat_map",
    "log_scaled",
    "outlines",
    "picture_of",
    "spread_text",
    "write",
]

# The share of a field's largest contribution from which on colours tell contributions apart.
FAINTEST = 1e-4
MOST_AXES = 3
_SIDE = 2.5
_INK, _SOFT, _NOTHING = "#1c1b22", "#5d5b6b", "#f1eff5"


@dataclass(frozen=True, eq=False)
class Field:
    """Contributions of every patch (or pixel) to one cell.

    strategy: the column; kind: the row, such as "after training". values: float, at least 0, of 1 to 3 axes. cell: the
    cell they reach, (first, last + 1) per axis; () for the middle element. axes: their names, where slices need them.
    """

    strategy: str
    kind: str
    values: np.ndarray
    cell: Cell = ()
    axes: tuple[str, ...] = ()

    @property
    def centre(self) -> Cell:
        """The cell, in full."""
        return self.cell or centre_cell(self.values.shape)


def write(fields: Sequence[Field], target: Path, title: str = "") -> None:
    """Draw fields into a file called .svg or .png. Raises ScanlabError as `check_picture` and `draw`."""
    medium = check_picture(target)
    write_whole(target, draw(fields, medium, title))


def check_picture(target: Path) -> str:
    """The medium that a file's suffix names.

    Raises ScanlabError S501 for another suffix than .svg and .png, S502 where the file cannot be written, and S500
    without matplotlib.
    """
    medium = figure_medium(target, "picture of receptive fields", f"end the file's name in one of {', '.join(FIGURES)}")
    _need("matplotlib.figure")
    return medium


def draw(fields: Sequence[Field], medium: str = "svg", title: str = "", dots_per_inch: int = 110) -> bytes:
    """Draw fields side by side on one logarithmic scale, and return the bytes of an SVG or PNG file.

    Columns and rows stand in the order in which their names first occur. Each field is divided by its largest
    contribution; the scale runs from FAINTEST to 1, and what is exactly 0 has no colour of the ramp. A field of 3 axes
    is drawn as its slices through the middle of the cell. The same fields give the same bytes. Raises ScanlabError
    S500 without matplotlib, S503 for no fields and S636 for one of more than 3 axes.
    """
    _check(fields)
    figures, colours = _need("matplotlib.figure"), _need("matplotlib.colors")
    matplotlib = _need("matplotlib")
    columns, rows = list(dict.fromkeys(f.strategy for f in fields)), list(dict.fromkeys(f.kind for f in fields))
    figure = figures.Figure(
        figsize=(_SIDE * len(columns) + 0.9, (_SIDE + 0.45) * len(rows) + 0.4 * bool(title)), layout="constrained"
    )
    figure.get_layout_engine().set(h_pad=0.1, w_pad=0.06)
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    ramp = colours.ListedColormap(table(256) / 255).with_extremes(bad=(0, 0, 0, 0), under=_NOTHING)
    scale = colours.LogNorm(FAINTEST, 1)
    image = None
    for panel in panels.ravel():
        panel.set_axis_off()
    for field in fields:
        panel = panels[rows.index(field.kind), columns.index(field.strategy)]
        image = _panel(panel, field, ramp, scale)
        if field.kind == rows[0]:
            panel.annotate(
                _plain(field.strategy), (0, 1), (0, 25), "axes fraction", "offset points", color=_INK, weight="bold"
            )
    for kind, panel in zip(rows, panels[:, 0], strict=True):
        panel.text(-0.04, 0.5, _plain(kind), rotation=90, ha="right", va="center", transform=panel.transAxes)
    bar = figure.colorbar(image, ax=panels, shrink=0.7, pad=0.02, aspect=30)
    bar.set_label("contribution / largest", color=_SOFT, fontsize=8)
    bar.ax.tick_params(labelsize=7, colors=_SOFT)
    if title:
        figure.suptitle(_plain(title), color=_SOFT, fontsize=7, family="monospace")
    buffer = io.BytesIO()
    dates = {"Date": None} if medium == "svg" else {"Software": None}
    # Names in an SVG would otherwise differ from run to run.
    with matplotlib.rc_context({"svg.hashsalt": "scanlab", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=medium, dpi=dots_per_inch, facecolor="white", metadata=dates)
    return buffer.getvalue()


def heat_map(field: Field, colour: bool = True, width: int = 80) -> Text:
    """Draw a field in characters, two rows of elements in one where there is colour, else tenths of the decades.

    Only every second, third, … element is shown where the field is wider than `width`. Raises S636 as `draw`.
    """
    _check([field])
    picture = log_scaled(picture_of(field))
    stride = -(-picture.shape[1] // max(width, 1))
    picture = picture[::stride, ::stride]
    lines = [_shaded(upper, lower) for upper, lower in _pairs(picture)] if colour else map(_tenths, picture)
    return Text("\n").join(lines)


def spread_text(field: Field) -> str:
    """Say how far the field spreads, as "50 % in 0.12, 99 % in 0.80 of the area · 3.4 away"."""
    measured = spread(field.values, field.centre)
    if np.isnan(measured.mean_distance):
        return "no contribution"
    return (
        f"50 % in {measured.areas[2]:.2f}, 99 % in {measured.areas[3]:.2f} of area\n"
        f"mean distance {measured.mean_distance:.1f}"
    )


def _need(module: str) -> ModuleType:
    return need(module, "a figure of receptive fields", "leave out --out: the table and the heat maps need nothing")


def _check(fields: Sequence[Field]) -> None:
    if not fields:
        raise ScanlabError.at("S503", "there is no receptive field to draw", help="give at least one strategy")
    for field in fields:
        if not 1 <= field.values.ndim <= MOST_AXES:
            raise ScanlabError.at(
                "S636",
                f"{field.strategy}: a field of {field.values.ndim} axes cannot be drawn",
                help="fields of 1 to 3 axes can; --json prints the figures of any",
            )


def _panel(panel: Any, field: Field, ramp: Any, scale: Any) -> Any:
    picture = picture_of(field)
    # Below the scale but not 0 is the ramp's first colour; 0 itself lies under it.
    shown = np.where(picture > 0, np.maximum(picture, FAINTEST), np.where(np.isnan(picture), np.nan, FAINTEST / 10))
    aspect = "auto" if field.values.ndim == 1 else "equal"
    image = panel.imshow(np.ma.masked_invalid(shown), cmap=ramp, norm=scale, aspect=aspect, interpolation="nearest")
    patches = _need("matplotlib.patches")
    for (top, bottom), (left, right) in outlines(field):
        corner = (left - 0.5, top - 0.5)
        panel.add_patch(
            patches.Rectangle(corner, right - left, bottom - top, fill=False, edgecolor=_INK, linewidth=0.8)
        )
    panel.set_title(spread_text(field), loc="left", fontsize=6.5, color=_SOFT)
    if field.values.ndim == MOST_AXES:
        names = field.axes or ("0", "1", "2")
        note = f"slices through the middle: {names[1]}{names[2]}, {names[0]}{names[2]}, {names[0]}{names[1]}"
        panel.text(0, -0.02, note, fontsize=6, color=_SOFT, va="top", transform=panel.transAxes)
    return image


def picture_of(field: Field) -> np.ndarray:
    """The field as a picture [rows, columns] with its largest value 1; NaN between the slices of 3 axes."""
    values = normalised(np.asarray(field.values, dtype=np.float64))
    if values.ndim < MOST_AXES:
        return np.atleast_2d(values)
    middle = [(first + stop - 1) // 2 for first, stop in field.centre]
    slices = [values.take(at, axis) for axis, at in enumerate(middle)]
    height, gap = max(s.shape[0] for s in slices), _gap(values)
    padded = [np.pad(s, ((0, height - len(s)), (0, gap)), constant_values=np.nan) for s in slices]
    return np.concatenate(padded, axis=1)[:, :-gap]


def _gap(values: np.ndarray) -> int:
    """The columns between slices."""
    return max(1, values.shape[2] // 14)


def outlines(field: Field) -> list[Cell]:
    """The rows and columns of the cell in the picture that `picture_of` makes, once per slice."""
    cell = field.centre
    if field.values.ndim < MOST_AXES:
        return [((0, 1), *cell)[-2:]]
    pitch = field.values.shape[2] + _gap(field.values)
    shifts = (0, pitch, 2 * pitch)
    shown = (cell[1:], cell[::2], cell[:2])
    return [(rows, (columns[0] + at, columns[1] + at)) for (rows, columns), at in zip(shown, shifts, strict=True)]


def log_scaled(picture: np.ndarray) -> np.ndarray:
    """Where each value lies on the logarithmic scale, in [0, 1]; -1 for exactly 0, NaN where nothing is drawn."""
    places = 1 - np.log(np.clip(picture, FAINTEST, None)) / np.log(FAINTEST)
    return np.where(picture == 0, -1.0, places)


def _pairs(picture: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    rows = [*picture, np.full(picture.shape[1], np.nan)]
    return list(zip(rows[:-1:2], rows[1::2], strict=False))


def _shaded(upper: np.ndarray, lower: np.ndarray) -> Text:
    line = Text()
    for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
        fore, back = _colour(above), _colour(below)
        if fore:
            line.append("▀", f"{fore} on {back}" if back else fore)
        else:
            line.append("▄" if back else " ", back)
    return line


def _colour(level: float) -> str:
    return hex_colour(level) if level >= 0 else ""


def _tenths(row: np.ndarray) -> Text:
    return Text("".join(" " if v != v else "·" if v < 0 else str(min(int(v * 10), 9)) for v in row.tolist()).rstrip())


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
