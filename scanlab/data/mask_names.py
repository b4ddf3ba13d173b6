"""How masks are named after their images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from scanlab.data.pictures import opened
from scanlab.data.places import below
from scanlab.data.rasters import is_raster
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["NAMED_IMAGE", "NAMED_MASK", "core_of", "in_one_folder", "look_like_masks", "without_suffix"]

# How the names of masks and of images begin or end beside what they have in common.
NAMED_MASK = re.compile(
    r"^(?:masks?|labels?|seg|gt)[ _.-]+(?P<first>.+)$|^(?P<last>.+?)[ _.-]+"
    r"(?:gtFine(?:_[a-z]+)?|labelIds|masks?|labels?|segmentation|seg|gt|ground_?truth|annotations?|annotated|L)$",
    re.IGNORECASE,
)
NAMED_IMAGE = re.compile(
    r"^(?:images?|img)[ _.-]+(?P<first>.+)$|^(?P<last>.+?)[ _.-]+(?:leftImg8bit|images?|img|sat|orig|original|0000)$",
    re.IGNORECASE,
)


def in_one_folder(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Images and masks that lie together: masks are named after another file of their folder, as 0_mask.png after
    0.png. No masks where no names say so."""
    known = {(file.parent, without_suffix(file)) for file in files}
    masks = []
    for file in files:
        core = core_of(without_suffix(file), NAMED_MASK)
        named = (core, f"{core}_sat", f"{core}_image", f"{core}_img")
        if core != without_suffix(file) and any((file.parent, name) in known for name in named):
            masks.append(file)
    drawn = set(masks)
    return [file for file in files if file not in drawn], masks


def look_like_masks(folder: Path, few: int = 3, most: int = 8) -> bool:
    """Whether the first pictures of a folder have few colours each, as masks have."""
    files = [file for file, _ in zip(below(folder), range(few), strict=False)]
    for file in files:
        if is_raster(file):
            return False
        try:
            with opened(file) as image:
                if image.size[0] * image.size[1] <= most or image.convert("RGB").getcolors(most) is None:
                    return False
        # What is damaged is said where it is read.
        except (OSError, ValueError, SyntaxError, ScanlabError):
            return False
    return bool(files)


def without_suffix(file: Path) -> str:
    """A file's name without .nii.gz, .png and the like."""
    name = file.name[:-3] if file.name.lower().endswith(".nii.gz") else file.name
    return name.rpartition(".")[0]


def core_of(stem: str, named: re.Pattern[str]) -> str:
    """What an image and its mask have in common: a stem without what NAMED_IMAGE or NAMED_MASK matches."""
    match = named.match(stem)
    return (match["first"] or match["last"]) if match else stem
