"""Volumes with masks in the layout of the Medical Segmentation Decathlon (arXiv 2106.05735), by nibabel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanlab.data.checks import checked
from scanlab.data.dataset import Dataset
from scanlab.data.parts import SPLIT_SEED, TRAIN_SHARE, brightness_quarters, split
from scanlab.data.resize import check_size, resized, resized_masks
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import grid_text

__all__ = ["is_decathlon", "load_decathlon"]

MOST_CLASSES = 64


def is_decathlon(folder: Path) -> bool:
    """Whether a folder has the Decathlon's layout."""
    return (folder / "imagesTr").is_dir()


def load_decathlon(folder: Path, size: tuple[int, ...] | None = None) -> Dataset:
    """Read imagesTr/*.nii.gz with labelsTr/*.nii.gz of the same names.

    Every volume is z-scored by itself, since scanners differ, and resampled to `size`, by default the median extents of
    all (masks by the nearest voxel). Several modalities in a fourth axis become channels. 30 % of the volumes are held
    out for testing, by brightness, always the same: the Decathlon's own test volumes have no public labels. Names of
    the classes come from dataset.json where it is there. Raises S644 for files that do not fit, S645
    without nibabel, S646.
    """
    nibabel = _nibabel()
    images = _files(folder / "imagesTr")
    masks = {file.name: file for file in _files(folder / "labelsTr")} if (folder / "labelsTr").is_dir() else {}
    lonely = [file.name for file in images if file.name not in masks]
    if lonely or not images:
        problem = f"{lonely[0]} has no mask, one of {len(lonely)}" if lonely else "imagesTr is empty"
        raise ScanlabError.at(
            "S644",
            f"{folder} is no data set: {problem}",
            help="expected imagesTr and labelsTr with files of the same names",
        )
    loaded = [_pair(nibabel, file, masks[file.name]) for file in images]
    shapes = np.array([mask.shape for _, mask in loaded])
    chosen = size or tuple(int(n) for n in np.median(shapes, axis=0))
    check_size(chosen, tuple(shapes[0]), folder.name)
    channels = len(loaded[0][0])
    if any(len(volume) != channels for volume, _ in loaded):
        raise ScanlabError.at("S644", f"the volumes of {folder} differ in their modalities", help="give all the same")
    pixels = np.empty((len(loaded), channels, *chosen), np.float32)
    labels = np.empty((len(loaded), *chosen), np.uint8)
    for number, (volume, mask) in enumerate(loaded):
        pixels[number] = resized(volume[None], chosen)[0]
        labels[number] = resized_masks(mask[None], chosen)[0]
    about = _about(folder)
    known = _class_names(about)
    classes = 1 + max([int(labels.max()), *known])
    named = [known.get(c, f"class {c}") for c in range(classes)] if known else []
    train, test = split(brightness_quarters(pixels), None, TRAIN_SHARE, SPLIT_SEED)
    credit = f"read from {folder.name}, every volume z-scored and of {grid_text(chosen)} voxels"
    name = str(about.get("name", folder.name))
    return checked(Dataset(name, pixels, labels, train, test, classes, credit, class_names=tuple(named), drawn=True))


def _pair(nibabel: Any, image: Path, mask: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A volume, z-scored, float32 [C, D, H, W], with its mask uint8 [D, H, W]."""
    volume, labels = _array(nibabel, image), _array(nibabel, mask)
    channels = volume[None] if volume.ndim == 3 else np.moveaxis(volume, -1, 0)
    if channels.shape[1:] != labels.shape:
        sizes = [grid_text(s) for s in (labels.shape, channels.shape[1:])]
        raise ScanlabError.at(
            "S644", f"the mask {mask.name} has {sizes[0]} voxels, and its volume {sizes[1]}", help="give both one size"
        )
    if not np.isfinite(volume).all():
        raise ScanlabError.at("S646", f"{image} has voxels that are NaN or infinite", help="repair it, or leave it out")
    if not np.isin(labels, np.arange(MOST_CLASSES)).all():
        raise ScanlabError.at(
            "S644",
            f"the mask {mask.name} has other values than classes from 0 to {MOST_CLASSES - 1}",
            help="renumber it",
        )
    axes = (1, 2, 3)
    centred = channels - channels.mean(axes, keepdims=True)
    return (centred / np.maximum(centred.std(axes, keepdims=True), 1e-6)).astype(np.float32), labels.astype(np.uint8)


def _array(nibabel: Any, file: Path) -> NDArray[np.float32]:
    try:
        array = np.asarray(nibabel.load(file).dataobj, np.float32)
    except Exception as error:  # nibabel, gzip and zlib raise errors of many kinds for files that are not whole.
        raise ScanlabError.at(
            "S644", f"{file} cannot be read as NIfTI: {error}", help="replace the file, or take it out of the folder"
        ) from None
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise ScanlabError.at("S644", f"{file} has shape {list(array.shape)}", help="expected a volume of three axes")
    return array


def _files(folder: Path) -> list[Path]:
    # The archives of the Decathlon hold a hidden twin of every file.
    return sorted(f for f in folder.iterdir() if f.name.endswith((".nii", ".nii.gz")) and not f.name.startswith("."))


def _about(folder: Path) -> dict[str, Any]:
    file = folder / "dataset.json"
    if not file.is_file():
        return {}
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScanlabError.at("S644", f"{file} cannot be read: {error}", help="repair or remove it") from None
    return about if isinstance(about, dict) else {}


def _class_names(about: Mapping[str, Any]) -> dict[int, str]:
    """The names of classes by their number; newer files list the numbers by name."""
    names: dict[int, str] = {}
    labels = about.get("labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        number, name = (key, value) if str(key).isdecimal() else (value, key)
        if not str(number).isdecimal() or int(number) >= MOST_CLASSES:
            raise ScanlabError.at(
                "S644",
                f"dataset.json gives the class {name!r} the number {number!r}",
                help=f"give every class a number from 0 to {MOST_CLASSES - 1}",
            )
        names[int(number)] = str(name)
    return names


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError:
        raise ScanlabError.at("S645", "NIfTI files need nibabel", help='pip install "scanlab[data]"') from None
    return nibabel
