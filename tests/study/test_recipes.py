"""Recipes as the field trains: every switch does something, published ones are read, and a run goes on where it was."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import scanlab
from scanlab import zoo
from scanlab.data import Dataset, from_arrays
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import BackboneConfig, Classifier
from scanlab.study import study_of, train_model, with_options
from scanlab.study.checkpoint import Progress, read_checkpoint, write_checkpoint
from scanlab.study.optimizing import optimizer_of, parameter_groups, rate_share
from scanlab.study.pictures_changed import changed_pictures, mixed
from scanlab.study.recipe import RECIPES, Recipe, published_recipe
from scanlab.study.steps import recompute
from scanlab.study.train import ALONE, initial_model
from scanlab.study.training_run import TrainingRun
from scanlab.study.trial import DataChoice, Problem, Trial
from scanlab.study.work import dataset_of
from scanlab.zoo.presets import PRESETS


@pytest.fixture(scope="module")
def pictures() -> Dataset:
    return made(24, 32, 4)


def made(count: int, side: int, classes: int) -> Dataset:
    images = np.random.default_rng(0).random((count, 3, side, side), np.float32)
    return from_arrays(images, np.arange(count) % classes, name="made")


def trial_of(recipe: Recipe, data: Dataset, strategy: str = "row", patch: int = 8) -> Trial:
    config = BackboneConfig(patch=patch, dim=8, depth=2)
    plan = scanlab.compile(strategy, grid=tuple(extent // patch for extent in data.extents))
    problem = Problem(
        "made", DataChoice("made"), "classification", data.fingerprint, ((strategy, plan),), config, recipe
    )
    return Trial(problem, plan, seed=0)


def losses(recipe: Recipe, data: Dataset, steps: int = 2, patch: int = 8) -> list[float]:
    """Of the first steps."""
    run, heard = TrainingRun.begun(trial_of(recipe, data, patch=patch), data, "cpu", ALONE), []
    step = run._step

    def recorded(*some: Any) -> torch.Tensor:
        heard.append(step(*some).item())
        return torch.tensor(heard[-1])

    run._step = recorded  # pyright: ignore[reportAttributeAccessIssue]
    progress = Progress()
    while len(heard) < steps:
        progress = run.epoch(progress)
    return heard[:steps]


PLAIN = Recipe(epochs=4, batch=8)
SWITCHES = {
    "mirror": {"mirror": True},
    "crop": {"crop": 0.3},
    "rand_augment": {"rand_augment": 9.0},
    "auto_augment": {"auto_augment": True},
    "color_jitter": {"color_jitter": 0.4},
    "erasing": {"erasing": 1.0},
    "mixup": {"mixup": 0.8},
    "cutmix": {"cutmix": 1.0},
    "repeated": {"repeated": 3},
    "passes": {"passes": 2},
    "clip": {"clip": 0.01},
    "warm_up": {"warm_up": 3.0, "first_rate": 1e-4},
    "last_rate": {"last_rate": 7e-3, "warm_up": 0.0},
    "cosine_from_start": {"cosine_from_start": True},
    "rate_by_epoch": {"rate_by_epoch": True},
    "decays": {"decays": "matrices", "weight_decay": 50.0},
    "layer_decay": {"layer_decay": 0.5},
    "precision": {"precision": "bfloat16"},
    "half": {"precision": "float16"},
    "frozen": {"frozen": ("backbone",)},
}
REFERENCE = {"decays": {"weight_decay": 50.0}, "last_rate": {"warm_up": 0.0}}


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_alone_changes_the_second_or_third_step(name: str, pictures: Dataset) -> None:
    """The last rate is that of the end: no step before the third is far enough on the way to it."""
    steps = 3 if name == "last_rate" else 2
    before = losses(replace(PLAIN, **REFERENCE.get(name, {})), pictures, steps)
    after = losses(replace(PLAIN, **SWITCHES[name]), pictures, steps)
    # "matrices" are but the projection to delta more than "maps": its decay is seen in the last digits.
    least = 0 if name == "decays" else 1e-6
    assert all(map(math.isfinite, after)) and abs(before[-1] - after[-1]) > least


@pytest.mark.parametrize("setting", [{"accumulate": 3}, {"recompute": True}, {"ema": 0.9}], ids=str)
def test_what_saves_memory_or_watches_changes_no_loss(setting: dict, pictures: Dataset) -> None:
    assert losses(replace(PLAIN, **setting), pictures) == pytest.approx(losses(PLAIN, pictures), rel=1e-5)


def test_a_compiled_step_is_the_same_step(pictures: Dataset) -> None:
    assert losses(replace(PLAIN, compile=True), pictures) == pytest.approx(losses(PLAIN, pictures), rel=1e-4)


def test_results_are_of_the_running_mean(pictures: Dataset) -> None:
    plain, _ = train_model(trial_of(PLAIN, pictures), pictures)
    mean, _ = train_model(trial_of(replace(PLAIN, ema=0.9), pictures), pictures)
    differ = [not torch.equal(a, b) for a, b in zip(plain.parameters(), mean.parameters(), strict=True)]
    assert any(differ)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_run_goes_on_where_it_was(precision: str, pictures: Dataset, tmp_path: Path) -> None:
    recipe = replace(PLAIN, epochs=3, ema=0.9, precision=precision, mixup=0.8, erasing=0.5, crop=0.5, layer_decay=0.7)
    trial, file = trial_of(recipe, pictures), tmp_path / "checkpoint"
    whole, expected = train_model(trial, pictures)
    run = TrainingRun.begun(trial, pictures, "cpu", ALONE)
    write_checkpoint(file, trial.key, run.epoch(Progress()), run.stateful())
    again = TrainingRun.begun(trial, pictures, "cpu", ALONE)
    assert len(read_checkpoint(file, trial.key, again.stateful()).epochs) == 1
    resumed, result = train_model(trial, pictures, checkpoint=file)
    assert [epoch.loss for epoch in result.epochs] == [epoch.loss for epoch in expected.epochs]
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


@pytest.mark.parametrize("name", RECIPES)
def test_published_recipes_are_recipes(name: str) -> None:
    recipe = Recipe(**published_recipe(name))
    study = study_of(with_options(None, {"recipe.like": "small", "recipe.epochs": 3, "strategies": ["row"]}))
    assert recipe.epochs in (10, 300) and study.problems[0].recipe == Recipe(epochs=3)
    # timm's rates: a line over the first epochs from --warmup-lr, then a cosine down to --min-lr.
    per_epoch = 10
    if recipe.warm_up:
        rates = [recipe.learning_rate * rate_share(step, per_epoch, recipe) for step in range(300 * per_epoch)]
        assert rates[0] == pytest.approx(recipe.first_rate) and rates[-1] == pytest.approx(recipe.last_rate, rel=0.05)
        top = int(recipe.warm_up) * per_epoch
        begun = 0 if recipe.cosine_from_start else recipe.warm_up
        turn = math.cos(math.pi * (recipe.warm_up - begun) / (300 - begun))
        highest = recipe.last_rate + (recipe.learning_rate - recipe.last_rate) * (1 + turn) / 2
        assert max(rates) == pytest.approx(rates[top]) == pytest.approx(highest)


def test_unknown_recipes_are_refused() -> None:
    with pytest.raises(ScanlabError, match="S610"):
        study_of(with_options(None, {"recipe.like": "deit"}))


def test_settings_at_their_defaults_stay_out_of_keys() -> None:
    first = ["epochs", "batch", "learning_rate", "weight_decay", "label_smoothing", "shift", "flip"]
    assert list(Recipe().stored()) == first
    assert Recipe(turn=True, zoom=0.1, frozen=("head",)).stored() == Recipe().stored() | {
        "turn": True,
        "zoom": 0.1,
        "frozen": ["head"],
    }


def test_all_of_it_at_the_shape_of_imagenet() -> None:
    """Fifty steps of the published recipe for Vim with every switch on, over 1,000 classes of 224x224 pictures."""
    data = made(1500, 8, 1000)
    large = np.broadcast_to(np.random.default_rng(1).random((1, 3, 224, 224), np.float32), (1500, 3, 224, 224))
    data = replace(data, images=large)
    more = {"epochs": 1, "batch": 2, "warm_up": None, "clip": 1.0, "layer_decay": 0.8, "accumulate": 2, "ema": 0.99}
    recipe = Recipe(**{**published_recipe("vim"), **more, "precision": "bfloat16", "recompute": True})
    heard = losses(recipe, replace(data, train=data.train[:100], test=data.test[:4]), steps=50, patch=32)
    assert len(heard) == 50 and all(map(math.isfinite, heard))


def test_weights_to_start_from_meet_another_order_and_a_new_head(pictures: Dataset, tmp_path: Path) -> None:
    trained, _ = train_model(trial_of(PLAIN, pictures), pictures)
    file = tmp_path / "model.safetensors"
    zoo.save(trained, file)
    more = made(24, 32, 6)
    recipe = replace(PLAIN, start=str(file), frozen=("backbone",))
    trial = trial_of(recipe, more, "hilbert")
    model, _ = train_model(trial, more)
    for name, parameter in trained.named_parameters():
        if name.startswith("backbone."):
            assert torch.equal(dict(model.named_parameters())[name], parameter), name
    assert model.get_parameter("head.weight").shape[0] == 6
    # The file is known by what it holds, not by its place.
    moved = file.rename(tmp_path / "elsewhere.safetensors")
    assert trial_of(replace(recipe, start=str(moved)), more, "hilbert").key == trial.key
    wider = replace(
        trial.problem, config=replace(trial.problem.config, dim=16), recipe=replace(recipe, start=str(moved))
    )
    with pytest.raises(ScanlabError, match="S684"):
        initial_model(replace(trial, problem=wider), more)


def test_layers_learn_by_their_depth(pictures: Dataset) -> None:
    """As timm's `group_matcher` has them: stem, blocks, head."""
    recipe = replace(PLAIN, layer_decay=0.5)
    model = initial_model(trial_of(recipe, pictures), pictures)
    names = {id(p): name for name, p in model.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in parameter_groups(model, recipe) for p in group["params"]}
    assert set(rates) == set(names.values())
    for name, rate in rates.items():
        block = name.partition(".blocks.")[2].partition(".")[0]
        layer = int(block) + 1 if block else 3 if name.startswith("head") else 2 if "backbone.norm" in name else 0
        assert rate == recipe.learning_rate * 0.5 ** (3 - layer), name


