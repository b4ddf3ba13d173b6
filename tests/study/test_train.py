"""Training: what is equal across strategies, and a trial that is stopped and goes on as if it had not been."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from small import GRID, SIZES, small_trial

from scanlab import data
from scanlab.compiler.bind import bind
from scanlab.data import Dataset, from_arrays
from scanlab.facade import parse
from scanlab.nn import BackboneConfig
from scanlab.study import training_run as training
from scanlab.study.optimizing import warm_up_then_cosine
from scanlab.study.record import Epoch
from scanlab.study.train import initial_model, train_model, train_trial
from scanlab.study.trial import CONTROLS, Trial
from scanlab.study.work import one_thread

DRAW = np.random.default_rng(0)
FEW = from_arrays(DRAW.random((60, 1, 8, 8)), np.arange(60) % 4)
STRATEGIES = (
    "row",
    "hilbert",
    "snake",
    "sum(row, -row)",
    "gate(row, column)",
    "row with cls at end",
    "by random(seed=4)",
)


def trial(text: str = "row", seed: int = 0, control: str | None = None, config=SIZES, **recipe) -> Trial:
    plan = bind(parse(text, axes="h w"), GRID)
    base = small_trial(**{"epochs": 2, "batch": 8, **recipe}).problem
    problem = replace(base, strategies=((text, plan),), config=config, fingerprint=FEW.fingerprint)
    return Trial(problem, plan, seed, control)


def shared_weights(text: str, seed: int = 0, control: str | None = None) -> dict[str, torch.Tensor]:
    """The initial weights, but for what only some strategies have: gates and class tokens."""
    state = initial_model(trial(text, seed, control), FEW).state_dict()
    return {name: value for name, value in state.items() if "gates" not in name and "tokens" not in name}


def same(one: dict, other: dict) -> bool:
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_all_strategies_start_from_the_same_weights() -> None:
    first = shared_weights("row")
    assert sum(value.numel() for value in first.values()) >= 500
    for text in STRATEGIES:
        torch.manual_seed(len(text))
        assert same(shared_weights(text), first), text
    assert not same(shared_weights("row", seed=1), first)
    assert same(shared_weights("row", control="random_order_1"), first)
    assert not same(shared_weights("row", control="A/A"), first)


@pytest.fixture(autouse=True)
def threads():
    """As workers train."""
    with one_thread():
        yield


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch):
    """What a trial's model is fed in training, by batch: a digest of images and targets."""

    def record(wanted: Trial, dataset: Dataset = FEW) -> list[str]:
        batches = []

        def recorded(*rest):
            images, targets = augmented(*rest)
            batches.append(hashlib.sha256(images.numpy().tobytes() + targets.numpy().tobytes()).hexdigest())
            return images, targets

        with monkeypatch.context() as patch:
            augmented = training.augmented
            patch.setattr(training, "augmented", recorded)
            train_trial(wanted, dataset)
        return batches

    return record


