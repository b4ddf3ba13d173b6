"""The detector: its places against the definition, what it is to learn by hand, and that it learns it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scanlab import parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Detector, boxes, set_scan
from scanlab.nn.boxes import clipped, overlaps_of_pairs, separated
from scanlab.nn.detection_loss import NEAR, STEPS, assigned, detection_loss
from scanlab.zoo import load, save

PLAIN = BackboneConfig(patch=4, dim=8, depth=(1, 1))


def detector(config: BackboneConfig = PLAIN, classes: int = 2, size: tuple[int, ...] = (32, 32), width: int = 8):
    torch.manual_seed(0)
    return Detector(Backbone("sum(row, -row)", config, input_size=size), classes, width).eval()


def some_boxes(*rows: tuple[float, ...], most: int = 0) -> torch.Tensor:
    """[1, most, 5], filled with class -1."""
    filled = [*rows, *[(0.0, 0.0, 0.0, 0.0, -1.0)] * (max(most, 1) - len(rows))]
    return torch.tensor([filled])


CONFIGS = {
    "two stages": PLAIN,
    "one stage": replace(PLAIN, depth=2),
    "three stages": replace(PLAIN, depth=(1, 1, 1)),
    "an overlapping stem": replace(PLAIN, stem="overlapping"),
    "oblong patches": replace(PLAIN, patch=(2, 4)),
    "overlapping patches": replace(PLAIN, stride=2),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("extents", [(32, 32), (20, 36), (33, 18)])
def test_a_box_and_scores_for_every_place(config: BackboneConfig, extents: tuple[int, int]) -> None:
    model, images = detector(config), torch.rand(2, 1, *extents)
    with torch.no_grad():
        outputs, places = model(images), model.places(images)
    grids = [tuple(picture.shape[2:]) for picture in model.pyramid(images)]
    assert outputs.shape == (2, sum(h * w for h, w in grids), 6) == (2, len(places.centres), 6)
    assert (outputs[..., 2:4] > outputs[..., :2]).all()
    # At first an object is nowhere likely, and every box is one step to each side.
    assert torch.allclose(outputs[..., 4:].sigmoid(), torch.tensor(0.01), atol=0.01)
    middles = (outputs[0, :, :2] + outputs[0, :, 2:4]) / 2
    assert ((middles - places.centres).abs() < 0.5 * places.steps).all()
    sides = config.patch_sides(2)
    down, right = (config.stride, config.stride) if config.stride else sides
    for level, (high, wide) in enumerate(grids):
        start = sum(h * w for h, w in grids[:level])
        own = places.centres[start : start + high * wide].reshape(high, wide, 2)
        step = torch.tensor([right * 2**level, down * 2**level], dtype=torch.float32)
        first = step / 2 + torch.tensor([(sides[1] - right) / 2, (sides[0] - down) / 2])
        grid = torch.stack(torch.meshgrid(torch.arange(wide), torch.arange(high), indexing="xy"), -1)
        assert torch.allclose(own, first + grid * step)


def test_two_ious_by_hand() -> None:
    one = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 1], [1, 1, 1, 1]], dtype=torch.float64)
    other = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 3, 1], [1, 1, 1, 1]], dtype=torch.float64)
    iou, generalized = overlaps_of_pairs(one, other)
    assert iou.tolist() == pytest.approx([1, 2 / 6, 0, 0])
    assert generalized.tolist()[:3] == pytest.approx([1, 2 / 6, -1 / 3])


def test_the_generalized_iou_has_the_right_gradient() -> None:
    draw = torch.Generator().manual_seed(0)
    corner, extent = (torch.rand(12, 2, generator=draw, dtype=torch.float64) for _ in range(2))
    one = torch.cat([corner, corner + extent + 0.1], 1).requires_grad_()
    other = torch.cat([corner + 0.3, corner + 0.7], 1)
    assert torch.autograd.gradcheck(lambda boxes: overlaps_of_pairs(boxes, other)[1], one)


def by_hand(places, targets: torch.Tensor) -> list[int]:
    """What `assigned` says of one image, from its docstring."""
    speaks: list[list[int]] = [[] for _ in places.centres]
    for number, (x0, y0, x1, y1, label) in enumerate(targets[0].tolist()):
        if label < 0:
            continue
        side = ((x1 - x0) * (y1 - y0)) ** 0.5
        distances = {}
        for place, (x, y) in enumerate(places.centres.tolist()):
            if not places.smallest[place] < side <= places.largest[place]:
                continue
            right, down = places.steps[place].tolist()
            away = abs(x - (x0 + x1) / 2) / right, abs(y - (y0 + y1) / 2) / down
            distances[place] = away[0] ** 2 + away[1] ** 2
            if x0 < x < x1 and y0 < y < y1 and max(away) < NEAR:
                speaks[place].append(number)
        nearest = min(distances, key=lambda place: (distances[place], place))
        speaks[nearest] = sorted({*speaks[nearest], number})
    area = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1, _ in targets[0].tolist()]
    return [min(some, key=lambda number: area[number]) if some else -1 for some in speaks]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("config", [PLAIN, replace(PLAIN, depth=1), replace(PLAIN, depth=(1, 1, 1))])
def test_places_speak_for_objects_as_is_said(config: BackboneConfig, seed: int) -> None:
    images = torch.zeros(1, 1, 64, 48)
    places = detector(config).places(images)
    draw = np.random.default_rng(seed)
    corner = draw.uniform(0, 44, (7, 2)) * [1, 1.3]
    extent = draw.uniform(0.5, 40, (7, 2))
    rows = np.concatenate([corner, np.minimum(corner + extent, [48, 64]), draw.integers(-1, 3, (7, 1))], 1)
    targets = torch.tensor(rows[None], dtype=torch.float32)
    assert assigned(places, targets)[0].tolist() == by_hand(places, targets)


def test_the_smallest_object_and_the_largest_have_a_place() -> None:
    images = torch.zeros(1, 1, 64, 64)
    places = detector().places(images)
    [chosen] = assigned(places, some_boxes((30.0, 30.0, 30.5, 30.5, 0.0), (0.0, 0.0, 64.0, 64.0, 1.0)))
    assert set(chosen.tolist()) == {-1, 0, 1}
    assert (places.steps[chosen == 0] == 4).all() and (places.steps[chosen == 1] == 8).all() and STEPS * 4 < 64


def test_nothing_to_find_is_learnt_as_nothing() -> None:
    model, images = detector(), torch.rand(2, 1, 32, 32)
    outputs = model(images)
    for targets in (torch.full((2, 3, 5), -1.0), torch.zeros(2, 0, 5)):
        loss = detection_loss(outputs, model.places(images), targets)
        score = outputs[..., 4:].sigmoid()
        assert loss.item() == pytest.approx((-(score**2) * (1 - score).log()).sum().item(), rel=1e-5)
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_a_perfect_answer_costs_nothing() -> None:
    model, images = detector(), torch.zeros(1, 1, 32, 32)
    places, targets = model.places(images), some_boxes((4.0, 6.0, 20.0, 18.0, 1.0), most=3)
    speaks = assigned(places, targets)[0] >= 0
    outputs = torch.zeros(1, len(speaks), 6)
    outputs[..., 2:4], outputs[..., 4:] = 1.0, -30.0
    outputs[0, speaks] = torch.tensor([4.0, 6.0, 20.0, 18.0, -30.0, 30.0])
    assert detection_loss(outputs, places, targets).item() == pytest.approx(0, abs=1e-5)
    wrong = outputs.clone()
    wrong[0, speaks, 4:] = torch.tensor([30.0, -30.0])
    assert detection_loss(wrong, places, targets) > 20


def test_it_learns_two_images() -> None:
    """Two squares, one bright and one dark, are found where they are, with their classes, at other sizes too."""
    images = torch.full((2, 1, 32, 32), 0.5)
    truth = [[(4, 6, 14, 16, 0), (18, 16, 30, 28, 1)], [(16, 3, 26, 13, 0), (2, 18, 14, 30, 1)]]
    for image, rows in zip(images, truth, strict=True):
        for x0, y0, x1, y1, label in rows:
            image[0, y0:y1, x0:x1] = 1.0 - label
    targets = torch.tensor(truth, dtype=torch.float32)
    torch.manual_seed(0)
    model = Detector(Backbone("sum(row, -row)", PLAIN, input_size=(32, 32)), 2, 16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(80):
        loss = model.loss(images, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]
    model.eval()
    for rows, said in zip(targets, model.detect(images, least_score=0.3), strict=True):
        assert sorted(said[:, 5].tolist()) == [0, 1] and (said[:, 4].diff() <= 0).all()
        for row in rows:
            [own] = said[said[:, 5] == row[4]]
            assert overlaps_of_pairs(own[:4], row[:4])[0] > 0.7
    wider = torch.nn.functional.pad(images, (0, 16, 0, 8), value=0.5)
    said = model.detect(wider, least_score=0.3)
    assert [len(one) > 0 for one in said] == [True, True]
    assert all((one[:, :4] >= 0).all() and (one[:, 2] <= 48).all() and (one[:, 3] <= 40).all() for one in said)


def test_boxes_of_one_class_are_separated() -> None:
    made = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [20, 20, 30, 30]])
    scores, classes = torch.tensor([0.5, 0.9, 0.8, 0.1]), torch.tensor([0, 0, 1, 0])
    assert separated(made, scores, classes, 0.5).tolist() == [1, 2, 3]
    assert separated(made, scores, classes, 0.9).tolist() == [1, 2, 0, 3]
    assert separated(made[:0], scores[:0], classes[:0], 0.5).tolist() == []
    # Far apart, and with negative numbers: no offset brings boxes of two classes together.
    assert separated(made - 1000, scores, classes, 0.5).tolist() == [1, 2, 3]


def test_no_more_boxes_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = detector(), torch.rand(1, 1, 32, 32)
    [all_] = model.detect(images, least_score=0.0, overlap=1.0, most=1000)
    [five] = model.detect(images, least_score=0.0, overlap=1.0, most=5)
    assert len(all_) == 2 * len(model.places(images).centres) and torch.equal(five, all_[:5])
    with pytest.raises(ScanlabError, match=r"(?s)S676.*scanlab\[detection\]"):
        monkeypatch.setattr(boxes, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
        model.detect(images, least_score=0.0)


def test_boxes_without_an_area_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    model = detector()
    # Two outside of the image to the right, which the border makes lines, and one within it.
    outputs = torch.tensor([[[40.0, 2, 50, 9, 5, -9], [41, 2, 52, 9, 5, -9], [3, 2, 9, 8, 4, -9]]])
    monkeypatch.setattr(model, "forward", lambda images: outputs)
    [kept] = model.detect(torch.zeros(1, 1, 32, 32))
    assert kept[:, :4].tolist() == [[3, 2, 9, 8]]


def test_clipping() -> None:
    assert clipped(torch.tensor([[-3.0, 2.0, 50.0, 60.0]]), 40, 30).tolist() == [[0, 2, 30, 40]]


def test_a_file_keeps_it(tmp_path) -> None:
    model = detector(classes=3)
    set_scan(model, "cross")
    save(model, tmp_path / "d.safetensors")
    again = load(tmp_path / "d.safetensors")
    assert isinstance(again, Detector) and again.classes == 3 and again.options() == {"classes": 3, "width": 8}
    images = torch.rand(1, 1, 24, 40)
    assert torch.equal(again(images), model(images))


@pytest.mark.parametrize(
    "size, classes, what", [((4, 8, 8), 2, "3 axes"), ((16,), 2, "1 axis"), ((8, 8), 0, "0 classes")]
)
def test_what_no_detector_is_built_over(size: tuple[int, ...], classes: int, what: str) -> None:
    strategy = {1: parse("by x", axes="x"), 2: "row", 3: "by t, h, w"}[len(size)]
    backbone = Backbone(strategy, replace(PLAIN, depth=1), input_size=size)
    with pytest.raises(ScanlabError, match=f"S679.*{what}"):
        Detector(backbone, classes)
