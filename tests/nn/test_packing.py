"""Images of different sizes in one call give what each gives alone, forwards and backwards, or are refused."""

import numpy as np
import pytest
import torch

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, MixerConfig
from scanlab.ops import causal_conv1d, index_table, path_table, selective_scan, ssd
from scanlab.ops.packing import packed_table

GRIDS = ((3, 4), (1, 5), (6, 6), (2, 2))


def tables(line="sum(row, -column)"):
    return [path_table(scanlab.compile(scanlab.parse(line, axes="h w"), grid)) for grid in GRIDS]


def inputs(own, paths, channels=6, states=3):
    draw = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=draw).requires_grad_()

    length = sum(t.length for t in own)
    rows = {"u": normal(1, length, channels), "delta": normal(1, paths, length, channels)}
    rows |= {name: normal(1, paths, length, states) for name in "BC"}
    return rows, {
        "A": (-torch.rand(paths, channels, states, generator=draw)).requires_grad_(),
        "D": normal(paths, channels),
    }


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize(
    "line", ["row", "sum(row, -column)", "sum(row, -column) with cls at end", "by h, ~w restart by h"]
)
def test_a_scan_of_packed_grids_equals_one_by_one(line, backend):
    own = tables(line)
    packed = packed_table(own)
    rows, parameters = inputs(own, own[0].paths)
    options = {"delta_softplus": True, "backend": backend}
    whole = selective_scan(**rows, **parameters, paths=packed, **options)
    starts = np.concatenate([[0], np.cumsum([t.length for t in own])])
    alone = []
    for table, first, last in zip(own, starts[:-1], starts[1:], strict=True):
        part = {n: t[..., first:last, :] for n, t in rows.items()}
        alone.append(selective_scan(**part, **parameters, paths=table, **options))
    torch.testing.assert_close(whole, torch.cat(alone, 1), rtol=1e-6, atol=1e-6)
    leaves = [*rows.values(), *parameters.values()]
    got = torch.autograd.grad(whole.square().sum(), leaves)
    want = torch.autograd.grad(torch.cat(alone, 1).square().sum(), leaves)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def test_the_convolution_and_the_dual_take_packed_grids():
    own = tables()
    packed, starts = packed_table(own), np.concatenate([[0], np.cumsum([t.length for t in tables()])])
    draw = torch.Generator().manual_seed(0)
    length = int(starts[-1])
    x, weight = torch.randn(1, length, 6, generator=draw), torch.randn(2, 6, 3, generator=draw)
    dt, B = torch.randn(1, 2, length, 2, generator=draw), torch.randn(1, 2, length, 3, generator=draw)
    A = -torch.rand(2, 2, generator=draw)
    together = (
        causal_conv1d(x, weight, paths=packed),
        ssd(x.unflatten(-1, (2, 3)), dt, A, B, B, dt_softplus=True, paths=packed),
    )
    for table, first, last in zip(own, starts[:-1], starts[1:], strict=True):
        part = slice(first, last)
        alone = causal_conv1d(x[:, part].contiguous(), weight, paths=table)
        torch.testing.assert_close(together[0][:, :, part], alone)
        heads = x[:, part].unflatten(-1, (2, 3))
        alone = ssd(heads, dt[:, :, part], A, B[:, :, part], B[:, :, part], dt_softplus=True, paths=table)
        torch.testing.assert_close(together[1][:, part], alone, rtol=1e-4, atol=1e-4)


def backbone(line="cross", **config):
    torch.manual_seed(0)
    mixer = config.pop("mixer", {})
    sizes = BackboneConfig(**{"patch": 4, "dim": 8, **config}, mixer=MixerConfig(**mixer))
    return Backbone(line, sizes, input_size=(16, 16), channels=2)