def test_models_without_blocks_of_ours_are_refused_what_needs_them() -> None:
    for change in (recompute, lambda model: parameter_groups(model, replace(PLAIN, layer_decay=0.5))):
        with pytest.raises(ScanlabError, match=r"S608.*a Linear has no blocks"):
            change(torch.nn.Linear(2, 2))


def test_matrices_decay_as_timm_has_it(pictures: Dataset) -> None:
    recipe = replace(PLAIN, decays="matrices")
    model = initial_model(trial_of(recipe, pictures), pictures)
    decayed = {
        id(p) for group in optimizer_of(model, recipe).param_groups if group["weight_decay"] for p in group["params"]
    }
    exempt = model.no_weight_decay()  # pyright: ignore[reportCallIssue]
    assert exempt  # pyright: ignore[reportGeneralTypeIssues]
    for name, parameter in model.named_parameters():
        assert (id(parameter) in decayed) == (parameter.ndim > 1 and name not in exempt), name


def test_mixed_pictures_have_the_classes_of_their_parts() -> None:
    """Black and white pictures: the share of white is the chance of white's class."""
    images = torch.stack([torch.zeros(1, 40, 40), torch.ones(1, 40, 40)] * 3)
    classes = torch.tensor([0, 1] * 3)
    draw, seen = torch.Generator().manual_seed(0), set()
    for recipe in (Recipe(mixup=0.8), Recipe(cutmix=1.0), Recipe(mixup=0.8, cutmix=1.0)):
        for _ in range(20):
            pictures, chances = mixed(images, classes, 2, recipe, draw)
            assert chances.sum(1) == pytest.approx(1)
            assert pictures.mean((1, 2, 3)).numpy() == pytest.approx(chances[:, 1].numpy(), abs=1e-5)
            seen.add(round(chances[0, 0].item(), 4))
    assert len(seen) > 30


