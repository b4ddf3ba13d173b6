"""Predictions in files: tables of classes, masks with their palette, frames."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scanlab.data.geotiff import NO_CLASS
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import reason_of
from scanlab.places import write_whole
from scanlab.predict.names import name_of
from scanlab.view.ramp import colours

__all__ = [
    "check_legend",
    "class_colours",
    "make_folders",
    "refuse_over_inputs",
    "write_frame",
    "write_json",
    "write_legend",
    "write_mask",
    "write_table",
    "write_text",
]

Colour = tuple[int, int, int]
# Steps of the golden ratio round the ramp keep the colours of neighbouring numbers apart.
GOLDEN = 0.618034
LEGEND_KEYS = ("classes", "no class")


def class_colours(count: int) -> dict[int, Colour]:
    """A colour for every class, by number.

    >>> len(set(class_colours(10).values()))
    10
    """
    places = np.modf(np.arange(count) * GOLDEN)[0]
    return {number: tuple(map(int, colour)) for number, colour in enumerate(colours(places))}  # pyright: ignore[reportReturnType]


def write_mask(file: Path, mask: NDArray[np.uint8], classes: int) -> None:
    """A class per pixel as a PNG whose values are the classes, NO_CLASS where there is none, with a palette to look at.
    Raises S502."""
    from PIL import Image

    picture = Image.fromarray(mask)
    flat = [0] * 768
    for number, colour in class_colours(classes).items():
        flat[3 * number : 3 * number + 3] = colour
    picture.putpalette(flat)
    _write_picture(file, picture)


def write_frame(file: Path, frame: Tensor) -> None:
    """A frame [C, H, W] of one channel or three as a PNG, values cut to [0, 1]. Raises S502."""
    from PIL import Image

    pixels = (frame.clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy()
    _write_picture(file, Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def write_legend(file: Path, names: Sequence[str], classes: int) -> None:
    """Which number is which class, and its colour, as JSON. Raises S502."""
    rows = [
        {"class": number, "name": name_of(names, number), "colour": colour}
        for number, colour in class_colours(classes).items()
    ]
    write_json(file, {LEGEND_KEYS[0]: rows, LEGEND_KEYS[1]: NO_CLASS})


def check_legend(file: Path) -> None:
    """Raise S729 for a place of a legend where another file lies, which is no legend."""
    if not file.exists():
        return
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or set(content) != set(LEGEND_KEYS):
        problem = f"{file} is there already and is no legend of classes, which would be written over it"
        raise ScanlabError.at("S729", problem, help="give another --out")


def refuse_over_inputs(targets: Iterable[Path], files: Collection[Path]) -> None:
    """Raise S729 for a file that would be written over an input, or over another one."""
    taken = {file.resolve() for file in files}
    for target in targets:
        if target.resolve() in taken:
            problem = f"what is predicted would be written over another file, {target}"
            raise ScanlabError.at("S729", problem, help="give another place, and inputs of different names")
        taken.add(target.resolve())


def write_table(file: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Rows of equal keys as a .csv or a .json file. columns: their names, where there may be no row. Raises S502 where
    it cannot be written, S729 for another suffix."""
    if file.suffix.lower() == ".json":
        write_json(file, list(rows))
    elif file.suffix.lower() == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns or (rows[0] if rows else ())), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        _write(file, text.getvalue().encode())
    else:
        raise ScanlabError.at("S729", f"{file} is no place for a table", help="let its name end in .csv or .json")


def make_folders(files: Iterable[Path]) -> None:
    """The folders that files are to lie in. Raises S502 where one cannot be made."""
    for folder in dict.fromkeys(file.parent for file in files):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from None


def write_json(file: Path, content: Any) -> None:
    """A value as JSON. Raises S502."""
    write_text(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(file: Path, text: str) -> None:
    """A text in UTF-8. Raises S502."""
    _write(file, text.encode())


def _write_picture(file: Path, picture: Any) -> None:
    held = io.BytesIO()
    picture.save(held, "PNG")
    _write(file, held.getvalue())


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, content, mode=None)
    except OSError as error:
        raise _unwritable(file, error) from None


def _unwritable(place: Path, error: OSError) -> ScanlabError:
    return ScanlabError.at("S502", f"{place} cannot be written: {reason_of(error)}", help="give another --out")
