"""Images that cannot be read while others are: left out, counted, up to a limit."""

from __future__ import annotations

import io
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from scanlab import data
from scanlab.cli.app import app
from scanlab.data.unreadable import Unreadable
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study import runner, study_of, with_options
from scanlab.study.checkpoint import InMemory, Progress
from scanlab.study.left_wording import left_sentence
from scanlab.study.report.sections import data_notes
from scanlab.study.train import train_model, train_trial
from scanlab.study.training_run import ALONE, TrainingRun, World

TINY = {"strategies": ["row"], "controls": [], "seeds": 1, "model.dim": 8, "model.depth": 1, "model.patch": 4}
TINY |= {"recipe.epochs": 2, "recipe.batch": 6}
BAD = ("train/a/2.png", "train/b/7.png", "val/b/1.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty grey pictures to train on and eight to measure on, three of them damaged."""
    draw = np.random.RandomState(0)
    for part, count in (("train", 10), ("val", 4)):
        for name in ("a", "b"):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = draw.randint(0, 255, (8, 8), np.uint8)
                Image.fromarray(pixels).save(tmp_path / "set" / part / name / f"{number}.png")
    for name in BAD:
        file = tmp_path / "set" / name
        # Its head is whole, and its pixels are not.
        file.write_bytes(file.read_bytes()[:-40])
    return tmp_path / "set"


def trial_of(folder: Path, **options):
    study = study_of(with_options(None, TINY | {"dataset": str(folder), "lazy": True, "unreadable": 3} | options))
    return study.trials()[0]


def loaded(folder: Path, loaders: int = 2, unreadable: int = 3) -> data.Dataset:
    return data.load(str(folder), lazy=True, loaders=loaders, unreadable=unreadable)


def test_what_is_damaged_is_left_out_and_said(folder: Path):
    trial, dataset = trial_of(folder), loaded(folder)
    result = train_trial(trial, dataset)
    said = result.unreadable
    assert (said["training"], said["measured"]) == (2, 1) and "train/a/2.png cannot be read" in said["first"]
    assert left_sentence(said).startswith("2 images to train on and 1 image to measure on could not be read and were")
    assert len(result.predictions.values) == 7 and "but for" in result.predictions.samples
    without = train_trial(trial, loaded(folder, loaders=0))
    assert [e.loss for e in without.epochs] == [e.loss for e in result.epochs] and without.final == result.final
    assert without.unreadable == said


def test_the_rest_is_learned_and_measured_as_if_it_was_alone(folder: Path):
    """One batch of all: its loss is the mean over what could be read, and so are the metrics after it."""
    trial = trial_of(folder, **{"recipe.batch": 20, "recipe.epochs": 1, "recipe.learning_rate": 1e-12})
    result = train_trial(trial, loaded(folder))
    for name in BAD:
        (folder / name).unlink()
    alone = train_trial(trial, loaded(folder, unreadable=0))
    assert result.epochs[0].loss == pytest.approx(alone.epochs[0].loss, rel=1e-5)
    assert result.final["auc"] == pytest.approx(alone.final["auc"]) and alone.unreadable == {}


@pytest.mark.parametrize("source", ["folder", "shards"])
def test_a_picture_without_a_head_is_left_out_as_others_are(folder: Path, tmp_path: Path, source: str):
    """Of a small set all pictures are looked into before anything is read, be it for their size alone."""
    for name in ("train/a/0.png", BAD[0]):
        (folder / name).write_bytes(b"")
    given = folder if source == "folder" else shards_of(folder, tmp_path / "shards")
    trial = trial_of(given, unreadable=4)
    assert train_trial(trial, loaded(given, unreadable=4)).unreadable["training"] == 3
    with pytest.raises(ScanlabError, match="S644"):
        trial_of(given, unreadable=1)
    with pytest.raises(ScanlabError, match="S644"):
        data.load(str(given), lazy=True)
    for file in (folder / "train").rglob("*.png"):
        file.write_bytes(b"")
    for file in (folder / "val").rglob("*.png"):
        file.write_bytes(b"")
    given = folder if source == "folder" else shards_of(folder, tmp_path / "others")
    with pytest.raises(ScanlabError, match="S644"):
        trial_of(given, unreadable=99)


def shards_of(folder: Path, place: Path) -> Path:
    """The same files, a shard for each part."""
    place.mkdir()
    for part in ("train", "val"):
        with tarfile.open(place / f"{part}-000.tar", "w") as shard:
            for number, file in enumerate(sorted((folder / part).rglob("*.png"))):
                for ending, content in (
                    ("png", file.read_bytes()),
                    ("cls", str("ab".index(file.parent.name)).encode()),
                ):
                    member = tarfile.TarInfo(f"{number:04}.{ending}")
                    member.size = len(content)
                    shard.addfile(member, io.BytesIO(content))
    return place


def test_going_on_gives_the_same_numbers(folder: Path):
    trial, dataset = trial_of(folder), loaded(folder)
    whole = train_trial(trial, dataset)
    place = InMemory()

    class StopError(Exception):
        pass

    def stop(number: int, _) -> None:
        raise StopError

    with pytest.raises(StopError):
        train_model(trial, dataset, stop, checkpoint=place)
    assert place.content
    gone_on = train_trial(trial, dataset, checkpoint=place)
    assert [e.loss for e in gone_on.epochs] == [e.loss for e in whole.epochs]
    assert gone_on.final == whole.final and gone_on.unreadable == whole.unreadable
    # Nor does the record forget it where no epoch is left to train.
    again = train_trial(trial, dataset, checkpoint=place)
    assert again.unreadable == whole.unreadable and again.predictions.samples == whole.predictions.samples


@pytest.mark.parametrize("mixup", [0.0, 0.8])
def test_processes_leave_out_what_one_does(folder: Path, mixup: float):
    """A step of all images by two processes, in threads here: both know the loss and the counts of one."""
    trial, dataset = trial_of(folder, **{"recipe.batch": 20, "recipe.mixup": mixup}), loaded(folder)
    barrier, parts = threading.Barrier(2), [torch.zeros(()), torch.zeros(())]

    def total_of(rank: int, value: torch.Tensor) -> torch.Tensor:
        parts[rank] = value
        barrier.wait()
        total = parts[0] + parts[1]
        barrier.wait()
        return total

    def epoch(run: TrainingRun) -> tuple[float, int, int]:
        loss = run.epoch(Progress()).epochs[0].loss
        return loss, run.unreadable()["training"], run.unreadable()["measured"]

    worlds = (ALONE, *(World(rank, 2, total=partial(total_of, rank)) for rank in range(2)))
    # One by one: torch's generator, by which weights are drawn, is that of all threads.
    alone, *both = [TrainingRun.begun(trial, dataset, "cpu", world) for world in worlds]
    one = epoch(alone)
    with ThreadPoolExecutor(2) as pool:
        two = list(pool.map(epoch, both))
    assert two[0] == two[1] and two[0][1:] == one[1:] == (2, 1)
    assert two[0][0] == pytest.approx(one[0], rel=1e-5)


def test_more_than_may_be_is_an_error_that_names_a_file(folder: Path):
    with pytest.raises(ScanlabError, match=r"(?s)\.png cannot be read.*3 images cannot be read, and 2 may be left out"):
        train_trial(trial_of(folder), loaded(folder, unreadable=2))
    with pytest.raises(ScanlabError, match=r"\.png cannot be read") as raised:
        train_trial(trial_of(folder), loaded(folder, unreadable=0))
    assert not raised.value.diagnostics[0].note


def test_what_is_measured_on_must_be_there(folder: Path):
    for file in (folder / "val").rglob("*.png"):
        file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ScanlabError, match="of what is measured on nothing can be read"):
        train_trial(trial_of(folder), loaded(folder, unreadable=20))


