"""Lines of text in studies: trained, measured, judged line by line, and refused where nothing can be learnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scanlab.compiler.bind import bind
from scanlab.data import Dataset, load
from scanlab.data.ragged import RaggedImages
from scanlab.data.target_kinds import TEXT
from scanlab.data.texts import numbers_of_texts
from scanlab.facade import as_value, parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import BackboneConfig, MixerConfig, TextReader
from scanlab.nn.measure import parameter_count
from scanlab.study.checkpoint import InMemory
from scanlab.study.learning import learning_of
from scanlab.study.line_images import LineImages, images_of, of_one_size, shifted_each
from scanlab.study.predictions import Predictions
from scanlab.study.reading import check_lines, edits_of_lines
from scanlab.study.tasks import task_named
from scanlab.study.train import initial_model, train_model, train_trial
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial
from scanlab.study.work import one_thread

CONFIG = BackboneConfig(patch=(8, 4), dim=16, depth=1, positions="none", mixer=MixerConfig(state=2, head=4))
RECIPE = Recipe(epochs=2, batch=4, shift=1)
LETTERS = "ab c"


@pytest.fixture(autouse=True)
def threads():
    """As workers train."""
    with one_thread():
        yield


def lines(count: int = 12, outside: str = "") -> Dataset:
    """Every letter is a bar of its own height, 12 pixels wide, between gaps."""
    draw = np.random.RandomState(0)
    texts, images = [], []
    for number in range(count):
        text = "".join(draw.choice(list("abc"), draw.randint(2, 5)))
        text = text[:1] + " " + text[1:] if number % 2 else text
        image = np.zeros((1, 16, 12 * len(text) + draw.randint(4)), np.float32)
        for place, letter in enumerate(text):
            image[0, : 4 * LETTERS.replace(" ", "").find(letter) + 4 if letter != " " else 0, 12 * place + 2 :][
                :, :8
            ] = 1
        texts.append(text + (outside if number == count - 1 else ""))
        images.append(image)
    train = np.arange(count - 4)
    alphabet, numbers = numbers_of_texts(texts, train)
    parts = train, np.arange(count - 4, count)
    made = Dataset("lines", RaggedImages.of(images), numbers, *parts, len(alphabet), "made up", targets=TEXT)
    return replace(made, class_names=tuple(alphabet))


def trial(dataset: Dataset, control=None, **changes) -> Trial:
    height, width = dataset.extents
    grid = (height // 8, -(-width // 4))
    plan = bind(as_value("sum(column, -column)", grid), grid)
    problem = Problem("p", DataChoice(), "text_lines", dataset.fingerprint, (("columns", plan),), CONFIG, RECIPE)
    return Trial(replace(problem, **changes), plan, 0, control)


def test_lines_are_learnt_and_measured() -> None:
    dataset = lines(40)
    result = train_trial(trial(dataset, recipe=Recipe(epochs=12, batch=4, learning_rate=2e-2)), dataset)
    assert sorted(result.final) == ["cer", "exact", "wer"]
    # Untrained, nearly nothing is read: all characters are missing.
    assert result.final["cer"] < 0.35
    assert result.epochs[-1].loss < result.epochs[0].loss / 2
    assert result.field and result.flops


def test_lines_of_one_size_are_lines_all_the_same() -> None:
    dataset = lines()
    images = np.stack([np.pad(image, ((0, 0), (0, 0), (0, 60)))[..., :60] for image in dataset.images])
    result = train_trial(trial(replace(dataset, images=images)), replace(dataset, images=images))
    assert np.isfinite(result.final["cer"])


def test_what_is_kept_of_every_line_gives_the_rates() -> None:
    dataset = lines()
    result = train_trial(trial(dataset), dataset)
    kept = result.predictions
    assert kept is not None and kept.kind == "edits" and kept.values.shape == (4, 4)
    for metric in ("cer", "wer"):
        scores = kept.scores(metric)
        assert scores is not None and scores.mean() == pytest.approx(result.final[metric])
    assert kept.scores("exact") is None


def test_a_trial_goes_on_where_it_was_left() -> None:
    dataset, place = lines(), InMemory()
    whole = train_trial(trial(dataset), dataset)

    def stop(number, _):
        if number == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_trial(trial(dataset), dataset, stop, checkpoint=place)
    again = train_trial(trial(dataset), dataset, checkpoint=place)
    assert [(e.loss, e.metrics) for e in again.epochs] == [(e.loss, e.metrics) for e in whole.epochs]


def test_a_symbol_outside_the_alphabet_is_an_error_that_training_survives() -> None:
    dataset = lines(outside="ſ")
    assert (dataset.labels == -2).sum() == 1
    model, result = train_model(trial(dataset), dataset)
    assert isinstance(model, TextReader) and "ſ" not in model.alphabet
    assert result.predictions is not None and result.predictions.values[-1, 0] >= 1
    # Of a part drawn anew such a line can come to be learned from.
    images, targets = images_of(dataset.images, np.arange(8, 12), "cpu"), torch.tensor(dataset.labels[8:]).long()
    loss = learning_of(task_named("text_lines")).loss(model, images[:], targets, RECIPE)
    assert loss.isfinite()


def test_a_replacement_character_that_is_read_is_no_symbol_outside_the_alphabet() -> None:
    class Reads(TextReader):
        def read(self, images, beam=1):
            return ["\ufffd"] * len(images)

    dataset = lines()
    model = Reads(initial_model(trial(dataset), dataset).backbone, "\ufffda")
    _, edits = edits_of_lines(model, torch.zeros(2, 1, 8, 8), torch.tensor([[0, -1], [-2, -1]]), 2)
    assert edits[:, 0].tolist() == [0, 1]


def test_a_line_narrower_than_a_patch_is_named() -> None:
    dataset = lines()
    widest = replace(CONFIG, patch=(8, 1 + min(image.shape[-1] for image in dataset.images)))
    with pytest.raises(ScanlabError, match=r"S673.*number \d+ of .*, of the \w+ part, has 16x\d+ pixels"):
        check_lines(trial(dataset, config=widest).problem, dataset)


@pytest.mark.parametrize("control", ["attention", "lstm"])
def test_peers_have_as_many_parameters(control: str) -> None:
    dataset = lines()
    base, peer = (initial_model(trial(dataset, name), dataset) for name in (None, control))
    counts = [parameter_count(model) for model in (base, peer)]
    assert abs(counts[1] - counts[0]) <= 0.02 * counts[0]
    assert peer.backbone.config.mixer.kind == control
    loss = train_trial(trial(dataset, control), dataset).epochs[-1].loss
    assert np.isfinite(loss)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"recipe": replace(RECIPE, flip=True)}, "S608", "flip is set"),
        ({"recipe": replace(RECIPE, mirror=True)}, "S608", "mirror is set"),
        ({"transfer": ("rotate 180",)}, "S670", "rotate 180"),
        ({"config": replace(CONFIG, patch=(8, 32))}, "S673", "pixels"),
        ({"config": replace(CONFIG, depth=(1, 1, 1, 1))}, "S673", "needs"),
    ],
)
def test_what_cannot_be_learnt_is_refused_before_any_training(changes, code, said) -> None:
    dataset = lines()
    check_lines(trial(dataset).problem, dataset)
    with pytest.raises(ScanlabError, match=code) as caught:
        check_lines(trial(dataset, **changes).problem, dataset)
    assert said in str(caught.value)


def test_batches_of_lines_are_the_images() -> None:
    dataset = lines()
    held = images_of(dataset.images, dataset.train, "cpu")
    assert isinstance(held, LineImages) and len(held) == 8
    for number, image in enumerate(held[torch.tensor([3, 0])]):
        np.testing.assert_array_equal(image, dataset.images[(3, 0)[number]])
    assert [len(some) for some in held.split(3)] == [3, 3, 2]
    cut = of_one_size(held, 5, (16, 30))
    assert cut.shape == (5, 1, 16, 30)
    np.testing.assert_array_equal(cut[2, 0, :, : min(30, held[:][2].shape[-1])], held[:][2][0, :, :30])


def test_a_shift_moves_each_line_by_itself() -> None:
    images = [torch.rand(1, 6, 9) + 1, torch.rand(1, 6, 4) + 1] * 6
    moved = shifted_each(images, 2, torch.Generator().manual_seed(0))
    seen = set()
    for image, other in zip(images, moved, strict=True):
        assert other.shape == image.shape
        fits = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(
                other, torch.nn.functional.pad(image, (2,) * 4)[:, 2 + down :, 2 + right :][:, :6, : image.shape[2]]
            )
        ]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) > 4
    assert shifted_each(images, 0, torch.Generator()) is images


def test_edits_are_kept_small_and_come_back(tmp_path) -> None:
    import sqlite3

    from scanlab.study.predictions import TABLES, _read, write_predictions

    base = sqlite3.connect(tmp_path / "kept.sqlite")
    for table in TABLES:
        base.execute(table)
    values = np.array([[3, 60, 2, 9], [0, 300, 0, 1]])
    write_predictions(base, "key", Predictions("edits", values, "the lines"))
    [(_, kept)] = list(_read(base, {"key"}))
    np.testing.assert_array_equal(kept.values, values)
    assert kept.scores("cer").mean() == pytest.approx(3 / 360)


def pages_trial(line: str, dataset: Dataset) -> Trial:
    config = BackboneConfig(patch=(8, 4), dim=24, depth=1, positions="none", mixer=MixerConfig(convolution="path"))
    plan = bind(parse(line, "h w"), (4, 20))
    choice, recipe = DataChoice("digit-pages"), Recipe(epochs=5, batch=12, learning_rate=1e-2)
    problem = Problem("p", choice, "text_pages", dataset.fingerprint, (("order", plan),), config, recipe)
    return Trial(problem, plan, 0)


def test_pages_are_read_in_the_order_of_the_scan() -> None:
    dataset = load("digit-pages", limit=500, test_limit=60)
    right, wrong = (
        train_trial(pages_trial(line, dataset), dataset).final["cer"] for line in ("by w // 10, h, w", "row")
    )
    assert right < wrong - 0.2


def test_a_page_needs_a_step_for_each_symbol() -> None:
    dataset = load("digit-pages", limit=20, test_limit=5)
    made = pages_trial("row", dataset).problem
    check_lines(made, dataset)
    with pytest.raises(ScanlabError, match=r"S673.*has 20 steps"):
        check_lines(replace(made, config=replace(made.config, patch=(16, 8))), dataset)
