"""Studies from end to end, small enough to run in seconds."""

import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from scanlab import data
from scanlab.compiler.bind import bind
from scanlab.facade import load as strategy
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis
from scanlab.ir.values import Key, Order, Scan
from scanlab.nn import BackboneSizes, MixerSizes
from scanlab.study import ablate, report, table
from scanlab.study.linear import linear_accuracy
from scanlab.study.result import conclusion, rows
from scanlab.study.train import initial_model, shifted, train, warm_up_then_cosine
from scanlab.study.trial import Recipe, Study, Trial

H, W = Axis("h"), Axis("w")
ROW = Order(("h", "w"), (Key(H), Key(W)))
COLUMN = Order(("h", "w"), (Key(W), Key(H)))
GRID = (4, 4)
SIZES = BackboneSizes(dim=8, depth=1, mixer=MixerSizes(state=1, expand=1))
QUICK = Recipe(epochs=2, batch=128, shift=1)
STUDY = Study(
    (("row", bind(ROW, GRID)), ("both <ways>", bind(Scan("sum", (ROW, -ROW)), GRID)), ("column", bind(COLUMN, GRID))),
    seeds=(0, 5),
    sizes=SIZES,
    recipe=QUICK,
)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def heard():
    return []


@pytest.fixture(scope="module")
def result(heard):
    return ablate.run(STUDY, heard.append)


def test_a_study_runs_every_strategy_and_control_with_every_seed(result):
    names = ["row", "both <ways>", "column", "control: random order", "control: no memory"]
    assert [(t.strategy, t.seed) for t in result.trials] == [(n, s) for s in (0, 5) for n in names]
    assert all(len(t.epochs) == 2 and 0 <= t.accuracy <= 1 and t.seconds > 0 for t in result.trials)
    assert len({t.parameters for t in result.trials}) == 1


def test_progress_counts_every_epoch(result, heard):
    assert [p.done for p in heard] == list(range(1, 21))
    assert {p.total for p in heard} == {20}
    assert [(p.strategy, p.seed, p.epoch) for p in heard[:3]] == [("row", 0, 1), ("row", 0, 2), ("both <ways>", 0, 1)]


@pytest.mark.slow
def test_the_same_study_gives_the_same_numbers_also_from_workers(result):
    heard = []
    again = ablate.run(replace(STUDY, seeds=(5,), controls=("random order",)), heard.append, workers=2)
    first = {(t.strategy, t.seed): t.epochs for t in result.trials}
    assert all(first[t.strategy, t.seed] == t.epochs for t in again.trials)
    assert sorted(p.done for p in heard) == list(range(1, 9))


