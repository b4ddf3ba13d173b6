"""Trainings on data of every source that can be left unread: the losses are those of the same data in memory."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data.lazy import LazyImages
from scanlab.study import runner, study_of, with_options
from scanlab.study.engines.local import Processes
from scanlab.study.train import train_trial

TINY = {"strategies": ["row"], "controls": [], "seeds": 1, "size": [8, 8]}
TINY |= {"model.dim": 8, "model.depth": 1, "model.patch": 4, "recipe.epochs": 2, "recipe.shift": 1, "recipe.batch": 5}

CODE = """
import numpy as np
from PIL import Image

PIXELS = np.random.RandomState(0).randint(0, 256, (24, 9, 11)).astype(np.uint8)

class Photographs:
    targets = [n % 2 for n in range(24)]

    def __len__(self):
        return 24

    def __getitem__(self, number):
        return Image.fromarray(PIXELS[number]), self.targets[number]

def make():
    return {"train": Photographs(), "test": Photographs()}
"""


def assert_trainings_alike(name: str) -> None:
    kept, lazy = (data.load(name, size="8x8", lazy=lazy) for lazy in (False, True))
    assert isinstance(lazy.images, LazyImages) and not isinstance(kept.images, LazyImages)
    [trial] = study_of(with_options(None, TINY | {"dataset": name})).trials()
    first, second = train_trial(trial, kept), train_trial(trial, lazy)
    assert [epoch.loss for epoch in first.epochs] == [epoch.loss for epoch in second.epochs]
    assert first.final == second.final
    assert np.array_equal(first.predictions.values, second.predictions.values)


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_photographs.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "my_photographs:make"
    sys.modules.pop("my_photographs", None)


def test_tar_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scanlab.data.shard_index.user_caches", lambda: tmp_path / "caches")
    draw = np.random.RandomState(0)
    for name, count in (("train-0", 9), ("train-1", 8), ("test-0", 5)):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as tar:
            for number in range(count):
                picture = io.BytesIO()
                Image.fromarray(draw.randint(0, 256, (9, 11), np.uint8)).save(picture, "PNG")
                for kind, content in (("png", picture.getvalue()), ("cls", f"{number % 2}".encode())):
                    info = tarfile.TarInfo(f"{number}.{kind}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    assert_trainings_alike(f"{tmp_path}/train-{{0..1}}.tar::{tmp_path}/test-0.tar")


def test_hugging_face(tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    draw = np.random.RandomState(0)
    pictures = [Image.fromarray(draw.randint(0, 256, (9, 11), np.uint8)) for _ in range(24)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    rows = {"image": pictures, "label": [n % 2 for n in range(24)]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "kept")
    assert_trainings_alike(f"hf:{tmp_path}/kept")


def test_torch_data_sets(photographs: str):
    assert_trainings_alike(photographs)


def test_workers_read_torch_data_sets_by_their_path(photographs: str, tmp_path: Path):
    losses = []
    for engine, lazy in ((None, False), (Processes(1), True)):
        study = study_of(with_options(None, TINY | {"dataset": photographs, "lazy": lazy}))
        record = runner.run_study(study, tmp_path / f"out{lazy}", engine=engine)
        [trial] = record.trials.values()
        assert trial.status == "done", trial.error
        losses.append([epoch.loss for epoch in trial.epochs])
    assert losses[0] == losses[1]
