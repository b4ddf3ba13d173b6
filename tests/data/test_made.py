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


def test_the_permutation_undone_is_the_digit_in_raster_order():
    shuffled, digits = load("permuted-digits"), load("digits")
    order = bind(Order.from_indices(pixel_permutation()), (8, 8)).paths[0].indices
    row = bind(strategy("row"), (8, 8)).paths[0].indices
    flat = [d.images.reshape(1797, 64) for d in (shuffled, digits)]
    assert np.array_equal(flat[0][:, order], flat[1][:, row])
    assert not np.array_equal(flat[0], flat[1])


def test_made_data_is_the_same_every_time():
    for name in ("moving-digits", "permuted-digits"):
        first, second = load(name), load(name)
        assert np.array_equal(first.images, second.images) and np.array_equal(first.labels, second.labels)
