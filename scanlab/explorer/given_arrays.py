"""An array that was pasted or dropped into the explorer: which grids it can be for, and what `decompile` says of it.

A worker process does this: it needs no browser and no server.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scanlab.decompiler.decompile import decompile
from scanlab.decompiler.numpy_files import Unreadable, arrays_in, named_grid
from scanlab.decompiler.pasted import candidate_grids, pasted_array
from scanlab.decompiler.result import VERDICTS, Decompiled
from scanlab.explorer.renderers.markup import code, mistakes, note, paragraph, section
from scanlab.explorer.state import MOST_PATCHES
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Order

__all__ = ["Looked", "look_at_array"]

# Bytes of all arrays in a file, which may be packed: a larger one is for the command line.
MOST_READ = 64 << 20
MOST_CHOICES = 12


@dataclass(frozen=True)
class Looked:
    """html: what to show; text and grid: a line for the editor, "" for none; ask: "grid" or "pick", with choices."""

    html: str
    text: str = ""
    grid: tuple[int, ...] = ()
    ask: str = ""
    choices: tuple[str, ...] = ()


def look_at_array(content: bytes, name: str, grid: str = "", pick: str = "") -> Looked:
    """What there is to say of an array. name: of the file it is from, "" for a text; pick: which of several in it.

    Never raises for what was given: a mistake is in the html.
    """
    try:
        return _look(_arrays(content, name), grid, pick)
    except ScanlabError as error:
        return Looked(mistakes(error.diagnostics))


def _arrays(content: bytes, name: str) -> dict[str, np.ndarray]:
    if not name.endswith((".npy", ".npz")):
        try:
            return {"": pasted_array(content.decode("utf-8-sig"))}
        except UnicodeDecodeError:
            raise ScanlabError.at("S430", f"{name or 'this'} is no text", help="drop .npy, .npz or a text") from None
    try:
        held = arrays_in(io.BytesIO(content), MOST_READ)
    except Unreadable as why:
        raise ScanlabError.at("S430", f"{name} cannot be read: {why}", help=why.help) from None
    arrays = {"": held} if isinstance(held, np.ndarray) else held
    if not arrays:
        raise ScanlabError.at(
            "S430", f"{name} holds nothing", help="save arrays in it, named by their grids, as in 8x8"
        )
    return arrays


def _look(arrays: Mapping[str, np.ndarray], grid: str, pick: str) -> Looked:
    by_scan: dict[str, dict[tuple[int, ...], np.ndarray]] = {}
    for key, array in arrays.items():
        own, extents = named_grid(key, array)
        by_scan.setdefault(own, {})[extents] = array
    if pick not in by_scan and len(by_scan) > 1:
        names = tuple(sorted(by_scan))[:MOST_CHOICES]
        return Looked(paragraph(f"It holds {count_text(len(by_scan), 'scan')}: which one?"), ask="pick", choices=names)
    chosen = by_scan[pick] if pick in by_scan else next(iter(by_scan.values()))
    if () not in chosen:
        return _answered(decompile(chosen, grid or None))
    array = chosen[()]
    if grid:
        return _answered(decompile({grid_of(grid): _paths(array)}))
    return _with_its_grid(array)


def _with_its_grid(array: np.ndarray) -> Looked:
    """An array whose name and owner do not say which grid it is for."""
    if array.ndim > 1 and _is_whole(array):
        said = f"grid {grid_text(array.shape)}, as its shape says; the numbers are read row by row"
        return _answered(decompile({array.shape: array.ravel()}), said)
    length = array.shape[-1] if array.ndim else 0
    if array.ndim not in (1, 2) or not length:
        # The error says what is wanted.
        return _answered(decompile({(max(1, array.size),): array}))
    patches = _patches(array, length)
    if patches > MOST_PATCHES:
        raise ScanlabError.at(
            "S504",
            f"an array of {count_text(patches, 'patch')} is too large here",
            help="give it to `scanlab decompile` in a terminal",
        )
    grids = tuple(grid_text(pair) for pair in candidate_grids(patches))
    what = (
        f"{count_text(len(array), 'path')} of {count_text(length, 'step')}"
        if array.ndim == 2
        else count_text(length, "step")
    )
    return Looked(paragraph(f"{what}: for which grid?"), ask="grid", choices=grids)


def _patches(array: np.ndarray, length: int) -> int:
    """How many patches the grid has at least: as many as steps that are no pads or tokens, and beyond every number."""
    if array.dtype.kind not in "iu":
        return length
    real = int((np.atleast_2d(array)[0] >= 0).sum())
    return max(1, real, int(array.max()) + 1)


def _is_whole(array: np.ndarray) -> bool:
    """Whether all numbers together, and not each row, are those of one grid's patches."""
    return array.dtype.kind in "iu" and np.array_equal(np.sort(array, axis=None), np.arange(array.size))


def _paths(array: np.ndarray) -> np.ndarray:
    return array.ravel() if array.ndim > 1 and _is_whole(array) else array


def _answered(answer: Decompiled, *said: str) -> Looked:
    first, *rest = str(answer).split("\n")
    head = code(answer.source, "scan") if answer.source is not None else paragraph(first)
    notes = "".join(note(line.strip()) for line in (*said, *rest))
    html = section(VERDICTS[answer.verdict], head, notes, about=answer.verdict)
    if answer.source is None or answer.value is None:
        return Looked(html)
    kind = "order" if isinstance(answer.value, Order) else "scan"
    text = f"grid {', '.join(answer.value.axes)}\n\n{kind} found = {answer.source}\n"
    return Looked(html, text, answer.grids[-1])
