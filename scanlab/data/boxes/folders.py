"""Folders of pictures with boxes as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scanlab.data.boxes.coco import coco_files, read_coco
from scanlab.data.boxes.fitting import read_fitted
from scanlab.data.boxes.values import Annotations, check_pictures, packed, usable
from scanlab.data.boxes.voc import read_voc, voc_files
from scanlab.data.boxes.yolo import read_yolo, yolo_files
from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.layout import BOX_FOLDERS, Layout, settled_by
from scanlab.data.notes import Note
from scanlab.data.parts import PARTS, divided
from scanlab.data.pictures import IMAGES, picture_sizes, require_pillow
from scanlab.data.places import below, other_files, unwrapped
from scanlab.data.strata import brightness_quarters
from scanlab.data.target_kinds import BOXES
from scanlab.ir.diagnostics import ScanlabError

__all__ = ["BoxFolder", "boxes_in", "load_boxes"]


@dataclass(frozen=True)
class BoxFolder:
    """A folder of pictures with boxes: where they are, the form of their annotations, and their files."""

    folder: Path
    form: str
    files: tuple[Path, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class _Form:
    """A form of annotations. files: those of it in a folder; read: what they say, of pictures with known sizes."""

    files: Callable[[Path], list[Path]]
    read: Callable[[Path, Sequence[Path], Layout], Annotations]


def _yolo(folder: Path, files: Sequence[Path], layout: Layout) -> Annotations:
    pictures = list(below(folder))
    return read_yolo(folder, files, dict(zip(pictures, picture_sizes(pictures, layout), strict=True)))


_FORMS = {
    "coco": _Form(coco_files, lambda folder, files, _: read_coco(folder, files)),
    "voc": _Form(voc_files, lambda folder, files, _: read_voc(folder, files)),
    "yolo": _Form(yolo_files, _yolo),
}


def boxes_in(folder: Path, layout: Layout) -> BoxFolder | None:
    """The annotations of boxes in a folder; None where it has none, or `layout` says that something else is learned.

    Raises S691 for annotations of several forms, one of which `layout` chooses.
    """
    if layout.chosen("classes", "masks", "table", "multi_label", "boxes"):
        return None
    notes: list[Note] = []
    inner = unwrapped(folder, notes)
    chosen = layout.chosen(*_FORMS)
    forms = {form: tuple(each.files(inner)) for form, each in _FORMS.items() if chosen in ("", form)}
    held = {form: files for form, files in forms.items() if files}
    if len(held) > 1:
        raise ScanlabError.at("S691", f"{folder} has boxes in the forms {' and '.join(held)}", help=settled_by(*held))
    if chosen and not held:
        raise ScanlabError.at("S644", f"{folder} has no boxes of the form {chosen}", help="leave that word out")
    return next((BoxFolder(inner, form, files, tuple(notes)) for form, files in held.items()), None)


def load_boxes(folder: Path, given: BoxFolder, size: tuple[int, ...] | None, layout: Layout) -> Dataset:
    """Pictures with boxes: COCO's JSON, Pascal VOC's XML or YOLO's text files.

    Boxes are cut off at the border of their pictures; those outside and those without an area are left out, and
    pictures without boxes stay. Pictures of several sizes are brought to one (`boxes.fitting`). Without a test part the
    validation part is measured on, or about 30 % of the pictures are held out. Raises S677, S696 and S697 for
    annotations that cannot be used, S691 for what can be read in two ways, S644 to S646 and S690.
    """
    require_pillow()
    layout.check(BOX_FOLDERS, "pictures with boxes")
    made = _FORMS[given.form].read(given.folder, given.files, layout)
    notes = [*given.notes, Note("layout", f"pictures with boxes, in {made.form}"), *made.notes]
    pictures = sorted(made.pictures, key=lambda each: ("", *PARTS).index(each.part))
    parts = list(dict.fromkeys(each.part for each in pictures))
    if parts != [""] and "train" not in parts:
        which = ", ".join(part or "no part" for part in parts) or "no picture"
        raise ScanlabError.at("S644", f"{folder} is no data set: its boxes are of {which}", help="give a training part")
    if "" in parts and len(parts) > 1:
        bare = next(each for each in pictures if not each.part)
        help = "put all pictures into folders called after parts, or none"
        raise ScanlabError.at("S644", f"{folder} has parts, and {bare.file.name} is in none of them", help=help)
    counts = {part or "train": sum(each.part == part for each in pictures) for part in parts}
    files = [each.file for each in pictures]
    sizes = picture_sizes(files, layout)
    check_pictures(pictures, sizes)
    kept = usable([each.boxes for each in pictures], sizes, notes)
    images, boxes = read_fitted(files, sizes, kept, size, layout, notes)
    indices = divided(counts, brightness_quarters(images), None, notes)
    notes += other_files(given.folder, (*IMAGES, *made.read), "pictures or boxes")
    return checked(
        Dataset(
            name=folder.name,
            images=images,
            labels=packed(boxes),
            train=indices["train"],
            test=indices["test"],
            classes=len(made.class_names),
            credit=f"read from the folder {folder.name}",
            val=indices.get("val", np.empty(0, np.int64)),
            class_names=made.class_names,
            drawn="test" not in counts,
            notes=tuple(dict.fromkeys(notes)),
            targets=BOXES,
        )
    )
