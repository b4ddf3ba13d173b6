"""Classes of every voxel of a NIfTI volume, in the patient's own space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanlab.data.layout import Layout
from scanlab.data.nifti import checked_spacing
from scanlab.data.resize import check_size, resized
from scanlab.data.volume_files import Volume, load_case, require_nibabel
from scanlab.data.volume_places import Case
from scanlab.data.volume_space import write_labels
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import Segmenter, predict_map
from scanlab.study.surfaces import class_surfaces

__all__ = ["ClassScores", "VolumePrediction", "checked_model", "predict_volume"]


@dataclass(frozen=True)
class ClassScores:
    """A class of a prediction beside a true mask: Dice, and the distances of `study.surfaces` in millimetres, NaN where
    neither has it."""

    label: int
    dice: float
    average_mm: float
    hd95_mm: float
    surface_dice: float


@dataclass(frozen=True, eq=False)
class VolumePrediction:
    """What a model says of a volume.

    labels: uint8 (uint16 beyond 256 classes) [X, Y, Z] over the file's own axes and extents. classes: how many the
    model knows. volume: what was read. notes: how it was read, in sentences.
    """

    labels: NDArray[np.uint8 | np.uint16]
    classes: int
    volume: Volume
    notes: tuple[str, ...]

    @property
    def voxel_ml(self) -> float:
        """Millilitres of a voxel, which a header may shear: then it is less than the product of its sides."""
        space = self.volume.space
        sides = float(np.prod(self.volume.spacing)) / 1000
        if space is None or space.axes is None:
            return sides
        steps = space.affine[:3, :3]
        return sides * float(abs(np.linalg.det(steps / np.linalg.norm(steps, axis=0))))

    def write(self, path: str | Path) -> None:
        """Write the labels as NIfTI with the affine, the orientation and the extents of the volume's own file, so that
        a viewer lays one over the other. Raises S502."""
        assert self.volume.space is not None
        write_labels(self.labels, self.volume.space, path)

    def scores(self, mask: str | Path, layout: str = "", tolerance_mm: float = 1.0) -> tuple[ClassScores, ...]:
        """Every class but the background beside a true mask, a NIfTI file in the same place, in millimetres as the
        volume's header gives them. Raises S644 and S693 for a mask that does not lie there."""
        [image, *_] = self.volume.files
        truth = load_case(Case((image,), Path(mask)), Layout.read(layout))
        assert truth.mask is not None and truth.space is not None
        true = truth.space.stored(truth.mask)
        spacing = _stored_spacing(self.volume)
        surfaces = class_surfaces(self.labels[None], true[None], self.classes, spacing, tolerance_mm)[0]
        return tuple(
            ClassScores(c, _dice(self.labels == c, true == c), *map(float, surfaces[c - 1]))
            for c in range(1, self.classes)
        )


def predict_volume(
    model: nn.Module,
    files: str | Path | Sequence[str | Path],
    *,
    size: Sequence[int] | None = None,
    spacing: Sequence[float] | None = None,
    window: Sequence[int] | None = None,
    overlap: float = 0.5,
    layout: str = "",
    on_window: Callable[[int, int], None] = lambda done, total: None,
) -> VolumePrediction:
    """The class of every voxel of a NIfTI volume, or of one whose modalities are in several files.

    The volume is read as for training (`scanlab.data.load`): turned to RAS+, z-scored, and resampled to `size`, by
    default the model's own, or to `spacing`, millimetres from voxel to voxel. It is predicted in one pass, or by
    windows (see `scanlab.nn.predict_map`). The probabilities are resampled to the volume's own extents, and the
    likeliest class of every voxel is turned back to the file's own axes. Raises S623 for a model that reads no such
    volume, S622, S644, S645, S646, S693, S695.

    >>> import nibabel
    >>> from scanlab.nn import Backbone, BackboneConfig
    >>> nibabel.save(nibabel.Nifti1Image(np.random.rand(9, 12, 10), np.diag([-1, -1, 2, 1])), "case.nii.gz")
    >>> model = Segmenter(Backbone("slices", BackboneConfig(dim=8), input_size=(8, 8, 8)), classes=2, width=4)
    >>> predicted = predict_volume(model, "case.nii.gz")
    >>> predicted.write("case_seg.nii.gz")
    >>> predicted.labels.shape, predicted.notes[0]
    ((9, 12, 10), 'turned to RAS+ from LPS')
    """
    require_nibabel()
    paths = tuple(Path(file) for file in ([files] if isinstance(files, str | Path) else files))
    segmenter = checked_model(model)
    volume = load_case(Case(paths, None), Layout.read(layout))
    channels = segmenter.backbone.channels
    if len(volume.channels) != channels:
        have = count_text(len(volume.channels), "channel")
        fewer = len(volume.channels) < channels
        help = "give a file for every modality" if fewer else "give the modalities that the model was trained on alone"
        raise ScanlabError.at("S623", f"{paths[0].name} has {have}, and the model reads {channels}", help=help)
    read, how = _resampled(volume, segmenter, size, spacing)
    device = next(model.parameters()).device
    was_training = model.training
    maps = predict_map(model.eval(), torch.from_numpy(read)[None].to(device), window, overlap, on_window=on_window)[0]
    model.train(was_training)
    assert volume.space is not None
    labels = volume.space.stored(_likeliest(maps, volume.extents))
    mode = _mode(read.shape[1:], window, overlap)
    turned = [f"turned to RAS+ from {volume.stored}"] if volume.stored not in ("RAS", "") else []
    silent = [] if volume.stored else ["its header gives no orientation: read as stored, in voxels of 1 mm"]
    scored = ["z-scored", *_flat(volume)]
    return VolumePrediction(labels, maps.shape[0], volume, (*turned, *silent, *scored, how, mode))