def test_all_strategies_and_controls_see_the_same_batches(fed) -> None:
    changes = {"shift": 1, "flip": True, "epochs": 2, "batch": 16}
    first = fed(trial("row", **changes))
    assert len(first) == 2 * -(-len(FEW.train) // 16) and len(set(first)) == len(first)
    dropping = replace(SIZES, depth=2, drop_path=0.5)
    for other in [
        *(trial(text, **changes) for text in ("hilbert", "gate(row, column)", "row with cls at end")),
        *(trial("row", control=name, **changes) for name in ("A/A", "random_order_1", "no_scan")),
        # What a model draws for itself does not reach the batches.
        trial("row", config=dropping, **changes),
    ]:
        assert fed(other) == first
    assert fed(trial("row", seed=1, **changes)) != first
    assert fed(trial("row", **{**changes, "flip": False})) != first


def test_every_epoch_shows_every_sample_once(fed, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    plain = training.augmented
    monkeypatch.setattr(training, "augmented", lambda *rest: (seen.append(rest[0]), plain(*rest))[1])
    train_trial(trial(epochs=2), FEW)
    rows = [row.tobytes() for batch in seen for row in batch.numpy()]
    half = len(rows) // 2
    wanted = sorted(row.tobytes() for row in FEW.images[FEW.train])
    assert sorted(rows[:half]) == wanted and sorted(rows[half:]) == wanted and rows[:half] != rows[half:]


def test_two_runs_are_equal_and_leave_torchs_generator_alone() -> None:
    config = replace(SIZES, depth=2, drop_path=0.5)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one = train_trial(trial(config=config, shift=1, flip=True), FEW)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(77)
    other = train_trial(trial(config=config, shift=1, flip=True), FEW)
    assert _numbers(one) == _numbers(other)
    assert _numbers(one) != _numbers(train_trial(trial(config=config, shift=1, flip=True, seed=1), FEW))


def _numbers(result) -> list:
    return [(e.loss, dict(e.metrics)) for e in result.epochs] + [dict(result.transfer), result.field]


class Stop(Exception):
    pass


def _stop(epochs_done: list[int], last: int, number: int, epoch: Epoch) -> None:
    epochs_done.append(number)
    if number == last:
        raise Stop


@pytest.mark.parametrize("stopped", [(1,), (2, 1)])
def test_a_stopped_trial_goes_on_bit_for_bit(tmp_path: Path, stopped: tuple[int, ...]) -> None:
    """With augmentation, drop paths, momenta and a learning rate on its way: each must come back as it was."""
    config = replace(SIZES, depth=2, drop_path=0.4)
    wanted = trial("hilbert", config=config, epochs=4, shift=1, flip=True)
    whole, unbroken = train_model(wanted, FEW)
    file = tmp_path / "checkpoints" / "trial.pt"
    for after in stopped:
        epochs_done: list[int] = []
        last = _epochs_in(file) + after - 1
        with pytest.raises(Stop):
            train_trial(wanted, FEW, partial(_stop, epochs_done, last), checkpoint=file)
        # Finished epochs are reported again, in order.
        assert epochs_done == list(range(last + 1))
    model, resumed = train_model(wanted, FEW, checkpoint=file)
    assert _numbers(resumed) == _numbers(unbroken)
    assert same(model.state_dict(), whole.state_dict())
    # And once more from the end: nothing is left to train.
    assert _numbers(train_trial(wanted, FEW, checkpoint=file)) == _numbers(unbroken)


def _epochs_in(file: Path) -> int:
    return len(torch.load(file, weights_only=True)["epochs"]) if file.exists() else 0


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_checkpoint_of_no_use_is_as_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "trial.pt"
    if content is None:
        # Of another trial.
        train_trial(trial(seed=3), FEW, checkpoint=file)
    else:
        file.write_bytes(content)
    assert _numbers(train_trial(trial(), FEW, checkpoint=file)) == _numbers(train_trial(trial(), FEW))


def test_metrics_are_of_the_test_part_and_losses_of_the_training_part() -> None:
    model, result = train_model(trial(epochs=3), FEW)
    with torch.no_grad():
        guesses = model.eval()(torch.from_numpy(FEW.images[FEW.test])).argmax(1).numpy()
    assert result.final["accuracy"] == pytest.approx((guesses == FEW.labels[FEW.test]).mean())
    assert len(result.epochs) == 3 and result.seconds > 0 and 0 < result.loading < 1
    assert result.throughput == pytest.approx(3 * len(FEW.train) / result.seconds)


def test_a_trial_learns() -> None:
    digits = data.load("digits", limit=400, test_limit=200)
    problem = small_trial(epochs=3, batch=16, config=BackboneConfig(depth=1)).problem
    result = train_trial(Trial(problem, problem.strategies[0][1], 0), digits)
    assert result.final["accuracy"] > 0.5 and result.epochs[-1].loss < result.epochs[0].loss


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [warm_up_then_cosine(step, 100) for step in range(101)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10) and rates[10] == 1.0
    assert all(a >= b for a, b in pairwise(rates[10:])) and rates[100] == pytest.approx(0)
    assert rates[55] == pytest.approx(0.5)


def test_controls_do_what_they_say() -> None:
    """Without memory no patch hears of another; without a scan there is none; over a shuffled grid the steps differ."""
    assert CONTROLS["A/A"].weights and CONTROLS["no_scan"].mixer == "none"
    images = torch.from_numpy(FEW.images[:4])
    plain = initial_model(trial(), FEW).eval()
    shuffled = initial_model(trial(control="random_order_1"), FEW).eval()
    other = initial_model(trial(control="random_order_2"), FEW).eval()
    deaf = initial_model(trial(control="no_memory"), FEW).eval()
    with torch.no_grad():
        assert not torch.allclose(plain(images), shuffled(images))
        assert not torch.allclose(other(images), shuffled(images))
        changed = images.clone()
        changed[..., -2:, -2:] += 1
        # Along the row nobody hears of the last patch; against it all do.
        for model, spreads in ((deaf, False), (plain, False), (initial_model(trial("-row"), FEW).eval(), True)):
            one, two = (model.backbone(some)[:, :15] for some in (images, changed))
            assert torch.allclose(one, two) != spreads
        before = images.clone()
        before[..., :2, :2] += 1
        changed = [not torch.allclose(m.backbone(images)[:, 1:], m.backbone(before)[:, 1:]) for m in (plain, deaf)]
        assert changed == [True, False]
