"""Lines of text with their transcriptions: images of one height and their own widths, and an alphabet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import check_parts
from scanlab.data.dataset import Dataset
from scanlab.data.layout import TEXT_LINES, Layout, settled_by
from scanlab.data.line_pictures import (
    DARK_INK,
    LIGHT_INK,
    height_notes,
    ink_bright,
    ink_by_mean,
    of_height,
    read_grey,
)
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS, divided
from scanlab.data.pictures import require_pillow
from scanlab.data.places import unwrapped
from scanlab.data.ragged import RaggedImages, values_of
from scanlab.data.strata import brightness_quarters
from scanlab.data.target_kinds import TEXT
from scanlab.data.text_files import Line, LineFiles, head_of, json_rows, line_files, transcription_of
from scanlab.data.texts import END, OUTSIDE, numbers_of_texts
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = ["HEIGHT", "load_text_lines", "packed_lines_in", "text_lines_in"]

# Of lines whose images have several heights.
HEIGHT = 48


def packed_lines_in(folder: Path) -> bool:
    """Whether a folder holds lines as arrays of columns: train.npz with columns and offsets, and train.jsonl."""
    arrays = folder / "train.npz"
    if not arrays.is_file() or not (folder / "train.jsonl").is_file():
        return False
    with np.load(arrays) as held:
        return {"columns", "offsets"} <= set(held.files)


def text_lines_in(path: Path, layout: Layout) -> tuple[Path, LineFiles | None, list[Note]] | None:
    """Where lines of text are, and which: None as files for those in arrays; None for a folder without any, or of which
    `layout` says something else."""
    if any(word not in TEXT_LINES for word in (*layout.words, *(f"{name}=" for name, _ in layout.names))):
        return None
    notes: list[Note] = []
    folder = unwrapped(path, notes)
    if packed_lines_in(folder):
        return folder, None, notes
    files = line_files(folder, layout, notes)
    return None if files is None else (folder, files, notes)


def load_text_lines(
    path: Path, held: tuple[Path, LineFiles | None, list[Note]], size: tuple[int, ...] | None, layout: Layout
) -> Dataset:
    """Read lines of text that `text_lines_in` found.

    images: RaggedImages of one channel with ink bright on dark paper, scaled to one height (that of `size`, of one
    number; else their own, or 48 where they have several) with their aspect kept. labels, texts: int16 [M, longest],
    numbers in the alphabet, which is class_names and has the symbols of the training part in the order of their code
    points; -1 after a text's end, -2 for a symbol of another part that the alphabet lacks: nobody can read it, and it
    counts as an error. Texts are NFC, with runs of white space as one space. Lines without a text are left out. Raises
    S671 where none has one, S670 for a size of two extents, S644 for images that cannot be read, and S645 without
    Pillow.
    """
    if size is not None and len(size) != 1:
        help = f"give the height alone, as in --size {size[0]}"
        raise ScanlabError.at("S670", "lines of text keep their aspect, and two extents are given", help=help)
    folder, files, notes = held
    height = size[0] if size else None
    parts, images = _of_arrays(folder, layout, notes) if files is None else _of_files(files, height, notes)
    texts = [line.text for lines in parts.values() for line in lines]
    images = _scaled(images, height or _common(images), notes)
    ragged, ink = _inked(RaggedImages.of(images), layout, notes)
    groups = _groups([line.group for lines in parts.values() for line in lines])
    counts = {part: len(parts[part]) for part in PARTS if parts.get(part)}
    divided_parts = divided(counts, brightness_quarters(ragged), groups, notes)
    alphabet, numbers = numbers_of_texts(texts, divided_parts["train"])
    notes += _of_alphabet(alphabet, numbers, divided_parts)
    credit = _credit(path, folder)
    dataset = Dataset(
        path.name,
        ragged,
        numbers,
        divided_parts["train"],
        divided_parts["test"],
        len(alphabet),
        credit,
        val=divided_parts.get("val", np.empty(0, np.int64)),
        class_names=tuple(alphabet),
        groups=groups,
        drawn="test" not in counts and "val" not in counts,
        notes=tuple(notes),
        targets=TEXT,
        ink=ink,
    )
    check_parts(dataset)
    return dataset


def _of_arrays(
    folder: Path, layout: Layout, notes: list[Note]
) -> tuple[dict[str, list[Line]], list[NDArray[np.uint8]]]:
    """Lines whose pixels lie column by column in .npz files, with a .jsonl file of texts beside each."""
    column = next(iter(layout.named("text")), "text")
    parts: dict[str, list[Line]] = {}
    images: list[NDArray[np.uint8]] = []
    for part in PARTS:
        if not (folder / f"{part}.npz").is_file():
            continue
        table = folder / f"{part}.jsonl"
        rows = list(json_rows(table))
        with np.load(folder / f"{part}.npz") as arrays:
            columns, offsets = arrays["columns"], arrays["offsets"]
        if columns.ndim != 2 or columns.dtype != np.uint8 or len(rows) != len(offsets) - 1:
            shown = f"{columns.dtype} {list(columns.shape)}, {len(offsets) - 1} lines and {len(rows)} texts"
            help = "expected columns uint8 [sum of widths, height], offsets [lines + 1], and a text for each line"
            raise ScanlabError.at("S671", f"{folder / part} holds {shown}", help=help)
        head = head_of(rows)
        if rows and column not in head:
            raise ScanlabError.at("S671", f"{table} has no {column!r}", help=f"it has {listed(head)}")
        group = "work" if all("work" in row for row in rows) else ""
        lines = [Line(table, row.get(column, ""), row.get(group, "")) for row in rows]
        kept = _kept(lines, part, notes)
        parts[part] = [lines[n] for n in kept]
        images += [columns[offsets[n] : offsets[n + 1]].T[None] for n in kept]
    how = f"lines of text as columns in .npz files, transcribed in {column!r} of the .jsonl files beside them"
    notes.append(Note("layout", how))
    return parts, images


def _of_files(
    files: LineFiles, height: int | None, notes: list[Note]
) -> tuple[dict[str, list[Line]], list[NDArray[np.uint8]]]:
    require_pillow()
    notes.append(Note("layout", files.how))
    if files.grouped:
        notes.append(Note("assumed", f"the column {files.grouped} names groups, which no split divides"))
    if files.without:
        what = f"{count_text(len(files.without), 'image')} without a transcription"
        notes.append(Note("left out", f"{what}: {listed(file.name for file in files.without)}"))
    parts: dict[str, list[Line]] = {}
    images: list[NDArray[np.uint8]] = []
    coloured = 0
    for part in PARTS:
        lines = list(files.parts.get(part, ()))
        parts[part] = [lines[n] for n in _kept(lines, part, notes)]
        for line in parts[part]:
            image, grey = read_grey(line.file)
            coloured += not grey
            images.append(image if height is None else of_height(image, height))
    if not parts["train"]:
        problem = "no training line has a transcription that is not empty"
        raise ScanlabError.at("S671", problem, help="write what stands in each image")
    if coloured:
        notes.append(Note("assumed", f"{count_text(coloured, 'coloured image')} as grey values"))
    return parts, images


def _kept(lines: Sequence[Line], part: str, notes: list[Note]) -> list[int]:
    """The numbers of lines that have a text; the others are noted, and what was changed in texts."""
    texts = [transcription_of(line.text) for line in lines]
    empty = [line for line, text in zip(lines, texts, strict=True) if not text]
    if empty:
        what = f"{count_text(len(empty), f'{part} line')} whose transcription is empty"
        notes.append(Note("left out", f"{what}, such as {empty[0].file.name}"))
    changed = sum(text != line.text.strip("\n") for line, text in zip(lines, texts, strict=True))
    if changed:
        how = "accents composed (NFC), runs of white space as one space, none at the ends"
        notes.append(Note("mapped", f"{count_text(changed, f'{part} text')}: {how}"))
    return [n for n, text in enumerate(texts) if text]


def _common(images: Sequence[NDArray[np.uint8]]) -> int:
    heights = {image.shape[1] for image in images}
    return heights.pop() if len(heights) == 1 else HEIGHT


def _scaled(images: Sequence[NDArray[np.uint8]], height: int, notes: list[Note]) -> list[NDArray[np.uint8]]:
    """All of one height."""
    notes += height_notes(Counter(image.shape[1] for image in images), height)
    return [of_height(image, height) for image in images]


def _inked(images: RaggedImages, layout: Layout, notes: list[Note]) -> tuple[RaggedImages, str]:
    """With ink bright on dark paper; and which ink they came with."""
    _, mean, _ = values_of(images)
    said = layout.chosen(DARK_INK, LIGHT_INK)
    ink = said or ink_by_mean(mean)
    share = f"the mean value is {mean:.2f} of 1"
    if ink == DARK_INK:
        why = f"{'layout says so' if said else share}: values are turned round, so that ink is bright"
        notes.append(Note("assumed", f"ink is dark on light paper ({why})"))
        return RaggedImages(ink_bright(images.pixels, ink), images.offsets), ink
    why = "layout says so" if said else f"{share}; else {settled_by(DARK_INK)}"
    notes.append(Note("assumed", f"ink is light on dark paper ({why})"))
    return images, ink


def _groups(names: Sequence[str]) -> NDArray[np.int64] | None:
    return np.unique(names, return_inverse=True)[1].astype(np.int64) if names and all(names) else None


def _of_alphabet(alphabet: str, numbers: NDArray[np.int16], parts: Mapping[str, NDArray[np.int64]]) -> list[Note]:
    shown = "".join(symbol for symbol in alphabet if symbol != " ")
    space = " and the space" if " " in alphabet else ""
    notes = [Note("assumed", f"the alphabet is that of the training part, {len(alphabet)} symbols: {shown}{space}")]
    for part, word in (("val", "validation"), ("test", "test")):
        some = numbers[parts[part]] if part in parts else np.empty((0, 0))
        if outside := int((some == OUTSIDE).sum()):
            what = f"{count_text(outside, 'symbol')} of {int((some != END).sum()):,} in the {word} part"
            notes.append(Note("unseen", f"{what} are not in the alphabet: each counts as an error"))
    return notes


def _credit(path: Path, folder: Path) -> str:
    """What a README beside the lines says of licence and source is for people; here, where they lie."""
    return f"lines of text in {path if path == folder else folder}"
