"""Images with their masks, by the names of folders and files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from scanlab.data.layout import Layout, settled_by
from scanlab.data.mask_names import NAMED_IMAGE, NAMED_MASK, core_of, without_suffix
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS
from scanlab.data.pictures import IMAGES
from scanlab.data.places import below, files_in, folder_of, folders_in, holds, part_and_rest, part_places, plain
from scanlab.data.words import composed
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = [
    "CHANNEL",
    "Folders",
    "Pair",
    "left_folders",
    "matched",
    "pair_folders",
    "pairs_of",
    "parts_within",
    "side_by_side",
]

# A number of a channel behind the name of a case, as nnU-Net writes it.
CHANNEL = re.compile(r"^(?P<case>.+)_\d{4}$")
_IMAGES = ("image", "images", "img", "imgs", "jpegimages", "leftimg8bit", "imagestr", "input", "inputs", "photos")
_MASKS = (
    *("mask", "masks", "label", "labels", "annotation", "annotations", "seg", "segs", "segmentation", "segmentations"),
    *("gt", "gts", "gtfine", "groundtruth", "groundtruths", "segmentationclass", "labelstr", "labelmaps"),
)


class Pair(NamedTuple):
    """An image with its mask. home: the folder that the image lies in, below the folder of images, "." for that."""

    image: Path
    mask: Path
    home: str


@dataclass(frozen=True)
class Folders:
    """The folders of images and of masks; a suffix that masks' names must end with, "" for any."""

    images: Path
    masks: Path
    ending: str = ""


def pair_folders(folder: Path, layout: Layout, suffixes: Sequence[str] = IMAGES) -> Folders | None:
    """The folders of images and of masks; None where there are no such two. Raises S691 where three may be meant."""
    named = [_named(folder, layout, word, suffixes) for word in ("images", "masks")]
    if "classes" in layout and not any(named):
        return None
    # Folders that hold other files are none of them: the Annotations of Pascal VOC are XML.
    places = [place for place in folders_in(folder) if holds(place, suffixes) or not any(place.iterdir())]
    images = [named[0]] if named[0] else [p for p in places if plain(p.name) in _IMAGES and p != named[1]]
    masks = [named[1]] if named[1] else [p for p in places if plain(p.name) in _MASKS and p != named[0]]
    if not images or not masks:
        return None
    for several, word in ((images, "images"), (masks, "masks")):
        if len(several) > 1:
            raise ScanlabError.at(
                "S691",
                f"{folder} has the folders {listed(place.name for place in several)}, and each may hold the {word}",
                help=f'say which, as in layout = "{word}={several[0].name}"',
            )
    if not layout.named("masks"):
        _check_others(folder, images[0], masks[0], suffixes)
    endings = [name for name in layout.named("masks") if folder_of(folder, name) is None]
    return Folders(images[0], masks[0], endings[0] if endings else "")


def _check_others(folder: Path, images: Path, masks: Path, suffixes: Sequence[str]) -> None:
    """Raise S691 for a third folder of as many files as there are images: it may hold the masks that are meant."""
    count = sum(1 for _ in below(images, suffixes))
    for place in folders_in(folder):
        if place not in (images, masks) and 0 < sum(1 for _ in below(place, suffixes)) == count:
            raise ScanlabError.at(
                "S691",
                f"{folder} has {images.name}, {masks.name} and {place.name}, each with {count_text(count, 'file')}: "
                "two of them may hold the masks",
                help=f'say which, as in layout = "masks={masks.name}" or "masks={place.name}"',
            )


def left_folders(folder: Path, pair: Folders, suffixes: Sequence[str] = IMAGES) -> list[Note]:
    """A note of the folders beside images and masks that hold files of the same kind."""
    odd = [p.name for p in folders_in(folder) if p not in (pair.images, pair.masks) and holds(p, suffixes)]
    return [Note("left out", f"folders beside images and masks: {listed(odd)}")] if odd else []