BACKBONES = {
    "convolution on the grid": {"mixer": {"convolution": "grid"}},
    "convolution along paths": {"mixer": {"convolution": "path"}, "positions": "none"},
    "class tokens": {"line": "sum(row, -row) with cls at middle", "readout": "cls"},
    "the dual": {"mixer": {"kind": "ssd", "head": 8}},
    "stages": {"depth": (1, 1), "patch": 2},
    "a perceptron, dropped at times": {"mlp": 2.0, "drop_path": 0.5},
    "a cycle": {"line": "cycle(row, column)"},
    "attention": {"mixer": {"kind": "attention", "head": 4}},
    "an LSTM": {"line": "snake", "mixer": {"kind": "lstm"}},
    "an LSTM with class tokens": {"line": "row with cls at end", "mixer": {"kind": "lstm"}, "readout": "cls"},
    "a convolution": {"mixer": {"kind": "convolution"}},
    "halved patches": {"patch": (4, 2), "stem": "halving"},
}


@pytest.mark.parametrize("case", BACKBONES)
def test_a_backbone_of_packed_images_equals_one_by_one(case):
    model = backbone(**BACKBONES[case]).eval()
    draw = torch.Generator().manual_seed(1)
    images = [torch.rand(2, *size, generator=draw) for size in ((16, 16), (8, 20), (4, 4), (12, 8))]
    together = model.packed(images)
    alone = [model(image[None])[0] for image in images]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    weights = [p for p in model.parameters() if p.requires_grad]
    got, want = (torch.autograd.grad(sum(r.square().sum() for r in rows), weights) for rows in (together, alone))
    torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4)


def test_a_dropped_branch_is_one_images_own():
    model = backbone(drop_path=0.9, depth=4, mlp=1.0).train()
    image = torch.rand(2, 16, 16)
    torch.manual_seed(0)
    first, second, third = model.packed([image] * 3)
    assert not (torch.equal(first, second) and torch.equal(second, third))


def test_an_altered_table_is_not_vouched_for_in_a_pack():
    altered = path_table(scanlab.compile("row", (2, 2)))
    altered.steps[0, 0, 0] = 99
    with pytest.raises(ScanlabError, match="S713"):
        packed_table([altered, altered])


def test_a_pack_of_one_table_is_that_table():
    only = tables("row with cls at start")[0]
    assert packed_table([only]) is only


def test_one_image_is_a_pack_and_the_last_packs_are_kept():
    model = backbone()
    image = torch.rand(2, 12, 8)
    torch.testing.assert_close(model.packed([image])[0], model(image[None])[0])
    paths = model.blocks[0].mixer.paths
    model.packed([image])
    assert len(paths._packs) == 1


def test_any_images_that_can_be_listed_are_packed_and_looked_at_first(monkeypatch):
    model, images = backbone(), [torch.rand(2, 8, 8), torch.rand(2, 4, 12)]
    torch.testing.assert_close(model.packed(image for image in images), model.packed(images))
    monkeypatch.setattr(model.embed, "forward", lambda *_: pytest.fail("something was computed"))
    for wrong in (torch.rand(3, 8, 8), torch.rand(8, 8), torch.rand(1, 2, 8, 8), torch.rand(2, 8, 2)):
        with pytest.raises(ScanlabError, match="S614"):
            model.packed([*images, wrong])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: packed_table([]), "there are none"),
        (lambda: packed_table([tables("row")[0], tables()[0]]), "1 and 2 paths"),
        (lambda: packed_table(tables("chain(row, column)")), "a chain goes through"),
        (
            lambda: packed_table([index_table(torch.stack([torch.randperm(4)[None] for _ in range(2)]), 4)]),
            "per sample",
        ),
        (lambda: packed_table(tables("row"), [4]), "lengths"),
        (lambda: packed_table(tables("row")[:1], [-1]), "its length is -1"),
        (lambda: packed_table([scanlab.compile("row", (2, 2))]), "CompiledScan"),
        (lambda: backbone().packed([]), "there are no images"),
        (lambda: backbone().packed(iter(())), "there are no images"),
        (lambda: backbone().packed("ab"), "a str stands"),
        (lambda: backbone().packed(3), "a int stands"),
        (lambda: backbone().packed([torch.rand(2, 8, 8), None]), "a NoneType stands"),
        (lambda: backbone("row with mean at end").packed([torch.rand(2, 8, 8)]), "mean token"),
    ],
)
def test_what_cannot_be_packed_is_refused(make, said):
    with pytest.raises(ScanlabError, match="S717") as caught:
        make()
    assert said in str(caught.value)