def test_changed_pictures_hang_on_the_generator_alone() -> None:
    images = torch.rand(3, 3, 16, 16)
    recipe = Recipe(crop=0.3, rand_augment=9.0, auto_augment=True, color_jitter=0.3, erasing=0.5)
    before = torch.get_rng_state()
    first, again = (changed_pictures(images, recipe, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(before, torch.get_rng_state())
    assert first.min() >= 0 and first.max() <= 1 and not torch.equal(first, images)
    other = changed_pictures(images, recipe, torch.Generator().manual_seed(6))
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "options",
    [
        {"recipe.rand_augment": 9.0},
        {"recipe.crop": 2.0},
        {"recipe.precision": "float8"},
        {"recipe.decays": "all"},
        {"recipe.warm_up": 20.0},
        {"recipe.last_rate": 1.0},
        {"recipe.ema": 1.0},
        {"recipe.accumulate": 0},
        {"recipe.mixup": 0.8, "task": "next_patch"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(options: dict) -> None:
    """Digits have one channel, and the next patch is no class."""
    from scanlab.study.preflight import check_study

    with pytest.raises(ScanlabError, match="S608"):
        check_study(study_of(with_options(None, options)))


def test_official_weights_start_a_training_on_raw_pixels(tmp_path: Path) -> None:
    """The untrained features are those of the authors' model on pictures that were prepared as theirs."""
    published = zoo.create_model("vim_tiny", img_size=32).eval()
    torch.save({"model": zoo.to_official(published)}, tmp_path / "vim_t.pth")
    images = np.random.default_rng(0).integers(0, 255, (24, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "data.npz", x=images, y=np.arange(24) % 3)
    options = {"dataset": str(tmp_path / "data.npz"), "strategies": ["vim"], "controls": [], "model.like": "vim_tiny"}
    options |= {"recipe.start": f"vim_tiny:{tmp_path / 'vim_t.pth'}", "recipe.frozen": ["backbone"]}
    [problem] = study_of(with_options(None, options)).problems
    dataset = dataset_of(problem.data)
    model = initial_model(Trial(problem, problem.strategies[0][1], 0), dataset).eval()
    assert isinstance(model, Classifier) and model.head.out_features == 3
    images = torch.from_numpy(dataset.images[:2].copy())
    how = PRESETS["vim_tiny"].evaluated or {}
    mean, std = (torch.tensor(how[k]).view(3, 1, 1) for k in ("mean", "std"))
    with torch.no_grad():
        assert torch.equal(model.backbone(images), published.backbone((images - mean) / std))
    plain = with_options(None, options | {"model.inputs": "plain"})
    [problem] = study_of(plain).problems
    with pytest.raises(ScanlabError, match=r"S684.*imagenet inputs") as error:
        initial_model(Trial(problem, problem.strategies[0][1], 0), dataset)
    assert 'like = "vim_tiny"' in str(error.value)
    with pytest.raises(ScanlabError, match="S617"):
        study_of(with_options(None, options | {"model.like": "vim_tinny"}))
