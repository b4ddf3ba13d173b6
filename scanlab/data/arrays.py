"""Labelled images, volumes and videos in files of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanlab.data.array_axes import channels_first
from scanlab.data.array_files import Arrays, array_paths, opened_arrays, wrong
from scanlab.data.array_names import EXPECTED, Names, names_by_part
from scanlab.data.boxes.in_arrays import boxes_of_arrays, joined_boxes
from scanlab.data.checks import checked
from scanlab.data.dataset import IGNORED, Dataset
from scanlab.data.layout import ARRAYS, ARRAYS_OF_LABELS, ARRAYS_OF_MASKS, NOTHING, Layout, settled_by
from scanlab.data.lazy import SHARE, Lazy, LazyImages, memory
from scanlab.data.mapped_files import elements_of, is_mappable, mapped_images
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS, divided
from scanlab.data.resize import CHUNK, check_size, resized, resized_masks
from scanlab.data.scales import BYTE, reflectance_scale, scale_by_range, scale_of
from scanlab.data.strata import strata_of
from scanlab.data.table_files import is_missing
from scanlab.data.target_kinds import BOXES, LABELS, MASKS, by_shape
from scanlab.data.targets import Targets, as_masks, as_targets, classes_of_masks, is_masks
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["joined_pixels", "load_arrays"]

# Parts whose largest values are so many times apart, and stand for other scales, are not read as one.
APART = 8


@dataclass(frozen=True, eq=False)
class _Part:
    """What a part holds, as it was stored: pixels [M, C, *extents], targets, which are masks, boxes or labels,
    groups, and whether the first extent is time."""

    pixels: NDArray
    targets: NDArray
    masks: bool
    boxes: bool
    groups: NDArray | None
    video: bool


def load_arrays(
    path: str | Path, size: tuple[int, ...] | None = None, layout: Layout = NOTHING, lazy: Lazy = False
) -> Dataset:
    """Read a .npz file with MedMNIST's keys (doi 10.1038/s41597-022-01721-8), or x, y and perhaps x_test, y_test; a
    folder with such arrays as .npy files; an HDF5 file with them.

    Images [M, H, W] or [M, H, W, C], volumes [M, D, H, W] or [M, D, H, W, C]; channels may stand first, which is noted,
    and `layout` settles what extents do not tell. uint8, other whole numbers and floats to 255 are brought into
    [0, 1]. Targets are labels, whole numbers or names [M] or [M, 1], or 0 and 1 for every label [M, labels]; or masks
    of the images' extents (`masks`, `train_masks`, …) with a class per pixel, numbered objects (`instances`), of which
    all are class 1, or boxes (`boxes`) float [M, most, 5] in pixels, as `Dataset` has them. `groups` [M]
    (`train_groups`, …) may name what no split divides. A folder with train.npz, test.npz and perhaps val.npz, each with
    x and y, is read as one. Gives images float32 [M, C, *extents], resized where a size is given. A file without a test
    part is measured on its validation part, or divided 70/30 by group, or else by class or brightness, always alike.
    lazy: as `scanlab.data.load` takes it; the images of .npy files and of .npz that is not compressed can then stay
    there. Raises S642, S645 without h5py, S646, S690, S691, and S830 for what can only be read whole.

    >>> images, labels = np.zeros((10, 8, 8), np.uint8), np.arange(10) % 2
    >>> np.savez("mine.npz", x=images, y=labels)
    >>> load_arrays("mine.npz").images.shape
    (10, 1, 8, 8)
    """
    path, notes = Path(path), list[Note]()
    layout.check(ARRAYS, "a file of arrays")
    mapped = lazy is True or (lazy == "auto" and _is_too_large(path))
    parts = _read(path, layout, notes, mapped)
    masked, video = parts["train"].masks or parts["train"].boxes, parts["train"].video
    known = ARRAYS_OF_MASKS if masked else ARRAYS_OF_LABELS
    layout.check(known, "images with masks or boxes in arrays" if masked else "labelled images in arrays")
    extents = next(iter(parts.values())).pixels.shape[2:]
    size = size or extents
    check_size(size, extents, path.name)
    pixels = [part.pixels for part in parts.values()]
    images = (_mapped if mapped else joined_pixels)(path, pixels, size, layout, notes)
    targets = _targets(path, list(parts.values()), size, layout, notes)
    groups = _grouped(path, parts, notes)
    labels = targets.labels
    kind = targets.kind or by_shape(labels)
    strata = strata_of(kind, images, labels)
    indices = divided({name: len(part.pixels) for name, part in parts.items()}, strata, groups, notes)
    counted = labels[labels != IGNORED] if kind is MASKS else labels[..., 4] if kind is BOXES else labels
    dataset = Dataset(
        name=path.stem,
        images=images,
        labels=labels,
        train=indices["train"],
        test=indices["test"],
        classes=labels.shape[1] if kind is LABELS else 1 + int(counted.max(initial=0)),
        credit=f"read from {path.name}",
        val=indices.get("val", np.empty(0, np.int64)),
        class_names=targets.class_names,
        groups=groups,
        video=video,
        drawn="test" not in parts,
        notes=tuple(dict.fromkeys(notes)),
        targets=kind,
    )
    return checked(dataset)


def _is_too_large(path: Path) -> bool:
    """Whether arrays would fill more than half of the machine's memory, as float32, held twice, and can stay on disk:
    what is compressed is read whole in any case."""
    files = array_paths(path)
    if not all(map(is_mappable, files)):
        return False
    return 2 * 4 * sum(map(elements_of, files)) > SHARE * memory()


def _mapped(
    path: Path, parts: Sequence[NDArray], size: tuple[int, ...], layout: Layout, notes: list[Note]
) -> LazyImages:
    """Images that stay in their arrays. Bytes are divided by 255, as ever; of other numbers all are looked at once, in
    pieces, for what they are divided by. Raises S830 for scaled_values."""
    if "scaled_values" in layout:
        help = "leave it out, or load with lazy = false"
        raise ScanlabError.at("S830", f"layout scaled_values needs all pixels of {path.name}", help=help)
    plain = all(part.dtype == np.uint8 for part in parts) and not layout.chosen("raw_values", "reflectance")
    scale = BYTE if plain else _scale(path, parts, layout, notes)
    notes += [
        Note("assumed", f"images are read when they are needed, as {grid_text(size)}, and not kept in memory"),
        Note("assumed", "data are known by the shapes of their arrays, the targets, and the content of 64 images"),
        Note("left out", "exact copies across the parts are not looked for: that needs all pixels"),
    ]
    return mapped_images(parts, size, scale)


def _read(path: Path, layout: Layout, notes: list[Note], mapped: bool) -> dict[str, _Part]:
    """What every part holds, as it was stored."""
    parts: dict[str, _Part] = {}
    with opened_arrays(path, mapped) as files:
        for given, file in files.items():
            names, odd = names_by_part(file.names, layout, file.path.name)
            if "train" not in names:
                raise wrong(file.path, f"it holds {', '.join(sorted(file.names)) or 'nothing'}", EXPECTED)
            for part, some in {"train": names["train"]}.items() if given else names.items():
                parts[given or part] = _part(file, some, layout, notes)
            if odd:
                notes.append(Note("left out", f"arrays that are no part of images with targets: {listed(sorted(odd))}"))
        read = {file.path for file in files.values()}
    if path.is_dir() and read != {path}:
        left = sorted(place.name for place in path.iterdir() if place not in read and not place.name.startswith("."))
        notes += [Note("left out", f"other files: {listed(left)}")] if left else []
    shapes = {part: some.pixels.shape[1:] for part, some in parts.items()}
    if len(set(shapes.values())) > 1:
        raise wrong(path, f"its parts differ in shape: {shapes}", "expected images of one shape")
    if len({some.video for some in parts.values()}) > 1:
        raise wrong(path, "only some of its parts are called videos", "call the images of all parts alike")
    if len({(some.masks, some.boxes) for some in parts.values()}) > 1:
        raise wrong(path, "only some of its parts have masks, or boxes", "expected targets of one kind")
    return {part: parts[part] for part in PARTS if part in parts}


def _part(file: Arrays, names: Names, layout: Layout, notes: list[Note]) -> _Part:
    stored, targets = file[names.images], file[names.targets]
    if "video" not in layout and names.video:
        layout = replace(layout, words=layout.words | {"video"})
        notes.append(Note("assumed", f"{names.images} are videos, by their name: the first axis of each is time"))

    def refuse(problem: str, expected: str) -> ScanlabError:
        return wrong(file.path, problem, expected)

    pixels = channels_first(names.images, stored, targets, layout, notes, refuse)
    extents = pixels.shape[2:]
    targets = targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets
    boxes = names.kind == "boxes" or "boxes" in layout
    masks = not boxes and is_masks(names.kind, targets, extents) and "classes" not in layout
    if boxes:
        targets = boxes_of_arrays(names.kind, names.targets, targets, extents, notes, refuse)
    elif masks:
        targets = as_masks(
            "instances" if "instances" in layout else names.kind, names.targets, targets, extents, refuse
        )
    if len(pixels) != len(targets):
        counts = f"{len(pixels)} {names.images} and {len(targets)} {names.targets}"
        raise wrong(file.path, f"it holds {counts}", "expected one label, or one mask, per image")
    groups = file[names.groups] if names.groups else None
    if groups is not None and groups.shape != (len(pixels),):
        problem = f"its {names.groups} have shape {list(groups.shape)}"
        raise wrong(file.path, problem, "expected one name or number per image")
    return _Part(pixels, targets, masks, boxes, groups, "video" in layout)


def _targets(path: Path, parts: Sequence[_Part], size: tuple[int, ...], layout: Layout, notes: list[Note]) -> Targets:
    """Those of all parts, mapped alike."""

    def refuse(problem: str, expected: str) -> ScanlabError:
        return wrong(path, problem, expected)

    if parts[0].boxes:
        extents = parts[0].pixels.shape[2:]
        return Targets(joined_boxes([part.targets for part in parts], extents, size, notes), kind=BOXES)
    if len({part.targets.shape[1:] for part in parts}) > 1 and not parts[0].masks:
        raise wrong(path, "its parts differ in the shape of their labels", "expected labels of one kind")
    joined = np.concatenate([part.targets for part in parts])
    if not parts[0].masks:
        return as_targets("labels", joined, layout, notes, refuse)
    masks = classes_of_masks(joined, "masks", layout, notes, refuse)
    return Targets(resized_masks(masks, size))


def _grouped(path: Path, given: Mapping[str, _Part], notes: list[Note]) -> NDArray[np.int64] | None:
    """The groups of all samples, numbered; None where no part names any. Of a part without them each sample is one."""
    groups = {name: part.groups for name, part in given.items() if part.groups is not None}
    if not groups:
        return None
    if any(sum(map(is_missing, map(str, names))) for names in groups.values()):
        raise wrong(path, "its groups have samples without one", "give every sample its group")
    if bare := [name for name in given if name not in groups]:
        own = " and ".join(bare)
        notes.append(Note("assumed", f"{own} names no groups, unlike {' and '.join(groups)}: each sample is its own"))
    groups = {
        name: groups.get(name, np.array([f"{name} {n}" for n in range(len(part.pixels))]))
        for name, part in given.items()
    }
    names, numbers = np.unique(np.concatenate(list(groups.values())), return_inverse=True)
    ends = np.cumsum([len(part) for part in groups.values()])[:-1]
    parts = dict(zip(groups, np.split(numbers, ends), strict=True))
    for one, other in combinations(parts, 2):
        if len(shared := np.intersect1d(parts[one], parts[other])):
            problem = f"its group {names[shared[0]]} is in {one} and in {other}, one of {len(shared)} that are divided"
            raise wrong(path, problem, "expected every group, such as a patient, in one part alone")
    return numbers.astype(np.int64)


def joined_pixels(
    path: Path, parts: Sequence[NDArray], size: tuple[int, ...], layout: Layout, notes: list[Note]
) -> NDArray[np.float32]:
    """One after another as float32, resized, written once: volumes fill much of a memory."""
    images = np.empty((sum(map(len, parts)), parts[0].shape[1], *size), np.float32)
    scale = _scale(path, parts, layout, notes)
    start = 0
    for part in parts:
        for first in range(0, len(part), CHUNK):
            some = part[first : first + CHUNK]
            if scale != 1:
                some = np.divide(some, np.float32(scale), dtype=np.float32, casting="unsafe")
            images[start : start + len(some)] = resized(some, size)
            start += len(some)
    if "scaled_values" in layout:
        scale_by_range(images, notes)
    return images


def _scale(path: Path, parts: Sequence[NDArray], layout: Layout, notes: list[Note]) -> float:
    """The divisor of all values, which are of one scale."""
    kinds = {"B" if part.dtype == np.uint8 else part.dtype.kind for part in parts}
    bad = sum(int((~np.isfinite(some)).sum()) for part in parts if part.dtype.kind == "f" for some in _pieces(part))
    if bad:
        numbers = "1 value that is no finite number" if bad == 1 else f"{bad:,} values that are no finite numbers"
        raise wrong(path, f"its images have {numbers}", "repair them, or leave those images out")
    if layout.chosen("raw_values", "scaled_values"):
        return 1
    bottoms = [min(float(some.min()) for some in _pieces(part)) for part in parts]
    tops = [max(float(some.max()) for some in _pieces(part)) for part in parts]
    low, high = min(bottoms), max(tops)
    if len(kinds) > 1 and not kinds <= {"u", "i"}:
        raise wrong(path, "its parts store images as numbers of several kinds", "expected one dtype for all parts")
    kind = kinds.pop()
    kind = "H" if kind == "u" and parts[0].dtype == np.uint16 else "i" if kind in "bu" else kind
    if "reflectance" in layout:
        return reflectance_scale(low, high, kind, "images", notes)
    scale = scale_of(low, high, kind, "images", notes)
    if scale is None:
        expected = f"expected uint8, or floats from 0 to 1; or {settled_by('raw_values', 'scaled_values')}"
        raise wrong(path, f"its images have values from {low:g} to {high:g}", expected)
    own = [scale_of(bottom, top, kind, "images", []) for bottom, top in zip(bottoms, tops, strict=True)]
    # Divided by one number, the darker part would be nearly black.
    if len(set(own)) > 1 and kind != "B" and max(tops) > APART * max(min(tops), 1e-9):
        reach = " and ".join(f"{top:g}" for top in tops)
        expected = f"bring them to one scale; or {settled_by('raw_values')}"
        raise wrong(path, f"its parts are stored for different scales: their values reach {reach}", expected)
    return scale


def _pieces(part: NDArray) -> Iterator[NDArray]:
    """A part in pieces: of one on disk no more need be in memory at a time."""
    return (part[first : first + CHUNK] for first in range(0, len(part), CHUNK))
