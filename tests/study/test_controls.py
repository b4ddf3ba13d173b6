"""Controls that are the baseline again, from other weights or with other batches."""

from __future__ import annotations

import pytest
import torch
from records import record
from small import small_trial

from scanlab import data
from scanlab.study import analyse
from scanlab.study.controls import CONTROLS, DEFAULT_CONTROLS, with_default
from scanlab.study.settings import study_of, with_options
from scanlab.study.train import ALONE, initial_model, train_trial
from scanlab.study.training_run import TrainingRun


def weights(trial) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in initial_model(trial, data.load("digits")).parameters()])


def first_batch(trial) -> list[int]:
    run = TrainingRun.begun(trial, data.load("digits"), "cpu", ALONE)
    return torch.randperm(100, generator=run.draw)[:10].tolist()


@pytest.mark.parametrize(
    ("control", "same_weights", "same_batches"), [("A/A", False, True), ("other_batches", True, False)]
)
def test_one_thing_differs(control: str, same_weights: bool, same_batches: bool) -> None:
    plain, other = small_trial(), small_trial(control=control)
    assert torch.equal(weights(plain), weights(other)) is same_weights
    assert (first_batch(plain) == first_batch(other)) is same_batches
    assert plain.key != other.key and other.config["control"] == control.replace("_", " ")


def test_other_batches_give_other_numbers_and_the_same_again() -> None:
    dataset = data.load("digits", limit=128, test_limit=64)
    plain, other, again = (
        train_trial(small_trial(control=c, epochs=1), dataset) for c in (None, *["other_batches"] * 2)
    )
    assert plain.epochs[0].loss != other.epochs[0].loss == again.epochs[0].loss


def test_what_a_study_has_by_default_is_what_it_had() -> None:
    assert DEFAULT_CONTROLS == ("A/A", "random_order_1", "random_order_2", "no_scan")
    assert not CONTROLS["other_batches"].default
    made = study_of(with_options(None, {"strategies": ["row"], "controls": ["default", "other_batches"]}))
    assert made.controls == (*DEFAULT_CONTROLS, "other_batches") == with_default(["default", "other_batches"])


def test_the_sentence_says_what_was_another() -> None:
    values = {"row": (0.6, 0.62, 0.61), "hilbert": (0.6, 0.61, 0.63)}
    controls = {"A/A": (0.61, 0.6, 0.62), "other_batches": (0.6, 0.63, 0.6)}
    sentences = analyse(record(values, controls=controls)).problems[0].sentences
    [aa] = [s for s in sentences if s.startswith("A/A")]
    [batches] = [s for s in sentences if s.startswith("other batches")]
    assert "row against itself from other initial weights" in aa
    assert "row against itself from the same initial weights with other batches" in batches


def test_a_peer_says_nothing_of_the_order_or_the_scan() -> None:
    values = {"row": (0.6, 0.62, 0.61), "hilbert": (0.6, 0.61, 0.63)}
    sentences = analyse(record(values, controls={"attention": (0.8, 0.82, 0.81)})).problems[0].sentences
    [said] = [sentence for sentence in sentences if sentence.startswith("attention")]
    assert said.startswith("attention, a peer with as many parameters, ") and "mattered" not in said
