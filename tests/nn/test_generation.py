"""Patches drawn one by one are what teacher forcing expects, whatever the path and the size; else they are refused."""

import math

import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig, NextPatch, set_scan
from scanlab.nn.generation import Steps


def next_patch(line="row", size=(8, 8), loss="bits", alter=None, depth=2, **mixer):
    torch.manual_seed(0)
    config = BackboneConfig(patch=2, dim=8, depth=depth, mixer=MixerConfig(**mixer))
    return NextPatch(Backbone(line, config, input_size=size, alter=alter), loss=loss, levels=16).eval()


def images(size=(8, 8)):
    return (torch.rand(3, 1, *size, generator=torch.Generator().manual_seed(2)) * 15).round() / 15


PATHS = {
    "snake": ("snake", {}, None),
    "hilbert along its path": ("hilbert", {"convolution": "path"}, None),
    "columns of the dual": ("column", {"kind": "ssd", "head": 8, "convolution": "path"}, None),
    "rows": ("by h, w restart by h", {}, None),
    "pairs of rows along a path": ("by h, ~w restart by h // 2", {"convolution": "path"}, None),
    "the dual": ("by h, w restart by h", {"kind": "ssd", "head": 8, "convolution": "path"}, None),
    "no memory": ("row", {"convolution": "path"}, lambda table: table.without_memory()),
    "shuffled": ("row", {"convolution": "path"}, lambda table: table.scrambled(1)),
    "layers apart": ("cycle((by h, w), (by h, w restart by h))", {"convolution": "first_path"}, None),
}


@torch.no_grad()
@pytest.mark.parametrize("case", PATHS)
def test_steps_expect_what_teacher_forcing_expects(case):
    line, mixer, alter = PATHS[case]
    model, pictures = next_patch(line, alter=alter, **mixer), images()
    want, order = model(pictures), model.order_of(pictures)
    patches = model.targets(pictures)[:, order]
    one, many = Steps(model, (4, 4), 3), Steps(model, (4, 4), 3)
    expected = [one.expected]
    for i in range(15):
        one.read(patches[:, i : i + 1])
        expected.append(one.expected)
    at_once = torch.cat([many.expected[:, None], many.read(patches[:, :6]), many.read(patches[:, 6:15])], 1)
    for along in (torch.stack(expected, 1), at_once):
        torch.testing.assert_close(along[:, order.argsort()], want, rtol=1e-5, atol=1e-5)
    with pytest.raises(ScanlabError, match=r"S716.*step 17"):
        one.read(patches[:, :2])


@torch.no_grad()
@pytest.mark.parametrize("size", [(7, 7), (7, 5), (8, 3)])
def test_patches_that_reach_over_the_edge(size):
    """Greedy values are those that the model expects, given the picture that came out."""
    model = next_patch(size=size)
    grid = model.backbone.grid_of(size)
    made = model.complete(torch.zeros(3, 1, *size), torch.zeros(grid, dtype=torch.bool), greedy=True)
    mean, _ = model(made).chunk(2, dim=-1)
    forced = model.images_of((mean.sigmoid() * 15).round() / 15, size)
    assert ((forced - made).abs() > 1e-3).float().mean() < 0.02  # a value between two levels may fall either way
    along = model.generate(torch.zeros(3, 0, 4), greedy=True)
    assert torch.equal(along, model.targets(made)[:, model.order_of(made)])
    drawn = model.generate(along[:, :2], generator=torch.Generator().manual_seed(0))
    beyond = model.targets(torch.ones(1, 1, *size))[0] == 0
    assert not drawn[:, beyond].any() and drawn.any()


REFUSED = {
    "a prefix beyond the grid": (lambda m: m.generate(torch.zeros(1, 20, 4)), "S716", "20 patches"),
    "steps beyond it": (lambda m: m.generate(torch.zeros(1, 10, 4), steps=7), "S716", "17 patches"),
    "steps back": (lambda m: m.generate(torch.zeros(1, 3, 4), steps=-1), "S716", "-1 steps"),
    "a half step": (lambda m: m.generate(torch.zeros(1, 3, 4), steps=2.5), "S716", "2.5 steps"),
    "steps in words": (lambda m: m.generate(torch.zeros(1, 3, 4), steps="2"), "S716", "'2' steps"),
    "one axis": (lambda m: m.generate(torch.zeros(4)), "S614", "[B, n, 4]"),
    "a list": (lambda m: m.generate([[0.0]]), "S614", "list"),
    "whole numbers": (lambda m: m.generate(torch.zeros(1, 3, 4, dtype=torch.int64)), "S614", "int64"),
    "a size of one axis": (lambda m: m.generate(torch.zeros(1, 0, 4), size=8), "S614", "1 axis"),
    "colours": (lambda m: m.complete(torch.zeros(1, 3, 8, 8), KNOWN), "S614", "3 channels"),
    "no batch": (lambda m: m.complete(torch.zeros(8, 8), KNOWN), "S614", "2 axes"),
    "bytes": (lambda m: m.complete(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), KNOWN), "S614", "uint8"),
    "known as a list": (lambda m: m.complete(images(), KNOWN.tolist()), "S614", "list"),
    "known of another shape": (lambda m: m.complete(images(), KNOWN.view(2, 8)), "S614", "[2, 8]"),
    "an image smaller than a patch": (lambda m: m.targets(torch.zeros(1, 1, 8, 1)), "S614", "smaller"),
    "a scan set anew": (
        lambda m: set_scan(m.backbone, "sum(row, -row)") and m.generate(torch.zeros(1, 0, 4)),
        "S615",
        "several paths",
    ),
}
KNOWN = torch.zeros(4, 4, dtype=torch.bool)


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case, monkeypatch):
    call, code, said = REFUSED[case]
    monkeypatch.setattr(Steps, "read", lambda *_: pytest.fail("something was computed"))
    with pytest.raises(ScanlabError, match=code) as caught:
        call(next_patch())
    assert said in str(caught.value)


