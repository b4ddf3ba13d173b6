"""The mixer and the backbone over scans that the compiler bound."""

import numpy as np
import pytest
import torch

from scanlab.compiler.bind import bind
from scanlab.facade import parse
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Axis
from scanlab.ir.values import Entry, Key, Order, Plan, Scan, Token
from scanlab.nn import Backbone, BackboneConfig, Classifier, Merge, MixerConfig, ScanMixer
from scanlab.nn.mixer import LayerSpec
from scanlab.ops import PathTable

H, W = Axis("h"), Axis("w")
ROW = Order(("h", "w"), (Key(H), Key(W)))
COLUMN = Order(("h", "w"), (Key(W), Key(H)))
GRID = (4, 4)
SIZES = BackboneConfig(patch=2, dim=8, depth=2, mixer=MixerConfig(state=2))
SMALL = MixerConfig(state=2)


def classifier(strategy, config=SIZES):
    return Classifier(Backbone(strategy, config))


def mixer(compiled, config=SMALL, alter=None):
    return ScanMixer(LayerSpec(compiled.scan, compiled.grid, 8, config, alter))


def scan(merge, *parts, **fields):
    return bind(Scan(merge, parts, **fields), GRID)


EVERY_MERGE = {
    "sum": scan("sum", ROW, -ROW),
    "mean": scan("mean", ROW, COLUMN),
    "gate": scan("gate", ROW, COLUMN),
    "heads": scan("heads", Scan("sum", (ROW, -ROW)), Scan("sum", (COLUMN, -COLUMN))),
    "chain": scan("chain", ROW, -ROW),
    "restart": bind(Order(("h", "w"), (Key(H), Key(W)), restart=(H,)), GRID),
    "tokens": scan("sum", ROW, -ROW, tokens=(Token("mean", "start"), Token("cls", "middle"))),
    "plan": bind(Plan("cycle", (Entry(Scan("sum", (ROW,))), Entry(Scan("sum", (COLUMN,))))), GRID),
}


def seeded(build):
    torch.manual_seed(0)
    return build()


@pytest.mark.parametrize("name", EVERY_MERGE)
def test_every_merge_trains(name):
    model = seeded(lambda: classifier(EVERY_MERGE[name]))
    logits = model(torch.rand(3, 1, 8, 8))
    assert logits.shape == (3, 10)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in model.parameters())


def test_parameters_do_not_depend_on_the_number_of_paths():
    one, two = (Backbone(s, SIZES) for s in (bind(ROW, GRID), EVERY_MERGE["sum"]))
    assert [p.shape for p in one.parameters()] == [p.shape for p in two.parameters()]


def test_own_parameters_per_path_on_request():
    config = BackboneConfig(dim=8, depth=1, mixer=MixerConfig(state=2, parameters="per_path"))
    assert Backbone(EVERY_MERGE["sum"], config).blocks[0].mixer.decay_log.shape == (2, 16, 2)


@pytest.mark.parametrize("name", ["gate", "tokens", "heads"])
def test_weights_shared_by_two_strategies_start_alike(name):
    first = seeded(lambda: classifier(EVERY_MERGE["sum"])).state_dict()
    second = seeded(lambda: classifier(EVERY_MERGE[name])).state_dict()
    assert set(first) <= set(second)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_merge_weights_of_a_nested_tree():
    tree = scan("mean", Scan("gate", (ROW, -ROW)), Scan("heads", (COLUMN, -COLUMN)))
    merge = Merge(tree, 4)
    expected = torch.tensor([[0.5] * 4, [0.5] * 4, [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    assert torch.equal(merge(), expected)
    with torch.no_grad():
        merge.gates[0][1] = 3.0
    assert torch.equal(merge(), expected * torch.tensor([[1.0], [3.0], [1.0], [1.0]]))


def test_every_path_of_what_adds_up_counts_once_inside_a_mean():
    text = "mean(sum(row, -row), chain(column, -column), scatter((row where h % 2 == 0), (row where h % 2 == 1)))"
    assert torch.equal(Merge(bind(parse(text, "h w"), GRID), 4)(), torch.full((6, 4), 1 / 3))


def test_a_gate_starts_as_a_sum():
    gate, total = (seeded(lambda s=s: classifier(s)) for s in (EVERY_MERGE["gate"], scan("sum", ROW, COLUMN)))
    images = torch.rand(2, 1, 8, 8)
    assert torch.equal(gate(images), total(images))


def test_a_causal_path_hears_only_of_earlier_patches():
    mix = seeded(lambda: mixer(bind(COLUMN, GRID)))
    x = torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 6] += 1
    moved = (mix(x, GRID) != mix(changed, GRID)).any(-1)[0]
    # Column by column on 4x4, patch 6 = (1, 2) stands at step 9.
    assert np.flatnonzero(moved).tolist() == sorted([6, 10, 14, 3, 7, 11, 15])


def test_without_memory_no_patch_hears_of_another():
    mix = seeded(lambda: mixer(EVERY_MERGE["sum"], alter=PathTable.without_memory))
    x = torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 6] += 1
    assert np.flatnonzero((mix(x, GRID) != mix(changed, GRID)).any(-1)[0]).tolist() == [6]


def test_a_mean_token_lets_every_patch_hear_of_all():
    with_mean = bind(Order(("h", "w"), (Key(H), Key(W)), tokens=(Token("mean", "start"),)), GRID)
    mix = seeded(lambda: mixer(with_mean))
    x = torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 15] += 1
    assert (mix(x, GRID) != mix(changed, GRID)).any(-1).all()
    assert mix(x, GRID).shape == x.shape


def test_a_class_token_passes_by_layers_that_do_not_visit_it():
    with_class = Scan("sum", (ROW,), tokens=(Token("cls", "end"),))
    with_mean = Scan("sum", (ROW,), tokens=(Token("mean", "start"),))
    plan = bind(Plan("cycle", (Entry(with_class), Entry(with_mean))), GRID)
    model = seeded(lambda: Backbone(plan, SIZES))
    tokens = torch.randn(1, 17, 8)
    mixed = model.blocks[1].mixer(tokens, GRID)
    assert torch.equal(mixed[:, 16], torch.zeros(1, 8))
    assert torch.equal(mixed[:, :16], model.blocks[1].mixer(tokens[:, :16], GRID))


def test_the_convolution_reaches_2d_neighbours():
    config = MixerConfig(state=2, convolution="grid")
    mix = seeded(lambda: mixer(bind(ROW, GRID), config, PathTable.without_memory))
    x = torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 5] += 1
    assert np.flatnonzero((mix(x, GRID) != mix(changed, GRID)).any(-1)[0]).tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]


def test_reading_out_from_the_class_token():
    config = BackboneConfig(dim=8, readout="cls")
    assert classifier(EVERY_MERGE["tokens"], config)(torch.rand(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    "strategy, config, code, message",
    [
        (
            bind(Plan("layers", (Entry(Scan("sum", (ROW,)), 3),)), GRID),
            SIZES,
            "S603",
            "the plan has 3 layers and the model 2",
        ),
        (scan("heads", ROW, COLUMN, -ROW), SIZES, "S604", "16 channels cannot be divided into the heads of this scan"),
        (
            EVERY_MERGE["sum"],
            BackboneConfig(dim=8, readout="cls"),
            "S605",
            "a scan has no class token to read the class from",
        ),
    ],
)
def test_what_does_not_fit_is_refused(strategy, config, code, message):
    with pytest.raises(ScanlabError) as caught:
        Backbone(strategy, config)
    assert caught.value.code == code
    assert message in str(caught.value)
