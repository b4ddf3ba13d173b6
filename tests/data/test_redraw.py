"""Parts drawn anew for a seed, and the samples that a learning rate is chosen on."""

from __future__ import annotations

import numpy as np
import pytest

from scanlab import data
from scanlab.data.parts import measured_on
from scanlab.data.redraw import Redraw, redrawable, redrawn, tuning_parts
from scanlab.ir.diagnostics import ScanlabError

IMAGES = np.random.default_rng(0).random((60, 1, 4, 4), dtype=np.float32)
LABELS = np.arange(60) % 3
GROUPS = np.arange(60) // 5


def with_val() -> data.Dataset:
    """Parts that came with the data: 40, 8 and 12 samples."""
    parts = np.split(np.arange(60), [40, 48])
    return data.Dataset("given", IMAGES, LABELS, parts[0], parts[2], 3, "made up", val=parts[1])


def test_each_seed_has_parts_of_its_own_of_the_same_sizes() -> None:
    whole = data.from_arrays(IMAGES, LABELS)
    drawn = [redrawn(whole, "test", Redraw(seed)) for seed in range(4)]
    for parts in drawn:
        assert sorted([*parts.train, *parts.test]) == list(range(60))
        assert (len(parts.train), len(parts.test)) == (len(whole.train), len(whole.test))
        assert np.bincount(LABELS[parts.test]).tolist() == np.bincount(LABELS[whole.test]).tolist()
        assert parts.images is whole.images, "a seed's parts need no copy of the images"
    assert len({tuple(parts.test) for parts in drawn}) == 4
    again = redrawn(whole, "test", Redraw(2))
    assert again.test.tolist() == drawn[2].test.tolist()


def test_no_group_is_divided() -> None:
    whole = data.from_arrays(IMAGES, LABELS, groups=GROUPS)
    for seed in range(5):
        parts = redrawn(whole, "test", Redraw(seed, apart=seed % 2 == 0))
        assert not {*GROUPS[parts.train]} & {*GROUPS[parts.test]}


def test_masks_are_drawn_by_brightness() -> None:
    masks = (IMAGES[:, 0] > 0.5).astype(np.uint8)
    whole = data.from_arrays(IMAGES, masks)
    parts = redrawn(whole, "test", Redraw(1))
    assert len(parts.test) == len(whole.test) and not {*parts.train} & {*parts.test}


@pytest.mark.parametrize("name", data.SOURCES)
def test_what_scanlab_divides_may_be_divided_anew(name: str) -> None:
    whole = data.whole(name)
    if not whole.drawn:  # made of the digits of one part each
        with pytest.raises(ScanlabError, match="S770"):
            redrawn(whole, "test", Redraw(1))
        return
    parts = redrawn(whole, "test", Redraw(1))
    assert 0 < len(np.intersect1d(parts.test, whole.test)) < len(whole.test)


@pytest.mark.parametrize("part", ["test", "val"])
def test_parts_that_came_with_the_data_are_kept_unless_pooled(part: str) -> None:
    whole = with_val()
    with pytest.raises(ScanlabError) as caught:
        redrawn(whole, part, Redraw(1))
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "S770" and f"a {'validation' if part == 'val' else 'test'} part" in diagnostic.message
    parts = redrawn(whole, part, Redraw(1, pooled=True))
    usual = measured_on(whole, part)
    # Rounded class by class.
    assert abs(len(parts.test) - len(usual.test)) <= 3 and len(parts.train) + len(parts.test) == len(usual.images)
    assert parts.test.tolist() != usual.test.tolist()


def pixels(dataset: data.Dataset, part: str) -> set[bytes]:
    return {image.tobytes() for image in dataset.images[getattr(dataset, part)]}


def test_a_validation_part_is_drawn_and_the_test_part_stays_unseen() -> None:
    whole = data.from_arrays(IMAGES[:40], LABELS[:40], test_images=IMAGES[40:], test_targets=LABELS[40:])
    one, other = (redrawn(whole, "val", Redraw(seed)) for seed in (1, 2))
    assert pixels(one, "test") != pixels(other, "test")
    for parts in (one, other):
        assert not (pixels(parts, "train") | pixels(parts, "test")) & pixels(whole, "test")


@pytest.mark.parametrize("part", ["test", "val"])
@pytest.mark.parametrize("given", [True, False])
def test_a_learning_rate_is_chosen_on_what_is_never_measured(part: str, given: bool) -> None:
    whole = with_val() if given else data.from_arrays(IMAGES, LABELS)
    tuning = tuning_parts(whole, part)
    assert not pixels(tuning, "test") & pixels(tuning, "train")
    measured = pixels(measured_on(whole, part), "test")
    assert not measured & (pixels(tuning, "test") | pixels(tuning, "train"))
    for seed in range(4):
        parts = redrawn(whole, part, Redraw(seed, pooled=True, apart=True))
        assert not pixels(parts, "test") & pixels(tuning, "test")


def test_what_was_chosen_on_stays_in_the_training_part() -> None:
    whole = data.from_arrays(IMAGES, LABELS)
    pool, kept = redrawable(whole, "test", apart=True)
    assert len(kept) == len(tuning_parts(whole, "test").test) and len(pool) + len(kept) == 60
    for seed in range(3):
        assert {*kept} <= {*redrawn(whole, "test", Redraw(seed, apart=True)).train}
