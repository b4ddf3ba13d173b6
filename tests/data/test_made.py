"""Data sets made from digits."""

from itertools import pairwise

import numpy as np

from scanlab.compiler.bind import bind
from scanlab.data import load
from scanlab.data.made import MOTIONS, pixel_permutation
from scanlab.facade import load as strategy
from scanlab.ir.values import Order


def test_every_video_moves_its_digit_as_its_label_says():
    videos, digits = load("moving-digits"), load("digits")
    assert videos.images.shape == (1797, 1, 8, 16, 16)
    for number in range(0, 1797, 97):
        frames, motion = videos.images[number, 0], MOTIONS[videos.labels[number]]
        for before, after in pairwise(frames):
            assert np.array_equal(np.roll(before, motion, axis=(0, 1)), after)
        assert np.isclose(frames[0].sum(), digits.images[number].sum())


def test_the_motion_is_balanced_and_parts_share_no_digit():
    videos, digits = load("moving-digits"), load("digits")
    for part in (videos.train, videos.test):
        counts = np.bincount(videos.labels[part], minlength=8)
        assert counts.max() - counts.min() <= 1
    assert np.array_equal(videos.train, digits.train) and np.array_equal(videos.test, digits.test)


def test_a_frame_does_not_tell_the_motion():
    """Where the first frame's digit stands is spread alike over all motions: its mean place differs by chance only."""
    videos = load("moving-digits")
    first = videos.images[:, 0, 0]
    angles = np.exp(2j * np.pi * np.arange(16) / 16)
    places = (first.sum(2) @ angles) / first.sum((1, 2))
    means = np.array([places[videos.labels == k].mean() for k in range(8)])
    assert np.abs(means).max() < 4 / np.sqrt(1797 / 8)


def test_frames_alone_leave_a_linear_classifier_at_chance():
    """Regression on the pixels of any single frame recognizes one motion in eight, and two frames tell it always: what
    there is to learn lies in time alone."""
    videos = load("moving-digits")
    for frame in (0, 7):
        pixels = videos.images[:, 0, frame].reshape(len(videos.images), -1)
        share = _linear_share(pixels, videos.labels, videos.train, videos.test)
        # Three standard deviations of 539 guesses.
        assert abs(share - 1 / 8) < 3 * np.sqrt(1 / 8 * 7 / 8 / len(videos.test))
    steps = np.stack([_steps(videos.images[:, 0], axis) for axis in (1, 2)], 1)
    assert np.array_equal(steps, np.array(MOTIONS)[videos.labels])


def _linear_share(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """The share of test samples that ridge regression on indicators of the classes gets right."""
    inputs = np.concatenate([features, np.ones((len(features), 1))], 1).astype(np.float64)
    some = inputs[train]
    weights = np.linalg.solve(some.T @ some + np.eye(inputs.shape[1]), some.T @ np.eye(8)[labels[train]])
    return float(((inputs[test] @ weights).argmax(1) == labels[test]).mean())


def _steps(videos: np.ndarray, axis: int) -> np.ndarray:
    """By how many pixels a digit goes along an axis of its frames, on the torus, from the first to the second."""
    one, other = (np.fft.fft(videos[:, frame].sum(3 - axis), axis=1) for frame in (0, 1))
    match = np.fft.ifft(other * one.conj(), axis=1).real.argmax(1)
    return (match + 8) % 16 - 8


def test_the_permutation_undone_is_the_digit_in_raster_order():
    shuffled, digits = load("permuted-digits"), load("digits")
    order = bind(Order.from_indices(pixel_permutation()), (8, 8)).paths[0].indices
    row = bind(strategy("row"), (8, 8)).paths[0].indices
    flat = [d.images.reshape(1797, 64) for d in (shuffled, digits)]
    assert np.array_equal(flat[0][:, order], flat[1][:, row])
    assert not np.array_equal(flat[0], flat[1])


def test_masks_and_volumes_are_permuted_with_their_pixels(tmp_path):
    draw = np.random.default_rng(0)
    images = draw.random((6, 3, 4, 5))
    np.savez(tmp_path / "a.npz", images=images, masks=(images > 0.5).astype(np.uint8))
    plain, shuffled = load(str(tmp_path / "a.npz")), load(f"permuted:{tmp_path / 'a.npz'}")
    assert not np.array_equal(plain.images, shuffled.images)
    assert np.array_equal(shuffled.labels, shuffled.images[:, 0] > 0.5)
    places = pixel_permutation((3, 4, 5))
    assert np.array_equal(shuffled.images.reshape(6, 60)[:, places], plain.images.reshape(6, 60))
    assert np.array_equal(plain.train, shuffled.train)


def test_permuted_data_keep_their_parts_and_limits():
    some, whole = load("permuted:digits", part="val", limit=100), load("digits", part="val", limit=100)
    assert np.array_equal(some.labels, whole.labels) and len(some.train) == 100
    assert np.array_equal(
        np.sort(some.images.reshape(len(some.images), -1)), np.sort(whole.images.reshape(len(some.images), -1))
    )


def test_made_data_is_the_same_every_time():
    for name in ("moving-digits", "permuted-digits"):
        first, second = load(name), load(name)
        assert np.array_equal(first.images, second.images) and np.array_equal(first.labels, second.labels)
