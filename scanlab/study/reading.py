"""How lines of text are learnt: a text reader, its loss, and what is measured of what it reads."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scanlab.data import Dataset
from scanlab.data.parts import PARTS
from scanlab.data.target_kinds import TEXT
from scanlab.data.texts import NO_CHARACTER, text_of_numbers
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text
from scanlab.nn import Backbone, BackboneConfig, TextReader
from scanlab.nn.ctc import needed_steps
from scanlab.nn.embed import halved
from scanlab.study.line_images import Images
from scanlab.study.tasks import task_named
from scanlab.study.text_errors import error_counts
from scanlab.study.transfer import patch_grid
from scanlab.study.trial import Problem, Recipe

__all__ = ["build_reader", "check_lines", "edits_of_lines", "error_rates", "reading_loss"]


def build_reader(steps: str, backbone: Backbone, dataset: Dataset) -> nn.Module:
    """A reader over the data's alphabet."""
    return TextReader(backbone, "".join(dataset.class_names), steps)


def reading_loss(model: nn.Module, images: Sequence[Tensor], targets: Tensor, recipe: Recipe) -> Tensor:
    """`TextReader.loss`; symbols that are not in the alphabet are left out of their texts, and nothing is smoothed."""
    assert isinstance(model, TextReader)
    return model.loss(list(images), [row[row >= 0].tolist() for row in targets])


def error_rates(model: nn.Module, images: Images, targets: Tensor, batch: int) -> dict[str, float]:
    """cer, wer: edits over characters, and over words, of all lines together; exact: the share of lines without one.

    Read by the best alignment of each line. A symbol that is not in the alphabet counts as an error.
    """
    edits, characters, words, count = edits_of_lines(model, images, targets, batch)[1].double().unbind(1)
    return {
        "cer": (edits.sum() / characters.sum()).item(),
        "wer": (words.sum() / count.sum()).item(),
        "exact": (edits == 0).double().mean().item(),
    }


def edits_of_lines(model: nn.Module, images: Images, targets: Tensor, batch: int) -> tuple[str, Tensor]:
    """Of every line what `error_counts` gives, int64 [M, 4]."""
    assert isinstance(model, TextReader)
    read = [text for some in images.split(batch) for text in model.read(some)]
    there = [text_of_numbers(row, model.alphabet, NO_CHARACTER) for row in targets.cpu().numpy()]
    return "edits", torch.from_numpy(error_counts(read, there))


def check_lines(problem: Problem, dataset: Dataset) -> None:
    """Refuse what cannot be learnt of lines, before any training.

    Raises S608 for images that would be mirrored, S670 for inputs that would be changed, and S673 for samples of any
    part that are narrower than a patch, and training samples with fewer steps (columns of patches, or patches) than
    their texts need.
    """
    if dataset.target_kind is not TEXT:
        return
    if moved := [name for name in ("flip", "mirror", "turn", "zoom") if getattr(problem.recipe, name)]:
        what = "mirrored, turned or zoomed text is not what its transcription says"
        raise ScanlabError.at("S608", f"{moved[0]} is set, and {what}", help=f"leave {moved[0]} out of the recipe")
    if problem.transfer:
        changed = f"{problem.transfer[0]!r} would change the images of {dataset.name}"
        raise ScanlabError.at("S670", f"{changed}, whose texts are read as they stand", help="leave transfer out")
    _check_widths(problem.config, dataset)
    pages = task_named(problem.task).learning == "text_pages"
    short = []
    for number in dataset.train:
        text = dataset.labels[number]
        needed = needed_steps(text[text >= 0].tolist())
        grid = _last_grid(problem.config, dataset.images[number].shape[1:])
        steps = math.prod(grid) if pages else grid[1]
        if steps < max(1, needed):
            short.append((number, steps, needed))
    if short:
        number, steps, needed = short[0]
        text = text_of_numbers(dataset.labels[number], dataset.class_names)
        raise ScanlabError.at(
            "S673",
            f"{count_text(len(short), 'training sample')} of {dataset.name} cannot be learnt: number {number}, "
            f"{text!r}, has {count_text(steps, 'step')} and needs {needed}",
            help="choose patches that are less wide, fewer stages, or leave these samples out",
        )


def _check_widths(config: BackboneConfig, dataset: Dataset) -> None:
    for part in PARTS:
        for number in getattr(dataset, part):
            extents = dataset.images[number].shape[1:]
            sides = config.patch_sides(len(extents))
            if any(extent < side for extent, side in zip(extents, sides, strict=True)):
                raise ScanlabError.at(
                    "S673",
                    f"number {number} of {dataset.name}, of the {part} part, has {grid_text(extents)} pixels, and a "
                    f"patch {grid_text(sides)}",
                    help="choose smaller patches, or leave this sample out",
                )


def _last_grid(config: BackboneConfig, extents: tuple[int, ...]) -> tuple[int, ...]:
    """The grid of the last stage."""
    grid = patch_grid(extents, config.patch_sides(len(extents)), config.stride)
    for _ in config.depths[1:]:
        grid = halved(grid)
    return grid
