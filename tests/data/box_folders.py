"""Small folders of pictures with boxes, in every form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Row = tuple[float, float, float, float, str]
NAMES = ("cat", "dog")


def picture(file: Path, size: tuple[int, int] = (24, 32), seed: int = 0) -> Path:
    """A colour picture of a height and width."""
    from PIL import Image

    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *file.stem.encode()]).integers(0, 255, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def coco(file: Path, boxes: Mapping[str, Sequence[Row]], size: tuple[int, int] | None = (24, 32), **changes) -> dict:
    """COCO's JSON of pictures; categories have the identifiers 3 and 8."""
    images = [{"id": 10 + k, "file_name": name} for k, name in enumerate(boxes)]
    if size:
        images = [{**image, "height": size[0], "width": size[1]} for image in images]
    rows = [(image["id"], row) for image, rows in zip(images, boxes.values(), strict=True) for row in rows]
    content = {
        "images": images,
        "annotations": [
            {"id": k, "image_id": image, "category_id": {"cat": 3, "dog": 8}[row[4]], "iscrowd": 0,
             "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]]}
            for k, (image, row) in enumerate(rows)
        ],
        "categories": [{"id": 8, "name": "dog"}, {"id": 3, "name": "cat"}],
    }  # fmt: skip
    content |= changes
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return content


def voc(file: Path, name: str, rows: Sequence[Row], first: int = 1, difficult: Sequence[int] = ()) -> None:
    """VOC's XML of one picture of 24 rows and 32 columns."""
    objects = "".join(
        f"<object><name>{row[4]}</name><difficult>{int(k in difficult)}</difficult><bndbox>"
        f"<xmin>{row[0] + first:g}</xmin><ymin>{row[1] + first:g}</ymin><xmax>{row[2]:g}</xmax><ymax>{row[3]:g}</ymax>"
        "</bndbox></object>"
        for k, row in enumerate(rows)
    )
    size = "<size><width>32</width><height>24</height><depth>3</depth></size>"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"<annotation><filename>{name}</filename>{size}{objects}</annotation>")


def yolo(file: Path, rows: Sequence[Row], size: tuple[int, int] = (24, 32)) -> None:
    """YOLO's lines of one picture."""
    high, wide = size
    lines = [
        f"{NAMES.index(row[4])} {(row[0] + row[2]) / 2 / wide:.8f} {(row[1] + row[3]) / 2 / high:.8f} "
        f"{(row[2] - row[0]) / wide:.8f} {(row[3] - row[1]) / high:.8f}"
        for row in rows
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
