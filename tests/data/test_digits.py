"""The shipped digits: what is stored, how it is scaled, how it is divided."""

import numpy as np
import pytest

from scanlab import data
from scanlab.data.dataset import stratified_split
from scanlab.ir.diagnostics import ScanlabError


def test_the_digits_have_the_published_shape_and_class_counts():
    digits = data.load("digits")
    assert digits.images.shape == (1797, 1, 8, 8)
    assert digits.images.dtype == np.float32
    assert digits.labels.dtype == np.int64
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (digits.images.min(), digits.images.max()) == (0.0, 1.0)


def test_the_first_image_is_the_first_row_of_the_source():
    first = data.load_digits().images[0, 0] * 16
    assert first[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert first[7].tolist() == [0, 0, 6, 13, 10, 0, 0, 0]


def test_the_split_is_stratified_disjoint_and_fixed():
    digits = data.load_digits()
    assert (len(digits.train), len(digits.test)) == (1258, 539)
    assert np.array_equal(np.union1d(digits.train, digits.test), np.arange(1797))
    share = np.bincount(digits.labels[digits.train]) / np.bincount(digits.labels)
    assert np.all(np.abs(share - 0.7) < 0.01)
    assert digits.test[:6].tolist() == [10, 21, 24, 25, 28, 32]


def test_a_split_of_a_tiny_set_takes_the_share_of_each_class():
    labels = np.array([1, 0, 0, 1, 0, 1, 0, 0])
    train, test = stratified_split(labels, 2 / 3, seed=3)
    assert np.bincount(labels[train]).tolist() == [3, 2]
    assert np.bincount(labels[test]).tolist() == [2, 1]


def test_arrays_are_read_only():
    with pytest.raises(ValueError):
        data.load_digits().images[0] = 0


def test_an_unknown_data_set_names_the_nearest():
    with pytest.raises(ScanlabError) as caught:
        data.load("digit")
    assert caught.value.code == "S600"
    assert "did you mean 'digits'?" in str(caught.value)
