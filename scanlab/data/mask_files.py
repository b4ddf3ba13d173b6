"""Masks in image files: grey values, palettes and colours as classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.classes import MOST_CLASSES, classes_of_values, mapped_values, values_of
from scanlab.data.file_facts import COLOUR_BITS, bits_of, is_white_first, lossy, maxval_of
from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note, listed
from scanlab.data.pairs import Pair
from scanlab.data.pictures import frame_count, opened, turn_and_size, unreadable
from scanlab.data.upright import orientation, size_of, turned
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["StoredMask", "as_colours", "classes_of_masks", "read_masks", "read_numbers", "stored_mask"]

_GREYS = ("1", "L", "I", "F")


@dataclass(frozen=True, eq=False)
class StoredMask:
    """Whole numbers [H, W], resized: grey values, numbers of a palette, or colours as 65,536 r + 256 g + b. seen: those
    of the whole file. palette: the colours of the numbers that are used, or none. bits: of a number in the file."""

    numbers: NDArray
    seen: frozenset[int]
    coloured: bool
    palette: tuple[tuple[int, int], ...] = ()
    bits: int = COLOUR_BITS


def read_masks(
    pairs: Sequence[Pair],
    size: tuple[int, ...] | None,
    folder: Path,
    layout: Layout,
    notes: list[Note],
    ignored: int | None = None,
) -> NDArray[np.uint8]:
    """The masks of images with their masks, uint8 [M, H, W]: a class per pixel, of the images' sizes or of the given.

    Grey values and the numbers of palettes are classes as `classes_of_values` says; colours are classes in the order
    of their values, black the background. ignored: the value that marks pixels of no class, where that is known. Raises
    S644 and S692 for what numbers no classes, S691 for two readings.
    """
    masks = [stored_mask(pair.image, pair.mask, size, layout) for pair in pairs]
    masks, table = classes_of_masks(masks, folder, layout, notes, ignored)
    return np.stack([mapped_values(mask.numbers, table) for mask in masks])


def classes_of_masks(
    masks: list[StoredMask], folder: Path, layout: Layout, notes: list[Note], ignored: int | None = None
) -> tuple[list[StoredMask], dict[int, int]]:
    """Masks all as numbers or all as colours, and the class of each; of the numbers it matters alone which there are.
    Raises what `read_masks` raises of all files together."""
    _check_depths(masks, folder)
    masks = _one_kind(masks, folder)
    seen = [mask.seen for mask in masks]
    if masks[0].coloured:
        table = _colours(seen, folder, layout, notes)
    else:
        table = classes_of_values(seen, layout, folder.name, notes, ignored)
    if table is None:
        raise _unclear(frozenset().union(*seen), folder)
    return masks, table


def read_numbers(pairs: Sequence[Pair], layout: Layout) -> Iterator[NDArray]:
    """The numbers of every mask as they are stored, [H, W], whatever they stand for. Raises S644, S691 and S692."""
    for pair in pairs:
        yield stored_mask(pair.image, pair.mask, None, layout).numbers


def stored_mask(image: Path, file: Path, size: tuple[int, ...] | None, layout: Layout) -> StoredMask:
    """The mask of an image, resized to a size, as it is stored. Raises S644, S691, S692 and S694."""
    turn, own = turn_and_size(image, layout)
    with opened(file) as mask:
        if "threshold" not in layout and (kind := lossy(mask, file)):
            raise ScanlabError.at(
                "S692",
                f"the mask {file.name} is a {kind} file, which may blur the numbers of classes",
                help=f"save masks as PNG from their source; or {settled_by('threshold')}",
            )
        bits = _checked_bits(mask, file)
        if "as_stored" not in layout and turn != orientation(mask):
            raise ScanlabError.at(
                "S691",
                f"EXIF turns the image {image.name} and not alike its mask {file.name}, drawn on either",
                help=f"{settled_by('as_stored')}; or save the images upright",
            )
        if (drawn := size_of(mask, layout)) != own:
            raise ScanlabError.at(
                "S644",
                f"the mask {file.name} has {grid_text(drawn)} pixels, and its image {grid_text(own)}",
                help="give both one size",
            )
        try:
            if frame_count(mask) > 1:
                raise ScanlabError.at("S694", f"the mask {file.name} has several frames", help="give one per image")
            upright = turned(mask, layout)
            numbers, coloured = _numbers(upright, file)
            palette = _palette(upright, numbers)
            if mask.format == "PPM" and not coloured:
                numbers = _as_stored(numbers, maxval_of(file))
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise unreadable(file, error) from None
    return StoredMask(_resized(numbers, size), values_of(numbers), coloured, palette, bits)


def _checked_bits(mask: Any, file: Path) -> int:
    """The bits of a number of a mask, 8 where they do not matter. Raises S691 and S692 for numbers that Pillow changes:
    those of 16-bit colours, and those of which 0 is white."""
    bits, grey = bits_of(mask, file), mask.mode in _GREYS or mask.mode.startswith("I;16")
    if not grey and bits > COLOUR_BITS:
        problem = f"the mask {file.name} has colours of {bits} bits, of which the upper eight alone can be read"
        raise ScanlabError.at("S692", problem, help="save masks as grey numbers from 0 up")
    if bits > 1 and is_white_first(mask):
        raise ScanlabError.at(
            "S691",
            f"the mask {file.name} is a TIFF in which 0 is white: its numbers may be classes, or to be turned around",
            help="save masks as PNG",
        )
    return bits if grey else COLOUR_BITS


def _as_stored(numbers: NDArray, maxval: int) -> NDArray:
    """The numbers of a PGM, which Pillow stretches so that the maximum that its head names is white."""
    white = 255 if numbers.dtype == np.uint8 else 65535
    if maxval in (0, white):
        return numbers
    return ((numbers.astype(np.int64) * maxval + white // 2) // white).astype(numbers.dtype)


def _numbers(mask: Any, file: Path) -> tuple[NDArray, bool]:
    """The numbers of a mask, and whether they are colours."""
    if mask.mode == "P":
        # The numbers of a palette are classes; their colours say nothing.
        return np.asarray(mask, np.uint8), False
    if mask.mode in _GREYS or mask.mode.startswith("I;16"):
        plain = np.asarray(mask.convert("L") if mask.mode == "1" else mask)
        numbers = plain if plain.dtype == np.uint8 else plain.astype(np.int32)
        if plain.dtype.kind == "f" and (numbers != plain).any():
            problem = f"the mask {file.name} has values that are no whole numbers"
            raise ScanlabError.at("S692", problem, help="number the classes from 0 up")
        return numbers, False
    if mask.convert("RGBA").getchannel("A").getextrema()[0] < 255:
        raise ScanlabError.at(
            "S692",
            f"the mask {file.name} is transparent in places, which may mean a class or nothing",
            help="save masks without transparency",
        )
    rgb = np.asarray(mask.convert("RGB"))
    if (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all():
        return rgb[..., 0], False
    return (rgb.astype(np.int32) @ np.array([65536, 256, 1], np.int32)), True


def _palette(mask: Any, numbers: NDArray) -> tuple[tuple[int, int], ...]:
    """The numbers of a palette that are used, with their colours."""
    if mask.mode != "P":
        return ()
    colours = np.array(mask.getpalette("RGB"), np.int64).reshape(-1, 3) @ (65536, 256, 1)
    return tuple((n, int(colours[n])) for n in sorted(values_of(numbers)) if n < len(colours))


def _resized(numbers: NDArray, size: tuple[int, ...] | None) -> NDArray:
    from PIL import Image

    if size is None:
        return numbers
    return np.asarray(Image.fromarray(numbers).resize((size[1], size[0]), Image.Resampling.NEAREST))


def _check_depths(masks: Sequence[StoredMask], folder: Path) -> None:
    """Raise S691 for files of other depths: 1 of two bits is read as 85, of four as 17, and of one as 255."""
    depths = sorted({mask.bits for mask in masks if not mask.palette})
    if len(depths) > 1 and {2, 4} & set(depths):
        raise ScanlabError.at(
            "S691",
            f"the masks of {folder} have {' and '.join(map(str, depths))} bits: their numbers may be classes, or "
            "shades of grey, which other bits divide into other steps",
            help="save all masks alike, best with eight bits",
        )


def _one_kind(masks: list[StoredMask], folder: Path) -> list[StoredMask]:
    """All as numbers, or all as colours: a palette that changes from file to file numbers no classes."""
    palettes: dict[int, set[int]] = {}
    for mask in masks:
        for number, colour in mask.palette:
            palettes.setdefault(number, set()).add(colour)
    changing = any(len(colours) > 1 for colours in palettes.values())
    if not changing and not any(mask.coloured for mask in masks):
        return masks
    if any(not mask.coloured and not mask.palette and mask.seen - {0, 255} for mask in masks):
        raise ScanlabError.at(
            "S691",
            f"{folder} holds masks in colours beside masks of numbers",
            help="save all masks alike, best as grey numbers from 0 up",
        )
    return [mask if mask.coloured else as_colours(mask) for mask in masks]


def as_colours(mask: StoredMask) -> StoredMask:
    """A mask of the numbers of a palette, or of 0 and 255, as colours."""
    table = dict(mask.palette) or {0: 0, 255: 0xFFFFFF}
    colours = np.array([table.get(number, 0) for number in range(256)], np.int32)
    return StoredMask(colours[mask.numbers], frozenset(table.get(number, 0) for number in mask.seen), True)


def _colours(seen: Sequence[frozenset[int]], folder: Path, layout: Layout, notes: list[Note]) -> dict[int, int]:
    colours = sorted(frozenset().union(*seen))
    if len(colours) > MOST_CLASSES:
        raise ScanlabError.at(
            "S692",
            f"the masks of {folder} have {len(colours):,} colours, and at most {MOST_CLASSES} are classes",
            help="colours that number objects, or smoothed edges, are no classes: save masks as grey numbers from 0 up",
        )
    word = layout.chosen("instances", "threshold", "ignore_255")
    if word == "instances":
        return {colour: int(colour > 0) for colour in colours}
    if word:
        raise ScanlabError.at(
            "S692", f"the masks of {folder} are in colours, for which {word} says nothing", help="leave it out"
        )
    if colours[0] != 0 and "levels" not in layout:
        raise ScanlabError.at(
            "S691",
            f"the masks of {folder} are in colours without black, so that none is surely the background: "
            f"{listed(map(_named, colours))}",
            help=f"{settled_by('levels')}: the first is then the background, {_named(colours[0])}",
        )
    table = {colour: number for number, colour in enumerate(colours)}
    pairs = ", ".join(f"{_named(colour)} is class {number}" for colour, number in table.items())
    notes.append(Note("mapped", f"colours of the masks: {pairs}"))
    return table


def _named(colour: int) -> str:
    return f"({colour >> 16}, {colour >> 8 & 255}, {colour & 255})"


def _unclear(values: frozenset[int], folder: Path) -> ScanlabError:
    most, count = max(values), len(values)
    odd = min((v for v in values if v >= MOST_CLASSES), default=min(values))
    if count > MOST_CLASSES:
        return ScanlabError.at(
            "S692",
            f"the masks of {folder} have {count} different grey values, up to {most}",
            help="JPEG and smoothed edges blur numbers, and numbered objects are no classes: "
            + settled_by("threshold", "instances"),
        )
    odd = odd if count < 3 else most
    return ScanlabError.at(
        "S644",
        f"{folder} is no data set: a mask has the value {odd}, beside {listed(sorted(values - {odd}))}",
        help=f"expected classes from 0 to {MOST_CLASSES - 1}; or {settled_by('levels', 'instances')}",
    )