def test_strategies_share_weights_and_batches_of_a_seed(digits):
    first, second = (Trial(name, plan, 3, SIZES, QUICK) for name, plan in STUDY.strategies[:2])
    weights = [initial_model(t, digits).state_dict() for t in (first, second, replace(first, seed=4))]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert not torch.equal(weights[0]["backbone.embed.project.weight"], weights[2]["backbone.embed.project.weight"])
    # Without memory the order cannot matter, so equal draws give equal losses up to rounding.
    losses = [
        [e.loss for e in train(Trial("x", bind(order, GRID), seed, SIZES, QUICK, "no memory"), digits).epochs]
        for order, seed in ((ROW, 3), (COLUMN, 3), (ROW, 4))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


def test_training_leaves_the_global_generator_alone(digits):
    torch.manual_seed(11)
    expected = torch.rand(2)
    torch.manual_seed(11)
    train(Trial("row", bind(ROW, GRID), 0, SIZES, replace(QUICK, epochs=1)), digits)
    assert torch.equal(torch.rand(2), expected)


def test_the_random_control_draws_an_order_per_seed(digits):
    blocks = [
        initial_model(Trial("c", bind(ROW, GRID), seed, SIZES, QUICK, "random order"), digits).backbone.blocks[0]
        for seed in (0, 0, 1)
    ]
    tables = [block.mixer.paths(GRID) for block in blocks]
    assert torch.equal(tables[0].steps, tables[1].steps)
    assert not torch.equal(tables[0].steps, tables[2].steps)


def test_shifts_move_whole_images_and_bring_in_zeros():
    image = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    moved = shifted(image.expand(200, 1, 3, 3), 1, torch.Generator().manual_seed(0))
    seen = {tuple(m.flatten().tolist()) for m in moved}
    assert len(seen) == 9
    assert tuple(image.flatten().tolist()) in seen
    assert (0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 4.0, 5.0) in seen
    assert torch.equal(shifted(image, 0, torch.Generator()), image)


def test_the_learning_rate_rises_then_falls_to_zero():
    shares = [warm_up_then_cosine(step, 100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == shares[9] == shares[10] == 1.0
    assert shares[55] == pytest.approx(0.5)
    assert shares[100] == pytest.approx(0.0)


def test_the_linear_classifier_is_as_strong_as_is_known(digits):
    assert linear_accuracy(digits) == pytest.approx(0.972, abs=0.002)


def test_the_comparisons_are_paired_by_seed(result):
    baseline, both, *_ = rows(result)
    differences = [b.accuracy - a.accuracy for a, b in zip(result.of("row"), result.of("both <ways>"), strict=True)]
    assert baseline.difference is None
    assert both.difference.mean == pytest.approx(sum(differences) / 2)
    assert "linear classifier's 97.2 %" in " ".join(conclusion(result))
    assert "is not above" in " ".join(conclusion(result))


def test_the_table_names_everything(result):
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(table.render(result))
    text = console.export_text()
    assert all(name in text for name in ("both <ways>", "control: no memory", "linear classifier", "97.22"))


def test_the_report_is_one_self_contained_page(result, tmp_path):
    page = report.write(result, tmp_path / "new" / "folder", {"row": '<svg id="drawn"></svg>'}, "scanlab ablate a<b")
    text = page.read_text(encoding="utf-8")
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text
    assert "both &lt;ways&gt;" in text and "<ways>" not in text
    assert '<svg id="drawn"></svg>' in text
    assert "scanlab ablate a&lt;b" in text
    assert all(word in text for word in ("CC BY 4.0", "97.22", "0, 5", "Not distinguishable"))
    numbers = json.loads((page.parent / "results.json").read_text())
    assert numbers["trials"][0]["epochs"][1]["accuracy"] == result.trials[0].accuracy
    assert numbers["comparisons"][1]["strategy"]["name"] == "both <ways>"
    assert sorted(p.name for p in page.parent.iterdir()) == ["report.html", "results.json"]


def test_a_report_that_cannot_be_written_leaves_nothing(result, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report.os, "replace", fail)
    with pytest.raises(ScanlabError) as caught:
        report.write(result, tmp_path, {})
    assert caught.value.code == "S606"
    assert "No space left on device" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_an_error(result, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ScanlabError) as caught:
        report.write(result, tmp_path / "taken", {})
    assert caught.value.code == "S606"


@pytest.mark.parametrize(
    "change, code, message",
    [
        ({"dataset": "digit"}, "S600", "there is no data set named 'digit'"),
        ({"seeds": ()}, "S601", "the study has no seeds"),
        ({"seeds": (1, 2, 1)}, "S601", "the study has seed 1 twice"),
        ({"seeds": (-1,)}, "S601", "the study has a negative seed"),
        ({"sizes": replace(SIZES, patch=3)}, "S602", "choose a patch size that divides both 8 and 8"),
        ({"sizes": replace(SIZES, patch=1)}, "S602", "compile row for a 8x8 grid"),
        ({"sizes": replace(SIZES, readout="cls")}, "S605", "no class token"),
        ({"strategies": ()}, "S607", "the study has no strategies"),
        ({"strategies": STUDY.strategies[:1] * 2}, "S607", "the study compares 'row' twice"),
        ({"recipe": replace(QUICK, epochs=0)}, "S608", "epochs is 0"),
        ({"recipe": replace(QUICK, learning_rate=float("nan"))}, "S608", "learning_rate must be above 0"),
        ({"controls": ("chance",)}, "S608", "there is no control 'chance'"),
    ],
)
def test_a_study_that_cannot_run_is_refused_before_training(change, code, message):
    heard = []
    with pytest.raises(ScanlabError) as caught:
        ablate.run(replace(STUDY, **change), heard.append)
    assert caught.value.code == code
    assert message in str(caught.value)
    assert not heard


def test_volumes_are_shifted_along_every_axis():
    image = torch.zeros(1, 1, 3, 3, 3)
    image[0, 0, 1, 1, 1] = 1
    moved = shifted(image.expand(400, 2, 3, 3, 3), 1, torch.Generator().manual_seed(0))
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert len({tuple(m[0].nonzero()[0].tolist()) for m in moved}) == 27
    assert torch.equal(moved.sum((1, 2, 3, 4)), torch.full((400,), 2.0))


def test_a_video_study_runs():
    study = replace(
        STUDY,
        strategies=tuple((name, bind(strategy(name), (4, 8, 8))) for name in ("spatial_first", "temporal_first")),
        dataset="moving-digits",
        seeds=(0,),
        controls=(),
        recipe=Recipe(epochs=1, batch=256),
    )
    result = ablate.run(study)
    assert {t.strategy for t in result.trials} == {"spatial_first", "temporal_first"}
