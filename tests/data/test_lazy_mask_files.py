"""Masks of pictures on disk: what is read of them is what is read of them all at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data.dataset import IGNORED
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.notes import notes_of
from scanlab.data.samples import samples
from scanlab.data.summary import dataset_summary
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import study_of, with_options
from scanlab.study.train import train_trial

COUNT, SIDE = 12, 16
COLOURS = np.array([[0, 0, 0], [250, 0, 0], [0, 250, 0], [0, 0, 250]], np.uint8)


def palette(mask: np.ndarray, number: int) -> Image.Image:
    """Of the colours above, in another order in every file."""
    order = [0, *(1 + (number + np.arange(3)) % 3)]
    image = Image.fromarray(np.argsort(order).astype(np.uint8)[mask], "P")
    image.putpalette(COLOURS[order].tobytes())
    return image


KINDS = {
    "numbers": lambda mask, number: Image.fromarray(mask),
    "255 for nothing": lambda mask, number: Image.fromarray(np.where(mask == 3, 255, mask).astype(np.uint8)),
    "levels": lambda mask, number: Image.fromarray(np.array([0, 127, 255, 0], np.uint8)[mask]),
    "colours": lambda mask, number: Image.fromarray(COLOURS[mask]),
    "palettes": palette,
}


def made(folder: Path, kind: str) -> str:
    draw = np.random.RandomState(0)
    for number in range(COUNT):
        for part, image in (
            ("images", Image.fromarray(draw.randint(0, 255, (SIDE, SIDE, 3), np.uint8))),
            ("masks", KINDS[kind](draw.randint(0, 4, (SIDE, SIDE)).astype(np.uint8), number)),
        ):
            (folder / part).mkdir(parents=True, exist_ok=True)
            image.save(folder / part / f"{number:02}.png")
    return str(folder)


@pytest.mark.parametrize("size", [None, "8x8"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_mask_is_that_in_memory_and_all_that_is_said_of_them(tmp_path: Path, kind: str, size: str | None):
    kept, lazy = (data.whole(made(tmp_path / kind, kind), size, lazy=lazy) for lazy in (False, True))
    assert isinstance(lazy.labels, LazyMasks) and lazy.labels.shape == kept.labels.shape
    assert all(map(np.array_equal, lazy.labels, kept.labels))
    assert all(map(np.array_equal, lazy.labels[[4, 1]], kept.labels[[4, 1]]))
    one, other = (dataset_summary(dataset) for dataset in (kept, lazy))
    for name in ("classes", "train", "test", "train per class", "train share of pixels", "test share of pixels"):
        assert one[name] == other[name], name
    assert notes_of(kept).get("mapped") == notes_of(lazy).get("mapped") and kept.ignoring == lazy.ignoring
    for first, second in zip(samples(kept, 2, 2, 1), samples(lazy, 2, 2, 1), strict=True):
        assert np.array_equal(first.masks, second.masks) and first.number == second.number


@pytest.mark.parametrize(
    "recipe", [{"recipe.flip": True, "recipe.zoom": 0.2}, {"recipe.shift": 2, "transfer": ["rotate 90"]}]
)
def test_a_training_gives_the_numbers_of_one_in_memory(tmp_path: Path, recipe: dict):
    folder = made(tmp_path, "255 for nothing")
    options = {"dataset": folder, "strategies": ["row"], "controls": [], "seeds": 1, "task": "segmentation"}
    options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 2, "recipe.batch": 3, **recipe}
    results = []
    for lazy, loaders in ((False, 2), (True, 2), (True, 0)):
        [trial] = study_of(with_options(None, options | {"lazy": lazy})).trials()
        results.append(train_trial(trial, data.load(folder, lazy=lazy, loaders=loaders)))
    for result in results[1:]:
        assert [(e.loss, e.metrics) for e in result.epochs] == [(e.loss, e.metrics) for e in results[0].epochs]
        assert np.array_equal(result.predictions.values, results[0].predictions.values, equal_nan=True)
        assert result.transfer == results[0].transfer


def test_masks_are_read_by_the_threads_that_read_ahead_and_their_content_is_what_they_are_known_by(tmp_path: Path):
    folder = made(tmp_path, "numbers")
    dataset = data.load(folder, lazy=True, loaders=2)
    known, readers = dataset.fingerprint, set()

    def read(number: int) -> np.ndarray:
        readers.add(threading.current_thread().name)
        return dataset.labels.read(number)

    [trial] = study_of(
        with_options(
            None,
            {"dataset": folder, "lazy": True, "strategies": ["row"], "controls": [], "seeds": 1, "model.patch": 4}
            | {"model.dim": 8, "model.depth": 1, "recipe.epochs": 1},
        )
    ).trials()
    train_trial(trial, replace(dataset, labels=replace(dataset.labels, read=read)))
    assert readers and all(name.startswith("loader") for name in readers)
    mask = np.asarray(Image.open(tmp_path / "masks" / "05.png")).copy()
    mask[0, 0] = (mask[0, 0] + 1) % 4
    Image.fromarray(mask).save(tmp_path / "masks" / "05.png")
    assert data.load(folder, lazy=True).fingerprint != known
    assert data.load(folder, lazy=True, limit=4).fingerprint != data.load(folder, lazy=True).fingerprint


def test_a_mask_that_is_damaged_later_counts_as_its_picture(tmp_path: Path):
    folder = made(tmp_path, "numbers")
    options = {"dataset": folder, "strategies": ["row"], "controls": [], "seeds": 1, "unreadable": 1}
    options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1, "lazy": True}
    [trial] = study_of(with_options(None, options)).trials()
    dataset = data.load(folder, lazy=True, unreadable=1)
    file = tmp_path / "masks" / f"{int(dataset.images.numbers[dataset.train[0]]):02}.png"
    file.write_bytes(file.read_bytes()[:-40])
    result = train_trial(trial, dataset)
    assert result.unreadable["training"] == 1 and file.name in result.unreadable["first"]
    with pytest.raises(ScanlabError, match=file.name):
        data.load(folder, lazy=True)


def test_a_value_of_no_class_is_held_apart(tmp_path: Path):
    lazy = data.whole(made(tmp_path, "255 for nothing"), lazy=True)
    assert lazy.labels.values().tolist() == [0, 1, 2, IGNORED] and lazy.class_numbers().tolist() == [0, 1, 2]
