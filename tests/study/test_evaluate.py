"""A trained model under other scans: rows, what stays as it was, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scanlab.data import Dataset
from scanlab.facade import load as strategy
from scanlab.facade import parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, Segmenter, set_scan
from scanlab.study.evaluate import evaluate, load_classifier, notes, render
from scanlab.zoo import create_model, save, to_official

SIZES = BackboneConfig(dim=16, depth=2, readout="cls", mixer=MixerConfig(convolution="path", parameters="per_path"))


def _model(classes: int = 3) -> Classifier:
    """An untrained model with a read-out that is strong enough for orders to matter."""
    torch.manual_seed(0)
    model = Classifier(Backbone("vim", SIZES, input_size=(8, 8)), classes)
    with torch.no_grad():
        model.head.weight.mul_(30)
    return model.eval()


@pytest.fixture
def dataset() -> Dataset:
    draw = np.random.default_rng(1)
    images = draw.random((90, 1, 8, 8), dtype=np.float32)
    with torch.no_grad():
        labels = _model()(torch.from_numpy(images)).argmax(1).numpy()
    labels[:9] = (labels[:9] + 1) % 3
    labels[30:40] = (labels[30:40] + 1) % 3
    return Dataset("noise", images, labels, np.arange(30), np.arange(30, 90), 3, "made up")


def _scans(*names: str) -> list:
    return [(name, strategy(name)) for name in names]


def test_the_original_and_every_scan_get_a_row(dataset: Dataset) -> None:
    evaluation = evaluate(_model(), _scans("hilbert", "vim"), dataset, batch=7)
    original, hilbert, same = evaluation.rows
    # Ten of the sixty labels of the test part were made wrong.
    assert original.accuracy == pytest.approx(50 / 60)
    assert original.difference is None and original.changed is None
    assert hilbert.difference is not None and hilbert.changed is not None and hilbert.changed > 0
    assert hilbert.difference.difference == pytest.approx(hilbert.accuracy - original.accuracy)
    assert (same.scan, same.accuracy, same.changed) == ("vim", original.accuracy, 0)
    assert same.difference is not None and same.difference.p == 1
    assert hilbert.adjusted_p == pytest.approx(min(1, 2 * hilbert.difference.p))
    assert (evaluation.trained, evaluation.images, evaluation.part) == ("vim", 60, "test")


def test_a_row_is_the_accuracy_of_the_swapped_model(dataset: Dataset) -> None:
    order = parse("by w, ~h")
    [_, row] = evaluate(_model(), [("mine", order)], dataset, batch=64).rows
    with torch.no_grad():
        guesses = set_scan(_model(), order)(torch.tensor(dataset.images[30:])).argmax(1).numpy()
    assert row.accuracy == pytest.approx(np.mean(guesses == dataset.labels[30:]))


def test_the_batch_does_not_matter(dataset: Dataset) -> None:
    first, second = (evaluate(_model(), _scans("hilbert"), dataset, batch=b).rows for b in (1, 60))
    assert [r.accuracy for r in first] == [r.accuracy for r in second]


@pytest.mark.parametrize("part, count, right", [("train", 30, 21), ("test", 60, 50), ("all", 90, 71)])
def test_parts(dataset: Dataset, part: str, count: int, right: int) -> None:
    evaluation = evaluate(_model(), [], dataset, part)
    assert evaluation.images == count
    assert evaluation.rows[0].accuracy == pytest.approx(right / count)


def test_the_model_stays_as_it_was(dataset: Dataset) -> None:
    model, images = _model(), torch.tensor(dataset.images[:5])
    with torch.no_grad():
        before = model(images)
        evaluate(model, _scans("hilbert", "column"), dataset)
        assert torch.equal(model(images), before)
    assert str(model.backbone.strategy) == str(strategy("vim"))


def test_progress_counts_every_image_of_every_scan(dataset: Dataset) -> None:
    calls: list[tuple[str, int, int]] = []
    evaluate(_model(), _scans("row"), dataset, batch=25, progress=lambda *now: calls.append(now))
    assert [done for _, done, _ in calls] == [0, 25, 50, 75, 100, 110, 120]
    assert {total for *_, total in calls} == {120}
    # Every batch is read once, for all scans.
    assert [name for name, *_ in calls] == ["original", *["original", "row"] * 3]


def test_the_right_class_among_the_first_five(dataset: Dataset) -> None:
    assert evaluate(_model(), [], dataset).rows[0].top5 is None
    model = _model(classes=12)
    logits = model(torch.tensor(dataset.images[30:])).detach().numpy()
    order = np.argsort(-logits, axis=1)
    labels = dataset.labels.copy()
    # The right one is the third guess of twenty images, the sixth of ten, and the first of the rest.
    labels[30:] = np.concatenate([order[:20, 2], order[20:30, 5], order[30:, 0]])
    [row] = evaluate(model, [], replace(dataset, labels=labels, classes=12)).rows
    assert (row.accuracy, row.top5) == (pytest.approx(30 / 60), pytest.approx(50 / 60))
    table = render(evaluate(model, _scans("row"), replace(dataset, labels=labels, classes=12)))
    assert [column.header for column in table.columns][1:3] == ["accuracy %", "top 5 %"]


def test_the_table_and_the_notes_say_what_to_beware_of(dataset: Dataset) -> None:
    evaluation = evaluate(_model(classes=5), _scans("row"), dataset)
    assert render(evaluation).row_count == 2
    caution, classes = notes(evaluation)
    assert "trained with vim and never for another order" in caution
    assert classes == "The model knows 5 classes, the data have 3."
    assert notes(evaluate(_model(), [], dataset)) == []


def test_images_of_another_size_are_noted(dataset: Dataset) -> None:
    larger = Dataset("large", np.tile(dataset.images, (1, 1, 2, 2)), dataset.labels, dataset.train, dataset.test, 3, "")
    [sentence] = notes(evaluate(_model(), [], larger))
    assert "16x16" in sentence and "built for 8x8" in sentence


def test_what_does_not_fit_is_refused_before_anything_runs(dataset: Dataset) -> None:
    def refused(code: str, *arguments, **options) -> None:
        calls: list = []
        with pytest.raises(ScanlabError) as caught:
            evaluate(*arguments, progress=lambda *now: calls.append(now), **options)
        assert caught.value.code == code and not calls

    coloured = Dataset(
        "c", np.zeros((2, 3, 8, 8), np.float32), dataset.labels[:2], np.arange(1), np.arange(1, 2), 3, ""
    )
    volumes = Dataset("v", np.zeros((2, 1, 8, 8, 8), np.float32), dataset.labels[:2], np.arange(1), np.arange(1), 3, "")
    nothing = Dataset("n", dataset.images[:2], dataset.labels[:2], np.arange(2), np.arange(0), 3, "")
    refused("S643", _model(classes=2), [], dataset)
    refused("S643", _model(), [], dataset, part="val")
    refused("S643", _model(), [], nothing)
    refused("S614", _model(), [], coloured)
    refused("S614", _model(), [], volumes)
    refused("S602", _model(), [("t", parse("by t, h, w", "t h w"))], dataset)


def test_own_checkpoints(tmp_path: Path, dataset: Dataset) -> None:
    save(_model(), tmp_path / "a.safetensors")
    evaluation = evaluate(load_classifier(tmp_path / "a.safetensors"), [], dataset)
    assert evaluation.rows[0].accuracy == pytest.approx(50 / 60)
    save(Segmenter(Backbone("row", SIZES_MEAN, input_size=(8, 8)), 3), tmp_path / "s.safetensors")
    with pytest.raises(ScanlabError, match=r"S643.*Segmenter"):
        load_classifier(tmp_path / "s.safetensors")


SIZES_MEAN = BackboneConfig(dim=16, depth=1)


def test_a_scan_without_a_name_is_shown_as_its_line(tmp_path: Path, dataset: Dataset) -> None:
    save(Classifier(Backbone("by h, ~w", SIZES_MEAN, input_size=(8, 8)), 3), tmp_path / "a.safetensors")
    evaluation = evaluate(load_classifier(tmp_path / "a.safetensors"), [], dataset)
    assert "by h, ~w" in evaluation.trained and "layers" not in evaluation.trained


def test_official_checkpoints(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = create_model("vim_tiny", classes=4, channels=1, input_size=(32, 48)).eval()
    torch.save({"model": to_official(model), "epoch": 3}, tmp_path / "a.pth")
    read = load_classifier(tmp_path / "a.pth", "vim_tiny", 4, 1, (32, 48))
    images = torch.rand(2, 1, 32, 48)
    with torch.no_grad():
        assert torch.equal(read(images), model(images))
    with pytest.raises(ScanlabError, match=r"S611(.|\n)*head.weight"):
        load_classifier(tmp_path / "a.pth", "vim_tiny", 5, 1, (32, 48))
    with pytest.raises(ScanlabError, match="S616"):
        load_classifier(tmp_path / "a.pth")
    with pytest.raises(ScanlabError, match=r"S617.*vim_teeny"):
        load_classifier(tmp_path / "a.pth", "vim_teeny")


def test_classes_go_by_their_names_where_model_and_data_have_them(dataset: Dataset) -> None:
    model = _model()
    model.class_names = ("cat", "dog", "hen")
    cats_last = np.array([2, 0, 1])
    renamed = replace(dataset, labels=cats_last[dataset.labels], class_names=("dog", "hen", "cat"))
    by_name = evaluate(model, [], renamed)
    assert by_name.rows[0].accuracy == pytest.approx(50 / 60)
    assert "by their names" in " ".join(notes(by_name))
    by_number = evaluate(model, [], replace(dataset, class_names=("Katze", "Hund", "Huhn")))
    assert by_number.rows[0].accuracy == pytest.approx(50 / 60)
    assert "by their numbers: the data call them Katze, Hund, Huhn" in " ".join(notes(by_number))
    assert not notes(evaluate(model, [], replace(dataset, class_names=model.class_names)))
    some = dataset.labels != 0
    without = np.flatnonzero(some)
    fewer = replace(dataset, images=dataset.images[without], labels=dataset.labels[without] - 1, classes=2)
    fewer = replace(fewer, train=np.arange(1), test=np.arange(1, len(without)), class_names=("dog", "hen"))
    right = (model(torch.from_numpy(fewer.images[1:])).argmax(1).numpy() == fewer.labels[1:] + 1).mean()
    assert evaluate(model, [], fewer).rows[0].accuracy == pytest.approx(right) and right > 0.5
    with pytest.raises(ScanlabError, match=r"S643.*has the classes cow"):
        evaluate(model, [], replace(dataset, class_names=("cat", "dog", "cow")))


def test_numbers_that_are_none_are_no_right_answers(tmp_path: Path, dataset: Dataset) -> None:
    model = _model()
    images = np.array(dataset.images)
    images[37] = np.nan
    broken = replace(dataset, images=images)
    with pytest.raises(ScanlabError, match=r"S870.*image 7 of noise is NaN"):
        evaluate(model, [], broken)
    with torch.no_grad():
        model.head.bias[1] = np.inf
    save(model, tmp_path / "a.safetensors")
    with pytest.raises(ScanlabError, match=r"S870.*a\.safetensors holds numbers .* in head\.bias"):
        load_classifier(tmp_path / "a.safetensors")
