"""``scanlab predict`` on NIfTI volumes: the classes of their voxels, written where the volumes lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import track
from rich.text import Text
from torch import nn

from scanlab.cli.output import console, print_json
from scanlab.cli.predict_job import damaged_of, say_damaged, with_damaged
from scanlab.data.mask_names import without_suffix
from scanlab.data.pairs import CHANNEL
from scanlab.data.places import VOLUMES, below
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.grids import grid_of
from scanlab.predict.written import refuse_over_inputs
from scanlab.study.volumes import VolumePrediction, checked_model, predict_volume

if TYPE_CHECKING:
    from scanlab.cli.predict_job import Options

__all__ = ["run_volumes", "volumes_at"]


def volumes_at(place: Path) -> list[Path]:
    """The NIfTI files that a place names; none where it is another file, or a folder of others."""
    if place.is_dir():
        return list(below(place, VOLUMES))
    return [place] if place.is_file() and place.name.lower().endswith(VOLUMES) else []


def run_volumes(model: nn.Module, files: Sequence[Path], place: Path, names: Sequence[str], options: Options) -> None:
    """Predict each volume, write and print: of one modality, of several in a fourth axis, or of several files that end
    in _0000, _0001 and so on, as nnU-Net names them. Raises S659, S729, and what `predict_volume` raises."""
    if options.bands or options.scale is not None:
        raise ScanlabError.at("S659", f"{place.name} is no GeoTIFF", help="leave --bands and --scale out")
    cases = _cases(files, checked_model(model).backbone.channels)
    files = [_called(case) for case in cases]
    targets = _targets(files, place, options.out)
    settings: dict[str, Any] = {"window": (options.tile,) * 3 if options.tile else None}
    if options.size == "own":
        raise ScanlabError.at(
            "S659", "a volume is predicted at the size that the model reads", help="give --size, as in 128x128x128"
        )
    settings["size"] = grid_of(options.size, what="size") if options.size else None
    quiet = options.json or len(files) < 2
    rows, damaged = [], damaged_of(options, len(files))
    shown = cases if quiet else track(cases, console=console(stderr=True))
    for file, case, target in zip(files, shown, targets, strict=True):
        with damaged.left_out(file):
            predicted = predict_volume(model, case, **settings)
            target.parent.mkdir(parents=True, exist_ok=True)
            predicted.write(target)
            rows.append(_row(file, target, predicted, names))
    say_damaged(damaged)
    if options.json:
        print_json(with_damaged(rows, damaged, lambda file: file.name))
        return
    screen = console()
    for row in rows:
        shares = ", ".join(f"{name} {ml:.3g} ml" for name, ml in row["millilitres"].items())
        screen.print(Text(f"{row['file']}: {shares}; written to {row['written']}"))
    for note in dict.fromkeys(note for row in rows for note in row["notes"]):
        screen.print(Text(note))


def _cases(files: Sequence[Path], channels: int) -> list[list[Path]]:
    """The files of each volume. Those of a case belong together where the model reads several modalities, and each case
    has as many files, _0000 first."""
    cases: dict[Path, list[Path]] = {}
    for file in sorted(files):
        match = CHANNEL.match(without_suffix(file))
        cases.setdefault(file.with_name(match["case"]) if match else file, []).append(file)
    if channels > 1 and all(len(case) == channels for case in cases.values()):
        return list(cases.values())
    return [[file] for file in files]


def _called(case: Sequence[Path]) -> Path:
    """The name of a case: its only file's, or that of several without their numbers."""
    [first, *others] = case
    match = CHANNEL.match(without_suffix(first))
    if not others or match is None:
        return first
    return first.with_name(match["case"] + first.name[len(without_suffix(first)) :])


def _targets(files: Sequence[Path], place: Path, out: Path | None) -> list[Path]:
    """Where each is written. Raises S729."""
    if out is None:
        raise ScanlabError.at(
            "S729", "the model gives a class for every voxel, and nothing says where to write it", help="give --out"
        )
    if place.is_dir():
        targets = [out / file.relative_to(place) for file in files]
        refuse_over_inputs(targets, files)
        return targets
    if not out.name.lower().endswith(VOLUMES):
        help = f"let it end in {' or '.join(VOLUMES)}"
        raise ScanlabError.at("S729", f"{out} is no place for the mask of {place.name}", help=help)
    refuse_over_inputs([out], files)
    return [out]


def _row(file: Path, target: Path, predicted: VolumePrediction, names: Sequence[str]) -> dict[str, Any]:
    voxels = np.bincount(predicted.labels.ravel(), minlength=predicted.classes)
    one = predicted.voxel_ml
    called = [names[c] if names else f"class {c}" for c in range(predicted.classes)]
    volumes = {called[c]: round(float(voxels[c]) * one, 6) for c in range(1, predicted.classes)}
    return {"file": file.name, "written": str(target), "millilitres": volumes, "notes": list(predicted.notes)}
