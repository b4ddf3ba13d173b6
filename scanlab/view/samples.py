"""Samples of data as a contact sheet: a row per sample, masks outlined."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from scanlab.ir.diagnostics import ScanlabError
from scanlab.view.export import figure_medium, write_whole
from scanlab.view.extras import need
from scanlab.view.ramp import hex_colour

__all__ = ["Picture", "Row", "check_sheet", "draw", "write"]

# In inches: the width of a picture, and what stands around it.
_SIDE, _GAP, _MARGIN, _HEAD, _FOOT, _CAPTION = 1.15, 0.06, 1.5, 0.32, 0.35, 0.14
_INK, _SOFT = "#1c1b22", "#5d5b6b"


@dataclass(frozen=True, eq=False)
class Picture:
    """One image or slice: grey floats [H, W] or colours [H, W, 3], in [0, 1]; mask: a class per pixel [H, W], 0 the
    background; caption: what stands below, such as which slice it is; boxes: floats [n, 5] of x0, y0, x1, y1 in pixels
    and the class from 0; marks: what stands at each box, such as its score, or nothing."""

    values: np.ndarray
    mask: np.ndarray | None = None
    caption: str = ""
    boxes: np.ndarray | None = None
    marks: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """Pictures side by side after one label; where no row of a sheet has one, None, no room is left for it."""

    label: str | None
    pictures: Sequence[Picture]


def write(rows: Sequence[Row], target: Path, title: str = "", classes: Sequence[str] = (), side: float = _SIDE) -> None:
    """Draw a sheet into a file called .svg or .png. Raises ScanlabError as `check_sheet` and `draw`."""
    medium = check_sheet(target)
    write_whole(target, draw(rows, medium, title, classes, side))


def check_sheet(target: Path) -> str:
    """The medium that a file's suffix names.

    Raises ScanlabError S501 for another suffix than .svg and .png, S502 where the file cannot be written, and S500
    without matplotlib.
    """
    medium = figure_medium(target, "sheet of samples", "end the file's name in .svg or .png")
    _need("matplotlib.figure")
    return medium


def draw(
    rows: Sequence[Row], medium: str = "png", title: str = "", classes: Sequence[str] = (), side: float = _SIDE
) -> bytes:
    """Draw rows of pictures, and return the bytes of an SVG or PNG file.

    side: the width of a picture in inches; in rows of one picture each, that of the longest, at one scale for all.
    classes: the names of a mask's classes by number; all but the first, the background, are outlined in colours of the
    ramp, with a legend below. Of boxes, class 0 has the second name. The same rows give the same bytes. Raises
    ScanlabError S500 without matplotlib, S503 for no rows.
    """
    if not rows:
        raise ScanlabError.at("S503", "there is no sample to draw", help="choose data with samples to train on")
    matplotlib = _need("matplotlib")
    figure = _figure(rows, title, classes, side)
    buffer = io.BytesIO()
    dates = {"Date": None} if medium == "svg" else {"Software": None}
    # Names in an SVG would otherwise differ from run to run; and each picture stays one of its own there.
    rc = {"svg.hashsalt": "scanlab", "svg.fonttype": "path", "image.composite_image": False}
    with matplotlib.rc_context(rc), warnings.catch_warnings():
        # Of old letters that the font lacks it draws a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(buffer, format=medium, dpi=150, facecolor="white", metadata=dates)
    return buffer.getvalue()


def _figure(rows: Sequence[Row], title: str, classes: Sequence[str], side: float) -> Any:
    """All pictures on one pair of axes, in inches from the upper left: axes of their own take seconds to draw."""
    caption = _CAPTION if any(picture.caption for row in rows for picture in row.pictures) else 0.0
    most = max(len(row.pictures) for row in rows)
    longest = max(row.pictures[0].values.shape[1] for row in rows)
    sides = [side * row.pictures[0].values.shape[1] / longest if most == 1 else side for row in rows]
    heights = [own * _tallest(row) for row, own in zip(rows, sides, strict=True)]
    margin = _GAP if all(row.label is None for row in rows) else _MARGIN
    width = margin + (side + _GAP) * most
    height = _HEAD + sum(heights) + (_GAP + caption) * len(rows) + _FOOT * bool(classes)
    figure = _need("matplotlib.figure").Figure(figsize=(width, height))
    sheet = figure.add_axes((0, 0, 1, 1))
    sheet.set_axis_off()
    top = _HEAD
    for row, tall, own in zip(rows, heights, sides, strict=True):
        label = _plain(row.label or "")
        sheet.text(margin - 0.12, top + tall / 2, label, ha="right", va="center", fontsize=8, color=_INK)
        for number, picture in enumerate(row.pictures):
            left = margin + (own + _GAP) * number
            _picture(sheet, picture, len(classes), (left, left + own, top, tall))
        top += tall + _GAP + caption
    sheet.text(width / 2, 0.15, _plain(title), ha="center", va="center", color=_INK, fontsize=9, weight="bold")
    # Set last, for every image sets them anew.
    sheet.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    if classes:
        _add_legend(figure, classes)
    return figure


def _picture(sheet: Any, picture: Picture, classes: int, place: tuple[float, float, float, float]) -> None:
    """Draw a picture with its left edge, right edge, upper edge and height at a place."""
    left, right_edge, top, tall = place
    extent = (left, right_edge, top + tall, top)
    sheet.imshow(picture.values, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=extent)
    if picture.caption:
        sheet.text(
            (left + right_edge) / 2, top + tall + 0.02, picture.caption, ha="center", va="top", fontsize=6, color=_SOFT
        )
    if picture.boxes is not None:
        _boxes(sheet, picture, classes, place)
    if picture.mask is None:
        return
    # With a border of nothing, outlines close where an object leaves the picture.
    framed = np.pad(picture.mask, 1)
    height, width = picture.mask.shape
    down = top + (np.arange(-1, height + 1) + 0.5) * tall / height
    right = left + (np.arange(-1, width + 1) + 0.5) * (right_edge - left) / width
    for label in range(1, classes):
        if (framed == label).any():
            sheet.contour(right, down, framed == label, [0.5], colors=[_colour(label, classes)], linewidths=0.9)


def _boxes(sheet: Any, picture: Picture, classes: int, place: tuple[float, float, float, float]) -> None:
    left, right, top, tall = place
    height, width = picture.values.shape[:2]
    rectangle = _need("matplotlib.patches").Rectangle
    rows = (picture.boxes if picture.boxes is not None else np.empty((0, 5))).tolist()
    for number, (x0, y0, x1, y1, label) in enumerate(rows):
        corner = (left + x0 * (right - left) / width, top + y0 * tall / height)
        size = ((x1 - x0) * (right - left) / width, (y1 - y0) * tall / height)
        colour = _colour(int(label) + 1, classes)
        sheet.add_patch(rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=0.7))
        if picture.marks:
            mark = _plain(picture.marks[number])
            sheet.text(*corner, mark, ha="left", va="bottom", fontsize=5, color=colour, clip_on=True)


def _add_legend(figure: Any, classes: Sequence[str]) -> None:
    lines = _need("matplotlib.lines")
    keys = [
        lines.Line2D([], [], color=_colour(label, len(classes)), label=_plain(name))
        for label, name in enumerate(classes)
        if label
    ]
    figure.legend(handles=keys, loc="lower center", ncols=6, fontsize=7, frameon=False, labelcolor=_SOFT)


def _colour(label: int, classes: int) -> str:
    """The ramp from its amber end on; its blue end is lost on dark grey."""
    return hex_colour(1 - 0.75 * (label - 1) / max(1, classes - 2))


def _tallest(row: Row) -> float:
    """Height over width."""
    return max(min(height / width, 3.0) for height, width, *_ in (picture.values.shape for picture in row.pictures))


def _need(module: str) -> ModuleType:
    return need(module, "a sheet of samples", "leave out --out: the terminal shows samples, too")


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
