"""What the state of a trained model remembers of a person's image: shares for the player, maps, and what was done.

A worker process does this, and loads torch when it is asked; models are kept from one question to the next.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scanlab.compiler.bind import bind
from scanlab.explorer.renderers.markup import figure, note, paragraph, section
from scanlab.explorer.snapshot import Snapshot, Subject
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.view.heat import map_svg

if TYPE_CHECKING:
    from torch import Tensor, nn

    from scanlab.nn import StateReading
    from scanlab.view.scene import PathScene

__all__ = ["MOST_STEPS", "Facts", "States", "find_models", "read_facts", "read_states"]

# Beyond so many steps of a path the states at all of them are more than a page holds.
MOST_STEPS = 576
MOST_MODELS = 100
SUFFIXES = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True)
class Facts:
    """Of a model: channels and extents of its images; grids: of every layer with paths; strategy: its own."""

    channels: int
    extents: tuple[int, ...]
    grids: tuple[tuple[int, ...], ...]
    strategy: str


@dataclass(frozen=True)
class States:
    """html: for the pane; remembered: for the player, number of a scene and base64 of its shares, float32 [P, P]."""

    html: str
    remembered: tuple[tuple[int, str], ...] = ()


def find_models(roots: Sequence[Path]) -> list[Path]:
    """Files that may hold models in folders, two levels deep, sorted."""
    files = {
        file
        for root in roots
        for pattern in ("*", "*/*", "*/*/*")
        for file in root.glob(pattern)
        if file.suffix in SUFFIXES and not any(part.startswith(".") for part in file.relative_to(root).parts)
    }
    return sorted(files)[:MOST_MODELS]


def read_facts(file: Path) -> Facts:
    """What a page must know of a model before it sends an image. Raises what loading raises, and S616."""
    from scanlab.nn.backbone import backbone_of

    model = _model(file, file.stat().st_mtime_ns)
    backbone = backbone_of(model)
    extents = tuple(backbone.input_size)
    grids = tuple(grid for _, grid in backbone.block_grids(extents))
    return Facts(backbone.channels, extents, grids, backbone.strategy.name or str(backbone.strategy))


def read_states(snapshot: Snapshot, file: Path, layer: int, picture: bytes) -> States:
    """What a layer of a model has in its state at every patch of every path that is shown on the layer's grid.

    A strategy that is not the model's own takes its place, all weights as they are. picture: of a file that a browser
    made. Raises S616 for a model without a backbone, S635 for one of no pictures, S848 and S849 of `state_readings`.
    """
    import torch

    from scanlab.nn.backbone import backbone_of

    torch.set_num_threads(1)
    model = _model(file, file.stat().st_mtime_ns)
    backbone = backbone_of(model)
    grids = [grid for _, grid in backbone.block_grids(tuple(backbone.input_size))]
    if not 0 <= layer < len(grids):
        has = count_text(len(grids), "layer")
        raise ScanlabError.at("S849", f"there is no layer {layer}: {file.name} has {has}", help="layers count from 0")
    image, done = _image(model, picture, backbone.channels, tuple(backbone.input_size))
    remembered, parts, number = [], [], 0
    for subject in snapshot.subjects:
        shown = list(_subject_states(subject, model, image, layer, grids[layer]))
        remembered += [(number + at, _packed(reading, path)) for at, reading, path in shown]
        parts.append(_section(subject, backbone, shown, grids[layer]))
        number += len(subject.scenes)
    head = paragraph(f"Layer {layer} of {len(grids)}, on {grid_text(grids[layer])} patches. {done}")
    return States(head + "".join(parts), tuple(remembered))


def _subject_states(
    subject: Subject, model: nn.Module, image: Tensor, layer: int, grid: tuple[int, ...]
) -> Iterator[tuple[int, StateReading, int]]:
    """Scenes of a strategy by their places, each with the reading that it is of and its path there."""
    from scanlab.nn import state_readings

    if subject.grid != grid or max((scene.length for scene in subject.scenes), default=0) > MOST_STEPS:
        return
    readings = state_readings(_along(model, subject), image, layer)
    left = [(reading, path) for reading in readings for path in reading.paths.unique().tolist()]
    for at, scene in enumerate(subject.scenes):
        match = next((entry for entry in left if _is_of(entry, scene)), None)
        if match is not None:
            left.remove(match)
            yield at, *match


def _is_of(entry: tuple[StateReading, int], scene: PathScene) -> bool:
    reading, path = entry
    rows = reading.rows[(reading.paths == path) & (reading.rows < reading.patches)].numpy()
    return np.array_equal(rows, scene.indices)


def _along(model: nn.Module, subject: Subject) -> nn.Module:
    """The model with a strategy in the place of its own, where it is another; a copy, so that it stays."""
    from copy import deepcopy

    from scanlab.nn import set_scan
    from scanlab.nn.backbone import backbone_of

    return model if _is_own(subject, backbone_of(model)) else set_scan(deepcopy(model), subject.value)


def _is_own(subject: Subject, backbone: Any) -> bool:
    """Whether a strategy has the paths that the model was trained with, whatever both are called."""
    own = bind(backbone.strategy, subject.grid) if len(backbone.strategy.axes) == len(subject.grid) else None
    ours, theirs = ([path for scan in bound.scans for path in scan.paths] if bound else [] for bound in (own, subject))
    return len(ours) == len(theirs) and all(
        np.array_equal(a.indices, b.indices) and np.array_equal(a.restarts, b.restarts)
        for a, b in zip(ours, theirs, strict=True)
    )


def _packed(reading: StateReading, path: int) -> str:
    return base64.b64encode(reading.shares(path).numpy().astype("<f4").tobytes()).decode("ascii")


def _section(subject: Subject, backbone: Any, shown: list[tuple[int, StateReading, int]], grid: tuple[int, ...]) -> str:
    if not shown:
        why = f"it is drawn on {grid_text(subject.grid)}, and the layer has {grid_text(grid)}"
        if subject.grid == grid:
            why = f"a path has more than {MOST_STEPS:,} steps, or none that the layer reads"
        return section(subject.name, note(f"Not looked into: {why}."))
    replaced = "in the place of the order that the model was trained with; its weights stay"
    about = "the model's own order" if _is_own(subject, backbone) else replaced
    figures = []
    for at, reading, _ in shown:
        label = subject.scenes[at].label
        maps = {"step size (mean delta)": reading.step_sizes(), "written to the state": reading.written()}
        for words, values in maps.items():
            picture = map_svg(values.numpy().reshape(grid), f"{label}: {words}")
            figures.append(figure(picture, label, words, f"0 to {float(values.max()):.3g}"))
    return section(subject.name, f'<div class="fields">{"".join(figures)}</div>', about=about)


@lru_cache(maxsize=2)
def _model(file: Path, changed: int) -> nn.Module:
    from scanlab.zoo.pretrained import read_model

    return read_model(file)


def _image(model: nn.Module, picture: bytes, channels: int, extents: tuple[int, ...]) -> tuple[Tensor, str]:
    """The picture as the model reads it, and what was done to it."""
    import torch
    from PIL import Image

    from scanlab.zoo import preprocessing

    if len(extents) != 2 or channels not in (1, 3):
        reads = f"{count_text(channels, 'channel')} over {count_text(len(extents), 'axis')}"
        raise ScanlabError.at("S635", f"the model reads {reads}, which a picture is not", help="take one of images")
    opened = Image.open(io.BytesIO(picture)).convert("L" if channels == 1 else "RGB")
    rows, columns = extents
    opened = opened.resize((columns, rows), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(opened)).float().div(255).reshape(*extents, channels).permute(2, 0, 1)
    done = f"Of the image: the middle, resized to {grid_text(extents)}"
    done += ", grey" if channels == 1 else ""
    try:
        prepare = preprocessing(model)
    except ScanlabError:
        return pixels[None], f"{done}, in [0, 1]."
    return prepare.normalised(pixels)[None], f"{done}, {prepare.shift}."
