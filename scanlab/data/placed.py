"""Published data that lie on a person's machine, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from scanlab.ir.diagnostics import ScanlabError
from scanlab.places import expand_home

__all__ = ["PLACED", "Placed", "place_of", "required_place"]

# Where data lie unless SCANLAB_DATA says so, beside or within the working folder.
USUAL = ("data", "../shared/data")


@dataclass(frozen=True)
class Placed:
    """Data that do not come with ScanLab.

    about: a sentence. path: within the folder of data. credit: whose they are, and their licence. source: where to get
    them. layout: how they are read.
    """

    about: str
    path: str
    credit: str
    source: str
    layout: str = ""


PLACED: Mapping[str, Placed] = MappingProxyType(
    {
        "blood_cells": Placed(
            "Blood smears with boxes of red cells, white cells and platelets.",
            "blood_cells",
            "BCCD Dataset (MIT)",
            "github.com/Shenggan/BCCD_Dataset",
        ),
        "nuclei": Placed(
            "Microscopy with a box around every nucleus.",
            "dsb2018/nuclei_256.npz",
            "2018 Data Science Bowl, stage 1: BBBC038v1 (CC0)",
            "bbbc.broadinstitute.org/BBBC038",
            "boxes",
        ),
        "hippocampus": Placed(
            "MRI volumes of the hippocampus with masks of its anterior and its posterior part.",
            "hippocampus",
            "Medical Segmentation Decathlon, task 4 (CC BY-SA 4.0)",
            "medicaldecathlon.com",
        ),
        "adrenal_glands": Placed(
            "CT volumes of adrenal glands, normal or with a mass.",
            "adrenalmnist3d/adrenalmnist3d_64.npz",
            "MedMNIST v2, AdrenalMNIST3D (CC BY 4.0)",
            "medmnist.com",
        ),
        "text_lines": Placed(
            "Lines of German print of the 19th century with their transcriptions; no work is in two parts.",
            "text_lines",
            "archiscribe-corpus, Johannes Baiter and contributors (CC BY 4.0), a part of it",
            "github.com/jbaiter/archiscribe-corpus",
        ),
        "satellite": Placed(
            "Satellite tiles, a folder for each of ten kinds of land.",
            "satellite/eurosat",
            "EuroSAT, Patrick Helber and others (MIT), a part of it; Copernicus Sentinel data 2015-2017",
            "github.com/phelber/EuroSAT",
        ),
        "land_cover": Placed(
            "One place over 68 dates as a video of NDVI and clouds, with the land cover of every pixel.",
            "satellite/lulc_series.npz",
            "eo-learn, Sinergise and contributors (MIT), a part of it; Copernicus Sentinel data 2015-2017",
            "github.com/sentinel-hub/eo-learn",
        ),
        "rain_radar": Placed(
            "Clips of rain radar, whose next frame is to be predicted.",
            "video/radar.npz",
            "Finnish Meteorological Institute (CC BY 4.0), a part of it",
            "github.com/pySTEPS/pysteps-data",
        ),
        "spheres": Placed(
            "Clips of spheres in Brownian motion under a microscope, whose next frame is to be predicted.",
            "video/spheres.npz",
            "trackpy-examples contributors (CC BY 3.0 or BSD-3), a part of it",
            "github.com/soft-matter/trackpy-examples",
        ),
    }
)


def place_of(name: str) -> Path | None:
    """Where the data of a name in PLACED lie; None where they do not.

    They are looked for in the folders that the variable SCANLAB_DATA lists, else in `data` and `../shared/data`.
    """
    folders = [part for part in os.environ.get("SCANLAB_DATA", "").split(os.pathsep) if part] or USUAL
    places = (expand_home(folder) / PLACED[name].path for folder in folders)
    return next((place for place in places if place.exists()), None)


def required_place(name: str) -> Path:
    """The same. Raises S600 where the data are not there."""
    if (place := place_of(name)) is not None:
        return place
    placed = PLACED[name]
    raise ScanlabError.at(
        "S600",
        f"{name} does not come with ScanLab, and there is no {placed.path} in a folder of data",
        help=f"get them from {placed.source}, and name the folder that {placed.path} lies in by SCANLAB_DATA",
    )
