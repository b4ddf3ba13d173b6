"""Where the channels of an array are, and which axes are in space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scanlab.data.array_names import VIDEOS, VOLUMES, words_of
from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["CHANNELS", "MOST_CHANNELS", "channels_first"]

# An axis as short as this holds channels, where nothing says otherwise.
MOST_CHANNELS = 4
_EXPECTED = "expected [M, H, W], [M, H, W, C] or [M, D, H, W], none empty"
CHANNELS = ("channels_first", "channels_last", "no_channels")


def channels_first(
    name: str,
    array: NDArray,
    targets: NDArray,
    layout: Layout,
    notes: list[Note],
    refuse: Callable[[str, str], ScanlabError],
) -> NDArray:
    """Pixels as a view [M, C, *extents], of numbers of any dtype.

    `layout` says where the channels are; or masks do, which have none; or else the last axis, where it is at most four
    long, or the second. Volumes whose last axis alone is of another extent may be images of many bands: S691.
    """
    if array.dtype.kind not in "buif":
        raise refuse(f"its {name} are {array.dtype}", "expected uint8, or floats from 0 to 1")
    word = layout.chosen(*CHANNELS) or _settled(name, array, targets, layout, notes)
    axes = array.ndim - (word != "no_channels")
    if axes not in (3, 4) or 0 in array.shape:
        if array.ndim == 2 and 0 not in array.shape:
            raise refuse(f"its {name} have shape {list(array.shape)}", f"{_EXPECTED}: reshape what was flattened")
        expected = "expected videos [M, frames, H, W] or [M, frames, H, W, C]" if "video" in layout else _EXPECTED
        raise refuse(f"its {name} have shape {list(array.shape)}", expected)
    if array.ndim > 3 and len(array) != len(targets) and targets.ndim == 1 and array.shape[-1] == len(targets):
        raise refuse(f"its {name} have shape {list(array.shape)}, samples last", "move them to the first axis")
    pixels = (
        array[:, None] if word == "no_channels" else array if word == "channels_first" else np.moveaxis(array, -1, 1)
    )
    if "video" in layout and pixels.ndim != 5:
        raise refuse(f"its {name} have shape {list(array.shape)}", "expected videos: frames before height and width")
    return pixels


def _settled(name: str, array: NDArray, targets: NDArray, layout: Layout, notes: list[Note]) -> str:
    """Where the channels are, by what the extents tell."""
    shape = array.shape
    ends = (-1, 1) if array.ndim == 4 else ()
    short = [at for at in ends if shape[at] in (1, 3) or (at == -1 and shape[at] <= MOST_CHANNELS)]
    if short and (VOLUMES | VIDEOS) & set(words_of(name)):
        raise _two_ways(name, shape, "channels_last" if -1 in short else "channels_first", "no_channels")
    if array.ndim < 4 or "video" in layout:
        return "channels_last" if array.ndim == 5 and shape[-1] <= MOST_CHANNELS else "no_channels"
    if targets.shape == shape:
        return "no_channels"
    if targets.ndim == array.ndim - 1 and targets.shape[0] == shape[0]:
        by_masks = [
            w for w, own in (("channels_last", shape[1:-1]), ("channels_first", shape[2:])) if targets.shape[1:] == own
        ]
        if len(by_masks) == 1:
            return by_masks[0]
    first, last = shape[1] <= MOST_CHANNELS, shape[-1] <= MOST_CHANNELS
    inner = shape[1:]
    if first and last and shape[-1] > 1 and len(set(inner[:-1])) > 1:
        raise _two_ways(name, shape, "channels_first", "channels_last")
    if last:
        # Of grey and colour nobody needs to be told, unless the whole is as short as they are.
        if shape[-1] not in (1, 3) or max(inner[:-1]) <= MOST_CHANNELS:
            other = "no_channels if it is in space" if array.ndim == 4 else "channels_first if the second does"
            notes.append(
                Note("assumed", f"the last axis of {name}, of {shape[-1]}, holds channels (layout says {other})")
            )
        return "channels_last"
    # Of four axes 2 or 4 may as well be a depth, as it is read; grey and colours are no depths.
    if first and (array.ndim == 5 or shape[1] in (1, 3)):
        other = " (layout says no_channels if it is depth)" if array.ndim == 4 else ""
        notes.append(Note("assumed", f"the second axis of {name}, of {shape[1]}, holds channels{other}"))
        return "channels_first"
    if array.ndim == 4 and inner[0] == inner[1] != inner[2]:
        raise _two_ways(name, shape, "channels_last", "no_channels")
    if array.ndim == 4:
        other = f"layout says channels_first if there are {inner[0]}"
        notes.append(Note("assumed", f"{name} are volumes of {grid_text(inner)} with one channel ({other})"))
    return "no_channels"


def _two_ways(name: str, shape: tuple[int, ...], *words: str) -> ScanlabError:
    first, second = (word.replace("_", " ") for word in words)
    return ScanlabError.at(
        "S691",
        f"{name} of shape {list(shape)} may be arrays with {first}, or with {second}",
        help=settled_by(*words),
    )
