"""Models as other tools meet them: modules are called, parameters marked, batches of any size, no values at first."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, NextPatch, Segmenter
from scanlab.ops import use_backend
from scanlab.zoo.presets import PLAINMAMBA_MIXER, VIM_MIXER, VMAMBA_MIXER

CASCADE = "sum(orbit((by h, w restart by h), reverse), orbit((by w, h restart by w), reverse))"
TWO = {"depth": (1, 1), "stem": "overlapping", "positions": "none"}
MODELS = {
    "vim": ("vim", {"norm_kind": "rms", "readout": "cls", "mixer": replace(VIM_MIXER, state=4)}),
    "vim, first path": ("vim", {"readout": "cls", "mixer": replace(VIM_MIXER, state=2, convolution="first_path")}),
    "vmamba": ("vmamba", {**TWO, "mlp": 2.0, "mixer": VMAMBA_MIXER, "drop_path": 0.5}),
    "vmamba v0": ("vmamba", {**TWO, "downsample": "merge", "stem": "patch_norm", "mixer": VMAMBA_MIXER}),
    "cascade": (CASCADE, {"positions": "none", "mixer": replace(VMAMBA_MIXER, kind="cascade")}),
    "plainmamba": ("sum(row, -row)", {"mixer": replace(PLAINMAMBA_MIXER, state=2)}),
    "ssd": ("cross", {"mixer": MixerConfig(kind="ssd", head=8, convolution="path"), "norm_kind": "rms"}),
    "gate": ("gate(row, hilbert) with cls at middle", {"readout": "cls", "mixer": MixerConfig(parameters="own_decay")}),
    "heads": ("heads(row, hilbert)", {}),
    "mean token": ("sum(row, -row) with mean at start", {}),
    "attention": ("row", {"mixer": MixerConfig(kind="attention"), "mlp": 2.0}),
    "convolution": ("row", {"mixer": MixerConfig(kind="convolution")}),
    "no scan": ("sum(row, -row)", {"mixer": replace(VIM_MIXER, kind="none")}),
}
every = pytest.mark.parametrize("name", MODELS)


def built(name):
    torch.manual_seed(0)
    scan, config = MODELS[name]
    return Classifier(Backbone(scan, BackboneConfig(patch=4, dim=16, **config), input_size=(16, 16), channels=3), 5)


def images(batch=2):
    return torch.rand(batch, 3, 16, 16, generator=torch.Generator().manual_seed(1))


class Adapted(nn.Module):
    """A layer in the place of another, which knows nothing of weights."""

    def __init__(self, base):
        super().__init__()
        self.base, self.calls = base, 0

    def forward(self, *arguments):
        self.calls += 1
        return self.base(*arguments)


def leaves(model):
    kinds = (nn.Linear, nn.Conv2d, nn.LayerNorm, nn.RMSNorm)
    return {n: m for n, m in model.named_modules() if isinstance(m, kinds) or type(m).__name__ == "PathConvolution"}


@every
def test_every_layer_may_be_replaced_by_one_that_is_called(name):
    plain, model = built(name).eval(), built(name).eval()
    wrapped = []
    for path, layer in leaves(model).items():
        parent, _, last = path.rpartition(".")
        wrapped.append((path, Adapted(layer)))
        setattr(model.get_submodule(parent), last, wrapped[-1][1])
    torch.testing.assert_close(model(images()), plain(images()), rtol=1e-4, atol=1e-5)
    assert [path for path, module in wrapped if not module.calls] == []
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(model(images()), plain(images()), rtol=5e-2, atol=5e-2)


@every
def test_hooks_and_parametrisations_are_seen(name):
    model, seen = built(name), []
    for path, layer in leaves(model).items():
        layer.register_forward_hook(lambda *_, path=path: seen.append(path))
    model(images())
    assert set(seen) == set(leaves(model))
    doubled, plain = built(name), built(name)

    class Double(nn.Module):
        def forward(self, weight):
            return 2 * weight

    for layer in leaves(doubled).values():
        nn.utils.parametrize.register_parametrization(layer, "weight", Double())
    with torch.no_grad():
        for layer in leaves(plain).values():
            layer.weight.mul_(2)
    torch.testing.assert_close(doubled.eval()(images()), plain.eval()(images()), rtol=1e-4, atol=1e-4)


@every
def test_dynamic_quantisation(name):
    model = built(name).eval()
    with torch.no_grad():
        small = torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {nn.Linear}, dtype=torch.qint8)
        torch.testing.assert_close(small(images()), model(images()), rtol=0.2, atol=0.2)


@every
def test_exports_with_a_batch_of_any_size(name):
    model, batch = built(name).eval(), torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(model, (images(),), dynamic_shapes=({0: batch},)).module()
    for size in (1, 2, 5):
        torch.testing.assert_close(program(images(size)), model(images(size)), rtol=1e-4, atol=1e-5)


def test_the_next_patch_exports_with_a_batch_of_any_size():
    model = NextPatch(Backbone("row", BackboneConfig(patch=4, dim=16), input_size=(16, 16), channels=3)).eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(model, (images(),), dynamic_shapes=({0: batch},)).module()
    torch.testing.assert_close(program(images(5)), model(images(5)))


@every
def test_built_without_values_and_filled_later(name):
    with torch.device("meta"):
        model = built(name)
        assert model(torch.empty(2, 3, 16, 16)).is_meta
    assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {"meta"}
    for _ in range(3):
        torch.empty(1 << 16).fill_(1e6)  # what freed memory may hold
    model = model.to_empty(device="cpu")
    wanted = built(name)
    model.load_state_dict(wanted.state_dict())
    assert torch.equal(model.eval()(images()), wanted.eval()(images()))
    assert model.no_weight_decay() == wanted.no_weight_decay()


@every
def test_built_and_run_under_fake_tensors(name):
    with FakeTensorMode():
        model = built(name)
        out = model(torch.empty(2, 3, 16, 16))
        assert out.shape == (2, 5)
        out.sum().backward()
        assert model(torch.empty(1, 3, 20, 12)).shape == (1, 5)
    torch.testing.assert_close(built(name).eval()(images()), built(name).eval()(images()))


@every
def test_evaluated_first_and_trained_then(name):
    model = built(name)
    for mode in (torch.inference_mode, lambda: torch.device("meta")):
        sizes = torch.rand(2, 3, 24, 12 if mode is torch.inference_mode else 28)
        with mode():
            model.eval()(sizes)
        model.train()(sizes).sum().backward()


@every
def test_what_is_usually_not_decayed_is_named_and_marked(name):
    model = built(name)
    names = {n for n, _ in model.named_parameters()}
    ends = ("decay_log", "skip", "delta_bias", "patches", "tokens", "class_tokens")
    conventional = {n for n in names if n.split(".")[-1] in ends or ".gates." in n}
    conventional |= {n for n in names if n.endswith("convolution.bias") and model.get_parameter(n).ndim > 1}
    assert model.no_weight_decay() == conventional
    assert model.backbone.no_weight_decay() == {n.removeprefix("backbone.") for n in conventional}
    for other in (copy.deepcopy(model), model.to(torch.float64)):
        assert {n for n, p in other.named_parameters() if getattr(p, "_no_weight_decay", False)} == conventional
    decayed = names - conventional
    assert all(model.get_parameter(n).ndim < 2 or n.endswith("weight") for n in decayed), decayed


@every
def test_per_sample_gradients_are_those_of_each_sample_alone(name):
    model = built(name).eval()
    weights = {n: p.detach() for n, p in model.named_parameters()}

    def loss(p, x):
        return torch.func.functional_call(model, p, (x[None],)).square().sum()

    found = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, images(3))
    for i in range(3):
        model.zero_grad()
        model(images(3)[i : i + 1]).square().sum().backward()
        for n, p in model.named_parameters():
            torch.testing.assert_close(found[n][i], p.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["vim", "ssd", "vmamba"])
def test_a_whole_model_refuses_forward_mode_and_the_reference_has_it(name):
    model, x = built(name).eval(), images(1)
    for run in (model, torch.compile(model, backend="aot_eager")):
        with pytest.raises(Exception, match="S712"):
            torch.func.jvp(run, (x,), (x,))
    with use_backend("reference"):
        _, tangent = torch.func.jvp(model, (x,), (x,))
        step = 1e-2
        nearby = (model(x + step * x) - model(x - step * x)) / (2 * step)
    torch.testing.assert_close(tangent, nearby, rtol=5e-2, atol=1e-2)


def test_the_backend_of_a_model():
    model = built("vim").eval()
    with use_backend("reference"):
        slow = model(images())
    torch.testing.assert_close(slow, model(images()), rtol=1e-4, atol=1e-5)
    assert not torch.equal(slow, model(images()))


@pytest.mark.parametrize("name", ["vim", "ssd"])
def test_torch_counts_the_scan_forward_and_backward(name):
    model, counter = built(name), FlopCounterMode(display=False)
    with counter:
        model(images()).sum().backward()
    counts = {str(k).split(".")[-1]: n for k, n in counter.get_flop_counts()["Global"].items()}
    operator = "ssd" if name == "ssd" else "selective_scan"
    assert counts[f"{operator}_backward"] > counts[operator] > 0
    assert counts["causal_conv1d_backward"] == 3 * counts["causal_conv1d"] > 0
    if name == "vim":
        steps = 2 * 2 * 2 * 17  # blocks, samples, paths, patches and a token
        assert counts["selective_scan"] == steps * 32 * (9 * 4 + 2)


def test_images_without_a_batch_are_told_so():
    with pytest.raises(ScanlabError, match=r"\[3, 16, 16\] have 3 axes.*\[B, C, h, w\]") as caught:
        built("vim")(images()[0])
    assert "images[None]" in str(caught.value)


def test_buffers_that_were_written_to_come_back():
    model = built("vmamba").eval()
    wanted = model(images())
    for name, buffer in model.named_buffers():
        if "steps_" in name:
            buffer.fill_(10**6)
    assert torch.equal(model(images()), wanted)


def test_a_segmenter_names_what_is_not_decayed():
    model = Segmenter(Backbone("row", BackboneConfig(patch=4, dim=16), input_size=(16, 16)), 3)
    assert "backbone.positions.patches" in model.no_weight_decay()


@pytest.mark.parametrize("name", ["cascade", "vim, first path"])
def test_parts_of_a_table_are_made_once_and_compile_into_one_graph(name):
    model = built(name).eval()
    paths = model.backbone.blocks[0].mixer.paths
    assert paths((4, 4)) is paths((4, 4))
    assert paths((4, 4)).part(0, 1) is paths((4, 4)).part(0, 1)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(model, fullgraph=True, backend="aot_eager")(images()), model(images()))