def parts_within(
    folder: Path, layout: Layout, notes: list[Note], suffixes: Sequence[str] = IMAGES
) -> dict[str, Folders]:
    """Parts below images/ and masks/, as images/train and masks/train, or imagesTs and labelsTs beside imagesTr and
    labelsTr; empty without any. Raises S644 for a part of images, or of masks, alone."""
    task = [folder_of(folder, name) for name in ("imagesTr", "labelsTr", "imagesTs", "labelsTs")]
    held = [place for place in task if place is not None and holds(place, suffixes)]
    if len(held) == len(task) and not layout.named("images") and not layout.named("masks"):
        return {"train": Folders(held[0], held[1]), "test": Folders(held[2], held[3])}
    folders = pair_folders(folder, layout, suffixes)
    if folders is None or any(files_in(place, suffixes) for place in (folders.images, folders.masks)):
        return {}
    images, masks = (part_places(place, layout, []) for place in (folders.images, folders.masks))
    if folders.images in images.values() or folders.masks in masks.values():
        return {}
    lonely = [place.name for part, place in images.items() if part not in masks]
    bare = [place.name for part, place in masks.items() if part not in images]
    if bare or (lonely and "masked_only" not in layout):
        has, lacks = (folders.masks, folders.images) if bare else (folders.images, folders.masks)
        name = (bare or lonely)[0]
        more = "" if bare else f"; or {settled_by('masked_only')}"
        raise _wrong(
            folder, f"{has.name} has the part {name}, and {lacks.name} has not", f"take it out of the folder{more}"
        )
    notes += [Note("left out", f"images without masks: {folders.images.name}/{name}") for name in lonely]
    notes += left_folders(folder, folders, suffixes)
    return {part: Folders(images[part], masks[part], folders.ending) for part in images if part in masks}


def side_by_side(folder: Path, layout: Layout, suffixes: Sequence[str] = IMAGES) -> dict[str, Folders]:
    """Parts whose masks lie in a folder called after them, as train/ beside train_masks/; empty without any."""
    by_part: dict[str, dict[str, list[Path]]] = {}
    for place in folders_in(folder) if "classes" not in layout else ():
        part, rest = part_and_rest(place.name)
        role = "images" if rest in ("", *_IMAGES) else "masks" if rest in (*_MASKS, "annot", "annots") else ""
        if part and role and holds(place, suffixes):
            by_part.setdefault(part, {}).setdefault(role, []).append(place)
    if (
        any(len(some) != 1 for roles in by_part.values() for some in roles.values())
        or len(by_part.get("train", {})) < 2
    ):
        return {}
    if odd := [part for part, roles in by_part.items() if len(roles) < 2]:
        place = next(iter(by_part[odd[0]].values()))[0]
        raise _wrong(folder, f"{place.name} has no folder of masks beside it", f"take {place.name} out of the folder")
    return {part: Folders(by_part[part]["images"][0], by_part[part]["masks"][0]) for part in PARTS if part in by_part}


def _named(folder: Path, layout: Layout, word: str, suffixes: Sequence[str]) -> Path | None:
    places = [place for name in layout.named(word) if (place := folder_of(folder, name)) is not None]
    return next((place for place in places if holds(place, suffixes)), None)


def pairs_of(
    images: Path, masks: Path, ending: str, layout: Layout, notes: list[Note], suffixes: Sequence[str] = IMAGES
) -> list[Pair]:
    """Every image with its mask: of the same stem, or of one that differs by what masks or images are called.

    Files lie at any depth, and pairs at the same place. Raises S644 for an image or a mask alone, S691 for an image
    with two masks.
    """
    images, masks = _innermost(images, suffixes), _innermost(masks, suffixes)
    pictures, drawn = list(below(images, suffixes)), list(below(masks, suffixes))
    if not pictures or not drawn:
        raise _wrong(images.parent, f"{(masks if pictures else images).name} is empty", "expected images and masks")
    if ending:
        drawn = [file for file in drawn if without_suffix(file).endswith(ending)]
    return matched(pictures, drawn, (images, masks), layout, notes, ending)


def _innermost(folder: Path, suffixes: Sequence[str]) -> Path:
    """Where the files are: as annotations/trimaps, one folder may be all that there is in another."""
    while not files_in(folder, suffixes) and len(places := folders_in(folder)) == 1:
        folder = places[0]
    return folder