def test_a_study_and_its_report_say_it(folder: Path, tmp_path: Path):
    study = study_of(with_options(None, TINY | {"dataset": str(folder), "unreadable": 3}))
    record = runner.run_study(study, tmp_path / "out")
    [(_, notes)] = data_notes(record)
    assert any(kind == "left out" and "could not be read and were left out" in text for kind, text in notes)
    words = [w for key, value in TINY.items() if "." in key for w in (f"{key}={value}",)]
    command = ["train", "-s", "row", "--data", str(folder), "--out", str(tmp_path / "one"), "unreadable=3", *words]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "160", "NO_COLOR": "1"})
    assert done.exit_code == 0 and "2 images to train on and 1 image to measure on could not be read" in done.output


def test_images_that_are_all_read_at_first_must_be_whole(folder: Path):
    with pytest.raises(ScanlabError, match=r"S608.*none may be unreadable"):
        data.load(str(folder), lazy=False, unreadable=1)
    with pytest.raises(ScanlabError, match=r"S608.*unreadable is -1"):
        data.load(str(folder), unreadable=-1)
    with pytest.raises(ScanlabError, match="S830"):
        data.load("digits", unreadable=1)


def test_an_image_counts_once():
    left = Unreadable(most=1)
    for _ in range(2):
        left.note(3, ScanlabError.at("S644", "c.png is damaged"))
    left.add({3: ""})
    assert left.why == {3: "c.png is damaged"}
    with pytest.raises(ScanlabError, match="S644"):
        left.add({4: ""})
