"""Images of different widths in one array: any choice of them is that of a list, and data of them are told apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanlab.data import Dataset, permuted
from scanlab.data.notes import notes_of
from scanlab.data.parts import limited, subset
from scanlab.data.ragged import RaggedImages, brightness_of, values_of
from scanlab.data.summary import dataset_summary
from scanlab.data.target_kinds import TEXT
from scanlab.ir.diagnostics import ScanlabError


def some(kind=np.float32, widths=(3, 7, 1, 5)):
    draw = np.random.RandomState(0)
    images = [draw.randint(0, 256, (1, 4, width)).astype(np.uint8) for width in widths]
    return [image if kind is np.uint8 else image.astype(np.float32) / np.float32(255) for image in images]


def lines(**changed) -> Dataset:
    labels = np.array([[0, 1, -1], [1, 1, 0], [0, -1, -1], [1, -2, -1]], np.int16)
    made = Dataset(
        "lines", RaggedImages.of(some()), labels, np.array([0, 1]), np.array([2, 3]), 2, "made", targets=TEXT
    )
    return replace(made, **changed)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 3), max_size=6), st.sampled_from([np.float32, np.uint8]))
def test_a_choice_is_that_of_a_list(chosen, kind):
    images, whole = some(kind), RaggedImages.of(some(kind))
    floats = some()
    taken = whole[np.array(chosen, int)]
    assert len(taken) == len(chosen)
    for image, number in zip(taken, chosen, strict=True):
        np.testing.assert_array_equal(image, floats[number])
        np.testing.assert_array_equal(whole[number], floats[number])
    assert taken.pixels.dtype == images[0].dtype


def test_slices_and_masks_are_taken_too():
    whole = RaggedImages.of(some())
    assert whole[1:3].widths.tolist() == [7, 1]
    assert whole[np.array([True, False, False, True])].widths.tolist() == [3, 5]
    assert whole[[]].widths.tolist() == []
    with pytest.raises(IndexError):
        whole[4]


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_values_and_brightness_are_those_of_the_images(kind):
    whole, floats = RaggedImages.of(some(kind)), some()
    np.testing.assert_allclose(brightness_of(whole), [image.mean() for image in floats], rtol=1e-5)
    pixels = np.concatenate([image.ravel() for image in floats])
    np.testing.assert_allclose(values_of(whole), [pixels.min(), pixels.mean(), pixels.max()], rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RaggedImages.of([]),
        lambda: RaggedImages.of([np.zeros((1, 4, 3)), np.zeros((1, 5, 3))]),
        lambda: RaggedImages(np.zeros((4, 3), np.float32), np.array([0, 3])),
        lambda: RaggedImages(np.zeros((1, 4, 3)), np.array([0, 3])),
        lambda: RaggedImages(np.zeros((1, 4, 3), np.float32), np.array([0, 2])),
        lambda: RaggedImages(np.zeros((1, 4, 3), np.float32), np.array([0, 2, 2, 3])),
    ],
)
def test_arrays_of_another_form_are_refused(make):
    with pytest.raises(ScanlabError, match="S670"):
        make()


def test_data_of_other_pixels_or_widths_have_another_fingerprint():
    base = lines()
    other_width = RaggedImages(base.images.pixels, np.array([0, 4, 10, 11, 16]))
    brighter = RaggedImages(base.images.pixels + np.float32(1e-6), base.images.offsets)
    as_bytes = RaggedImages.of(some(np.uint8))
    prints = {d.fingerprint for d in (base, *(replace(base, images=i) for i in (other_width, brighter, as_bytes)))}
    assert len(prints) == 4 and lines().fingerprint == base.fingerprint


def test_parts_limits_and_summaries_take_them():
    data = lines()
    assert data.extents == (4, 4) and data.channels == 1
    assert subset(data, np.array([1]), np.array([3])).images.widths.tolist() == [7, 5]
    assert limited(data, 1, 1).images.widths.shape == (2,)
    summary = dataset_summary(data)
    assert summary["widths"] == [1, 4, 7] and summary["targets"] == "a text per image"
    assert summary["train per class"] == [2, 3]


def test_copies_across_parts_are_noted():
    images = some()
    images[2] = images[0]
    said = notes_of(lines(images=RaggedImages.of(images)))["duplicated"]
    assert said[0] == "1 test sample is an exact copy of training samples, such as sample 2 of sample 0"
    assert "other texts" in said[1]


def test_what_needs_one_size_says_so():
    with pytest.raises(ScanlabError, match=r"S670.*1 to 7 pixels wide"):
        permuted(lines())
