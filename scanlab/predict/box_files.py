"""Boxes in files: COCO's JSON, tables, and GeoJSON in the coordinates of a raster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanlab.data.geotiff import Georeference
from scanlab.ir.diagnostics import ScanlabError
from scanlab.predict.boxes import BoxesOfPicture
from scanlab.predict.names import name_of

__all__ = ["COLUMNS", "Place", "boxes_in_coco", "boxes_in_geojson", "boxes_in_rows", "place_of"]

PROPERTIES = ("class", "name", "score")
COLUMNS = ("file", *PROPERTIES, "x0", "y0", "x1", "y1")
# Longitude before latitude, as GeoJSON has them and rasters too; the code of EPSG means the other order.
DEGREES = {"EPSG:4326": "urn:ogc:def:crs:OGC:1.3:CRS84"}


@dataclass(frozen=True)
class Place:
    """How pixels of a raster become coordinates. crs: its system's name in GeoJSON; transform: affine, of (x, y)."""

    crs: str
    transform: Any

    def ring(self, box: Sequence[float]) -> list[list[float]]:
        """The corners of a box x0, y0, x1, y1 in pixels as coordinates, the first one again at the end."""
        x0, y0, x1, y1 = box
        corners = ((x0, y0), (x0, y1), (x1, y1), (x1, y0), (x0, y0))
        t = self.transform
        return [[float(t.a * x + t.b * y + t.c), float(t.d * x + t.e * y + t.f)] for x, y in corners]


def place_of(georeference: Georeference | None, name: str) -> Place:
    """Where the pixels of a file lie. Raises S738 for one that does not say it by a transform and a coordinate
    reference system with a code of an authority.

    >>> place_of(None, "photo.png")
    Traceback (most recent call last):
    scanlab.ir.diagnostics.ScanlabError: error[S738]: photo.png is no GeoTIFF, and has no coordinates
     = help: write .json or .csv, whose boxes are in pixels
    """
    help = "write .json or .csv, whose boxes are in pixels"
    if georeference is None:
        raise ScanlabError.at("S738", f"{name} is no GeoTIFF, and has no coordinates", help=help)
    lacking = [
        *(["coordinate reference system"] if georeference.crs is None else []),
        *(["transform"] if georeference.transform is None else []),
    ]
    if lacking:
        points = "; control points and polynomials are not turned into one" if not georeference.missing else ""
        raise ScanlabError.at("S738", f"{name} has no {' and no '.join(lacking)}{points}", help=help)
    crs: Any = georeference.crs
    authority = crs.to_authority()
    if authority is None:
        problem = f"the coordinate reference system of {name} has no code by which GeoJSON could name it"
        raise ScanlabError.at("S738", problem, help=f"save it in one that has, or {help}")
    code = ":".join(authority)
    return Place(DEGREES.get(code, f"urn:ogc:def:crs:{authority[0]}::{authority[1]}"), georeference.transform)


def boxes_in_rows(results: Mapping[str, BoxesOfPicture]) -> list[dict[str, Any]]:
    """A row per box, the keys of COLUMNS. results: by the names of files.

    >>> import numpy as np
    >>> boxes_in_rows({"a.png": BoxesOfPicture((8, 8), np.array([[1.0, 2, 5, 6, 0.75, 0]]))})
    [{'file': 'a.png', 'class': 0, 'name': 'class 0', 'score': 0.75, 'x0': 1.0, 'y0': 2.0, 'x1': 5.0, 'y1': 6.0}]
    """
    return [
        {"file": name, **{key: row[key] for key in PROPERTIES}, **dict(zip(COLUMNS[4:], row["box"], strict=True))}
        for name, said in results.items()
        for row in said.rows
    ]


def boxes_in_coco(results: Mapping[str, BoxesOfPicture], names: Sequence[str], classes: int) -> dict[str, Any]:
    """What pycocotools' COCO loads: images, categories (numbered from 1, as everywhere in COCO), and as annotations
    boxes [x, y, width, height] in pixels with their scores. The list of annotations alone is what its loadRes takes,
    where images have the same numbers.

    >>> import numpy as np
    >>> made = boxes_in_coco({"a.png": BoxesOfPicture((8, 8), np.array([[1.0, 2, 5, 8, 0.75, 0]]))}, ["cat"], 1)
    >>> made["annotations"][0]["bbox"], made["images"][0]["file_name"], made["categories"][0]["name"]
    ([1.0, 2.0, 4.0, 6.0], 'a.png', 'cat')
    """
    images = [
        {"id": number, "file_name": name, "height": said.extents[0], "width": said.extents[1]}
        for number, (name, said) in enumerate(results.items(), start=1)
    ]
    annotations: list[dict[str, Any]] = []
    for number, said in enumerate(results.values(), start=1):
        for row in said.rows:
            x0, y0, x1, y1 = row["box"]
            made = {"id": len(annotations) + 1, "image_id": number, "category_id": row["class"] + 1}
            made |= {"bbox": [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)], "score": row["score"], "iscrowd": 0}
            annotations.append(made | {"area": round((x1 - x0) * (y1 - y0), 2)})
    categories = [{"id": number + 1, "name": name_of(names, number)} for number in range(classes)]
    return {"images": images, "categories": categories, "annotations": annotations}


def boxes_in_geojson(results: Mapping[str, BoxesOfPicture], places: Mapping[str, Place]) -> dict[str, Any]:
    """A FeatureCollection with a polygon per box, in the coordinates of its raster, whose system is named by `crs`: a
    member of GeoJSON of 2008, which GDAL and QGIS read; RFC 7946 knows degrees alone. Raises S738 for rasters of
    different systems."""
    systems = sorted({place.crs for place in places.values()})
    if len(systems) > 1:
        help = "give the files of one at a time, or write .json or .csv"
        raise ScanlabError.at(
            "S738", f"a GeoJSON has one reference system, and the files {', '.join(systems)}", help=help
        )
    features = [
        {
            "type": "Feature",
            "properties": {"file": name} | {key: row[key] for key in PROPERTIES},
            "geometry": {"type": "Polygon", "coordinates": [places[name].ring(box)]},
        }
        for name, said in results.items()
        for box, row in zip(said.boxes[:, :4].tolist(), said.rows, strict=True)
    ]
    crs = {"type": "name", "properties": {"name": systems[0]}}
    return {"type": "FeatureCollection", "crs": crs, "features": features}