def matched(
    pictures: Sequence[Path],
    drawn: Sequence[Path],
    roots: tuple[Path, Path],
    layout: Layout,
    notes: list[Note],
    ending: str = "",
) -> list[Pair]:
    """Pairs of these files, whose names count from the two roots. Raises what `pairs_of` raises."""
    plainly = [_by_core(files, root, None) for files, root in zip((pictures, drawn), roots, strict=True)]
    cores = [_cores(pictures, NAMED_IMAGE), _cores(drawn, NAMED_MASK, ending)]
    # Equal stems first: what looks like an ending may be part of a name.
    by_name = [_by_core(pictures, roots[0], cores[0]), _by_core(drawn, roots[1], cores[1])]
    half = [plainly[0], by_name[1]]
    chosen = max((plainly, half, by_name), key=lambda pair: len(set(pair[0]) & set(pair[1])))
    for core, some in chosen[1].items():
        if len(some) > 1 and core in chosen[0]:
            raise ScanlabError.at(
                "S691",
                f"{listed(file.name for file in some)} may each be the mask of {chosen[0][core][0].name}",
                help='say how the names of the masks end, as in layout = "masks=_labelIds"',
            )
    if twice := next((some for core, some in chosen[0].items() if len(some) > 1 and core in chosen[1]), None):
        raise ScanlabError.at(
            "S691", f"{listed(file.name for file in twice)} would all have one mask", help="give every image its own"
        )
    lonely = [some[0].name for core, some in chosen[0].items() if core not in chosen[1]]
    _check_channels(lonely, roots, chosen[1])
    bare = [without_suffix(some[0]) for core, some in chosen[1].items() if core not in chosen[0]]
    if lonely and "masked_only" in layout and len(lonely) < len(chosen[0]):
        notes.append(Note("left out", f"{count_text(len(lonely), 'image')} without a mask: {listed(lonely)}"))
        lonely = []
    if lonely or bare:
        problem = f"{(lonely + bare)[0]} has no partner, one of {len(lonely + bare)}"
        more = f"; or {settled_by('masked_only')}" if lonely and not bare else ""
        raise _wrong(roots[0].parent, problem, f"expected a mask of the same name for every image{more}")
    if chosen is not plainly:
        example = next((some[0].name, chosen[1][core][0].name) for core, some in chosen[0].items() if core in chosen[1])
        notes.append(Note("assumed", f"{example[1]} is the mask of {example[0]}, and so with all others"))
    return [Pair(some[0], chosen[1][core][0], core[0]) for core, some in chosen[0].items() if core in chosen[1]]


def _check_channels(lonely: Sequence[str], roots: tuple[Path, Path], masks: Mapping[tuple[str, str], object]) -> None:
    """Raise S644 for images that are further channels of one that has a mask: to leave them out would lose them."""
    known = {core for _, core in masks}
    for name in lonely:
        match = CHANNEL.match(without_suffix(Path(name)))
        if match and match["case"] in known:
            raise _wrong(
                roots[0].parent,
                f"{name} is another channel of {match['case']}, as nnU-Net names them, and channels in files of their "
                "own are read from NIfTI alone",
                "write the channels of an image into one file, or into an array of a .npz file",
            )


def _cores(files: Sequence[Path], named: re.Pattern[str], ending: str = "") -> dict[Path, str]:
    made = {}
    for file in files:
        stem = without_suffix(file)
        made[file] = core_of(stem.removesuffix(ending) if ending else stem, named)
    return made


def _by_core(files: Sequence[Path], root: Path, cores: Mapping[Path, str] | None) -> dict[tuple[str, str], list[Path]]:
    """Files by the folder that they lie in, below the root, and their core."""
    by_core: dict[tuple[str, str], list[Path]] = {}
    for file in files:
        core = without_suffix(file) if cores is None else cores[file]
        by_core.setdefault((composed(str(file.parent.relative_to(root))), composed(core)), []).append(file)
    return by_core


def _wrong(folder: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{folder} is no data set: {problem}", help=expected)