def _mode(extents: Sequence[int], window: Sequence[int] | None, overlap: float) -> str:
    if window is None:
        return "in one pass"
    if all(side >= extent for side, extent in zip(window, extents, strict=True)):
        return f"in one pass: a window of {grid_text(window)} covers the {grid_text(extents)} voxels"
    return f"by windows of {grid_text(window)} that overlap by {overlap:.0%}"


def _flat(volume: Volume) -> list[str]:
    """That a modality tells nothing, where all its voxels are alike."""
    alike = [number for number, channel in enumerate(volume.channels) if channel.min() == channel.max()]
    return [f"all voxels of modality {number + 1} have one value: it tells nothing" for number in alike]


def checked_model(model: nn.Module) -> Segmenter:
    """A model that says something of voxels. Raises S623 for another."""
    if not isinstance(model, Segmenter) or len(model.backbone.input_size) != 3:
        what = type(model).__name__
        axes = f" over {count_text(len(model.backbone.input_size), 'axis')}" if isinstance(model, Segmenter) else ""
        raise ScanlabError.at("S623", f"a {what}{axes} says nothing of voxels", help="give a Segmenter of volumes")
    return model


def _resampled(
    volume: Volume, model: Segmenter, size: Sequence[int] | None, spacing: Sequence[float] | None
) -> tuple[NDArray[np.float32], str]:
    """The channels as the model reads them, and how in words."""
    own = "x".join(f"{step:.3g}" for step in volume.spacing)
    if spacing is not None:
        steps = checked_spacing(spacing)
        read = volume.at_spacing(steps).channels
        shown = "x".join(f"{step:.3g}" for step in steps)
        return read, f"resampled from {own} mm to {shown} mm, {grid_text(read.shape[1:])} voxels"
    wanted = tuple(map(int, model.backbone.input_size if size is None else size))
    check_size(wanted, volume.extents, volume.name)
    if wanted == tuple(volume.extents):
        return volume.channels, f"{grid_text(wanted)} voxels of {own} mm, as they are"
    read = resized(volume.channels[None], wanted)[0]
    return read, f"resampled from {grid_text(volume.extents)} voxels of {own} mm to {grid_text(wanted)}"


def _likeliest(maps: Tensor, extents: tuple[int, ...]) -> NDArray[np.uint8 | np.uint16]:
    """The class of the largest probability at every voxel of other extents: [classes, *size] -> [*extents]."""
    shares = maps.float().softmax(0).cpu().numpy()
    # Class by class: the whole of them at a scanner's resolution would be many times the volume.
    best = resized(shares[None, :1], extents)[0, 0]
    labels = np.zeros(extents, np.uint8 if len(shares) <= 256 else np.uint16)
    for c in range(1, len(shares)):
        share = resized(shares[None, c : c + 1], extents)[0, 0]
        better = share > best
        labels[better], best[better] = c, share[better]
    return labels


def _stored_spacing(volume: Volume) -> tuple[float, ...]:
    """Millimetres along the file's own axes."""
    space = volume.space
    if space is None or space.axes is None:
        return volume.spacing
    return tuple(volume.spacing[int(axis)] for axis in space.axes[:, 0])


def _dice(guess: NDArray, mask: NDArray) -> float:
    total = int(guess.sum()) + int(mask.sum())
    return 2 * int((guess & mask).sum()) / total if total else float("nan")
