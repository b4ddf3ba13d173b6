"""ADE20K's scene parsing as it is downloaded, in memory and read as it is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data.dataset import IGNORED
from scanlab.data.lazy import LazyImages
from scanlab.data.lazy_masks import LazyMasks
from scanlab.data.notes import notes_of
from scanlab.study import study_of, with_options
from scanlab.study.train import train_trial

NAMES = ("wall", "building, edifice", "sky")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root, draw = tmp_path / "ADEChallengeData2016", np.random.RandomState(0)
    for part, count in (("training", 6), ("validation", 3)):
        for kind in ("images", "annotations"):
            (root / kind / part).mkdir(parents=True)
        for number in range(count):
            pixels = draw.randint(0, 255, (12, 16, 3), np.uint8)
            Image.fromarray(pixels).save(root / "images" / part / f"ADE_{part[:5]}_{number:08}.jpg")
            mask = draw.randint(0, 4, (12, 16)).astype(np.uint8)
            Image.fromarray(mask).save(root / "annotations" / part / f"ADE_{part[:5]}_{number:08}.png")
    rows = ["Idx\tRatio\tTrain\tVal\tStuff\tName", *(f"{n}\t0.1\t1\t1\t1\t{name}" for n, name in enumerate(NAMES, 1))]
    (root / "objectInfo150.txt").write_text("\n".join(rows) + "\n")
    return root


def test_other_things_count_nowhere_and_classes_have_names(folder: Path):
    kept, lazy = (data.load(str(folder), size="8x8", lazy=lazy) for lazy in (False, True))
    assert isinstance(lazy.images, LazyImages) and not isinstance(kept.images, LazyImages)
    assert isinstance(lazy.labels, LazyMasks) and np.array_equal(np.stack(list(lazy.labels)), kept.labels)
    assert np.array_equal(np.stack(list(lazy.images)), kept.images)
    assert kept.class_names == ("other", "wall", "building", "sky")
    assert sorted(np.unique(kept.labels).tolist()) == [1, 2, 3, IGNORED] and kept.ignoring
    assert (len(kept.train), len(kept.test)) == (len(lazy.train), len(lazy.test)) == (6, 3)
    assert any("0 in masks is everything else" in text for text in notes_of(lazy)["mapped"])


def test_a_training_on_lazy_images_is_that_in_memory(folder: Path):
    options = {"dataset": str(folder), "size": [8, 8], "strategies": ["row"], "controls": [], "seeds": 1}
    options |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 1, "recipe.shift": 1}
    losses = []
    for lazy in (False, True):
        [trial] = study_of(with_options(None, options | {"lazy": lazy})).trials()
        result = train_trial(trial, data.load(str(folder), size="8x8", lazy=lazy))
        losses.append((result.epochs[0].loss, result.final["dice"]))
    assert losses[0] == losses[1]