def test_a_model_of_means_is_refused_before_it_reads(monkeypatch):
    model = next_patch(loss="mse")
    monkeypatch.setattr(Steps, "read", lambda *_: pytest.fail("something was computed"))
    with pytest.raises(ScanlabError, match="S615"):
        model.generate(torch.zeros(2, 3, 4))
    monkeypatch.undo()
    assert torch.equal(model.complete(images(), ~KNOWN), images())


def test_a_part_of_a_path_that_does_not_fit_leaves_the_steps_as_they_were():
    model = next_patch()
    steps = Steps(model, (4, 4), 3)
    steps.read(torch.zeros(3, 2, 4))
    before = steps.expected
    for wrong in (torch.zeros(3, 0, 4), torch.zeros(2, 1, 4), torch.zeros(3, 1, 5), torch.zeros(4)):
        with pytest.raises(ScanlabError, match="S614"):
            steps.read(wrong)
    assert steps.done == 2 and steps.expected is before and math.isfinite(steps.expected.sum().item())


def test_tables_that_revisit_are_no_path_to_predict_along():
    from dataclasses import replace

    def twice(table):
        return replace(table, steps=torch.cat([table.steps, table.steps[..., -1:]], -1), segments=_longer(table))

    def _longer(table):
        segments = table.segments.clone()
        segments[-1, 3] += 1
        return segments

    with pytest.raises(ScanlabError, match=r"S615|S713"):
        next_patch(alter=twice)


@pytest.mark.parametrize("line", ["row", "hilbert", "column"])
def test_known_patches_stay_and_others_are_drawn(line):
    model, pictures = next_patch(line), images()
    known = torch.zeros(4, 4, dtype=torch.bool)
    known[1, 2:] = known[3, 0] = True
    draws = [model.complete(pictures, known, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    inside = known.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert torch.equal(draws[0][..., inside], pictures[..., inside])
    levels = (draws[0] * 15).round() / 15
    assert torch.equal(levels, draws[0]) and draws[0].amin() >= 0 and draws[0].amax() <= 1
    assert torch.equal(model.complete(pictures, torch.ones(4, 4, dtype=torch.bool)), pictures)
    assert torch.equal(model.complete(pictures, known, greedy=True), model.complete(pictures, known, greedy=True))


def test_a_prefix_goes_on_along_the_path():
    model, pictures = next_patch("column"), images()
    order = model.order_of(pictures)
    prefix = model.targets(pictures)[:, order][:, :5]
    made = model.generate(prefix, steps=4, greedy=True)
    assert made.shape == (3, 9, 4) and torch.equal(made[:, :5], prefix)
    known = torch.zeros(16, dtype=torch.bool)
    known[order[:5]] = True
    whole = model.targets(model.complete(pictures, known, greedy=True))[:, order]
    torch.testing.assert_close(model.generate(prefix, greedy=True), whole)
    torch.testing.assert_close(made, whole[:, :9])
    assert model.generate(prefix[:, :0], size=(4, 12), greedy=True).shape == (3, 12, 4)


def test_what_cannot_be_drawn_is_refused():
    model = next_patch()
    for call, code in (
        (lambda: model.generate(torch.zeros(2, 3, 5)), "S614"),
        (lambda: model.generate(torch.zeros(2, 3, 4), steps=14), "S716"),
        (lambda: model.complete(images(), torch.ones(3, dtype=torch.bool)), "S614"),
        (lambda: model.complete(images(), torch.ones(4, 4)), "S614"),
        (lambda: next_patch(loss="mse").generate(torch.zeros(2, 3, 4)), "S615"),
    ):
        with pytest.raises(ScanlabError, match=code):
            call()
    assert next_patch(loss="mse").generate(torch.zeros(2, 3, 4), greedy=True).shape == (2, 16, 4)


def test_patches_that_overlap_show_what_is_to_be_predicted():
    for config in (BackboneConfig(patch=4, stem="overlapping", dim=8), BackboneConfig(patch=4, stride=2, dim=8)):
        with pytest.raises(ScanlabError, match=r"S615.*overlap"):
            NextPatch(Backbone("row", config, input_size=(16, 16)))
