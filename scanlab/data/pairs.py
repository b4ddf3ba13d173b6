"""Images with their masks, by the names of folders and files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanlab.data.layout import Layout, settled_by
from scanlab.data.notes import Note, listed
from scanlab.data.parts import PARTS
from scanlab.data.pictures import IMAGES, opened
from scanlab.data.places import below, files_in, folder_of, folders_in, holds, part_and_rest, plain
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text

__all__ = [
    "Folders",
    "Pair",
    "in_one_folder",
    "left_folders",
    "look_like_masks",
    "matched",
    "pair_folders",
    "pairs_of",
    "side_by_side",
    "without_suffix",
]

Pair = tuple[Path, Path]
_IMAGES = ("image", "images", "img", "imgs", "jpegimages", "leftimg8bit", "imagestr", "input", "inputs", "photos")
_MASKS = (
    *("mask", "masks", "label", "labels", "annotation", "annotations", "seg", "segs", "segmentation", "segmentations"),
    *("gt", "gts", "gtfine", "groundtruth", "groundtruths", "segmentationclass", "labelstr", "labelmaps"),
)
# How the names of masks and of images begin or end beside what they have in common.
_NAMED_MASK = re.compile(
    r"^(?:masks?|labels?|seg|gt)[ _.-]+(?P<first>.+)$|^(?P<last>.+?)[ _.-]+"
    r"(?:gtFine(?:_[a-z]+)?|labelIds|masks?|labels?|segmentation|seg|gt|ground_?truth|annotations?|annotated|L)$",
    re.IGNORECASE,
)
_NAMED_IMAGE = re.compile(
    r"^(?:images?|img)[ _.-]+(?P<first>.+)$|^(?P<last>.+?)[ _.-]+(?:leftImg8bit|images?|img|sat|orig|original|0000)$",
    re.IGNORECASE,
)


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
    for found, word in ((images, "images"), (masks, "masks")):
        if len(found) > 1:
            raise ScanlabError.at(
                "S691",
                f"{folder} has the folders {listed(place.name for place in found)}, and each may hold the {word}",
                help=f'say which, as in layout = "{word}={found[0].name}"',
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


def side_by_side(folder: Path, layout: Layout, suffixes: Sequence[str] = IMAGES) -> dict[str, Folders]:
    """Parts whose masks lie in a folder called after them, as train/ beside train_masks/; empty without any."""
    found: dict[str, dict[str, list[Path]]] = {}
    for place in folders_in(folder) if "classes" not in layout else ():
        part, rest = part_and_rest(place.name)
        role = "images" if rest in ("", *_IMAGES) else "masks" if rest in (*_MASKS, "annot", "annots") else ""
        if part and role and holds(place, suffixes):
            found.setdefault(part, {}).setdefault(role, []).append(place)
    if any(len(some) != 1 for roles in found.values() for some in roles.values()) or len(found.get("train", {})) < 2:
        return {}
    if odd := [part for part, roles in found.items() if len(roles) < 2]:
        place = next(iter(found[odd[0]].values()))[0]
        raise _wrong(folder, f"{place.name} has no folder of masks beside it", f"take {place.name} out of the folder")
    return {part: Folders(found[part]["images"][0], found[part]["masks"][0]) for part in PARTS if part in found}


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
    cores = [_cores(pictures, _NAMED_IMAGE), _cores(drawn, _NAMED_MASK, ending)]
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
    return [(some[0], chosen[1][core][0]) for core, some in chosen[0].items() if core in chosen[1]]


def in_one_folder(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Images and masks that lie together: masks are named after another file of their folder, as 0_mask.png after
    0.png. No masks where no names say so."""
    known = {(file.parent, without_suffix(file)) for file in files}
    masks = []
    for file in files:
        core = _core(without_suffix(file), _NAMED_MASK)
        named = (core, f"{core}_sat", f"{core}_image", f"{core}_img")
        if core != without_suffix(file) and any((file.parent, name) in known for name in named):
            masks.append(file)
    drawn = set(masks)
    return [file for file in files if file not in drawn], masks


def look_like_masks(folder: Path, few: int = 3, most: int = 8) -> bool:
    """Whether the first pictures of a folder have few colours each, as masks have."""
    files = [file for file, _ in zip(below(folder), range(few), strict=False)]
    for file in files:
        with opened(file) as image:
            try:
                if image.size[0] * image.size[1] <= most or image.convert("RGB").getcolors(most) is None:
                    return False
            except (OSError, ValueError, SyntaxError):
                return False
    return bool(files)


def without_suffix(file: Path) -> str:
    """A file's name without .nii.gz, .png and the like."""
    name = file.name[:-3] if file.name.lower().endswith(".nii.gz") else file.name
    return name.rpartition(".")[0]


def _cores(files: Sequence[Path], named: re.Pattern[str], ending: str = "") -> dict[Path, str]:
    made = {}
    for file in files:
        stem = without_suffix(file)
        made[file] = _core(stem.removesuffix(ending) if ending else stem, named)
    return made


def _core(stem: str, named: re.Pattern[str]) -> str:
    match = named.match(stem)
    return (match["first"] or match["last"]) if match else stem


def _by_core(files: Sequence[Path], root: Path, cores: Mapping[Path, str] | None) -> dict[tuple[str, str], list[Path]]:
    """Files by the folder that they lie in, below the root, and their core."""
    found: dict[tuple[str, str], list[Path]] = {}
    for file in files:
        core = without_suffix(file) if cores is None else cores[file]
        found.setdefault((str(file.parent.relative_to(root)), core), []).append(file)
    return found


def _wrong(folder: Path, problem: str, expected: str) -> ScanlabError:
    return ScanlabError.at("S644", f"{folder} is no data set: {problem}", help=expected)
