"""What a torch user expects of a model: autocast, compile, export, seeds, several processes, checkpointing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from sweep import sweeping

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig
from scanlab.zoo import create_model
from scanlab.zoo.presets import VIM_MIXER, VMAMBA_MIXER

MODELS = {
    "vim": ("vim", BackboneConfig(patch=4, dim=16, norm_kind="rms", readout="cls", mixer=replace(VIM_MIXER, state=4))),
    "vmamba": (
        "vmamba",
        BackboneConfig(
            patch=4, dim=16, depth=(1, 1), stem="overlapping", positions="none", mlp=2.0, mixer=VMAMBA_MIXER
        ),
    ),
    "ssd": ("cross", BackboneConfig(patch=4, dim=16, mixer=MixerConfig(kind="ssd", head=8, convolution="path"))),
    "gate": ("gate(row, hilbert)", BackboneConfig(patch=4, dim=16)),
}


def built(name, seed=0):
    torch.manual_seed(seed)
    scan, config = MODELS[name]
    return Classifier(Backbone(scan, config, input_size=(16, 16), channels=3), 5)


def images(batch=2, side=16):
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", MODELS)
def test_a_seed_fixes_weights_outputs_and_gradients(name):
    runs = []
    for _ in range(2):
        model = built(name)
        model(images()).square().sum().backward()
        runs.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
    assert not torch.equal(built(name, 1)(images()), built(name)(images()))


@pytest.mark.parametrize("name", MODELS)
def test_state_dicts_round_trip_strictly(name):
    first, second = built(name), built(name, 1)
    second.load_state_dict(first.state_dict(), strict=True)
    assert torch.equal(first(images()), second(images()))


# Each dtype compiles the kernels of a model anew: one model stands for float16, but in a sweep, and one whose kernels
# tests/ops compiles anyway.
HALVES = [("vmamba", torch.float16), *((name, torch.bfloat16) for name in MODELS)]
HALVES += [(name, torch.float16) for name in MODELS if name != "vmamba"]


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "dtype"), HALVES if sweeping() else HALVES[: len(MODELS) + 1])
def test_training_under_autocast_with_large_delta_stays_finite(name, dtype):
    """Steps near 50 make exp(delta A) vanish and delta B u large: where published models are known to give NaN."""
    model = built(name)
    with torch.no_grad():
        for block in model.backbone.blocks:
            block.mixer.delta_bias.fill_(50.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    labels = torch.tensor([1, 3])
    losses = []
    for _ in range(4):
        with torch.autocast("cpu", dtype):
            loss = torch.nn.functional.cross_entropy(model(images()), labels)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", MODELS)
def test_compile_takes_the_whole_graph_forward_and_backward(name):
    model = built(name)
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    wanted = model(images())
    wanted.square().sum().backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    out = compiled(images())
    torch.testing.assert_close(out, wanted)
    out.square().sum().backward()
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5)


def test_compile_needs_a_new_size_prepared():
    model = built("vim")
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=False)
    model.backbone.prepare((24, 24))
    torch.testing.assert_close(compiled(images(side=24)), model(images(side=24)))
    with pytest.raises(Exception, match="prepare"):
        compiled(images(side=20))


@pytest.mark.sweep
@pytest.mark.skipif(not sweeping(), reason="by make sweep: inductor makes C++ of the graph that aot_eager ran above")
def test_inductor_computes_the_same():
    model = built("vim")
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(model, fullgraph=True)(images()), model(images()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_export(name, tmp_path):
    model = built(name).eval()
    program = torch.export.export(model, (images(),))
    assert torch.equal(program.module()(images()), model(images()))
    torch.export.save(program, tmp_path / "model.pt2")
    again = torch.export.load(tmp_path / "model.pt2").module()
    assert torch.equal(again(images()), model(images()))


@pytest.mark.parametrize("name", MODELS)
def test_checkpointing_changes_no_gradient(name):
    gradients = []
    for on in (False, True):
        model = built(name)
        model.backbone.checkpointing = on
        model(images()).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_checkpointing_keeps_less():
    """What autograd keeps between the passes, counted through its hooks."""
    kept = []
    for on in (False, True):
        model = built("vim")
        model.backbone.checkpointing = on
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, sizes=sizes: sizes.append(t.numel()) or t, lambda t: t):
            model(images())
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 2


def test_two_processes_train_like_one_with_the_joint_batch():
    script = str(Path(__file__).with_name("train_two.py"))
    alone = _losses([sys.executable, script])
    two = _losses([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script])
    assert len(alone) == 5 and alone[-1] != alone[0]
    assert two == pytest.approx(alone, rel=1e-4)


def _losses(command):
    environment = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def plugin(*, scan, classes, channels, input_size, patch, checkpoint):
    return torch.nn.Linear(channels, classes)


def test_installed_packages_may_add_names(monkeypatch):
    entry = EntryPoint("tiny_linear", f"{__name__}:plugin", "scanlab.models")
    monkeypatch.setattr(
        sys.modules["scanlab.zoo.presets"],
        "entry_points",
        lambda group, name: [entry] if (group, name) == ("scanlab.models", "tiny_linear") else [],
    )
    assert create_model("tiny_linear", classes=4, channels=2).weight.shape == (4, 2)
    with pytest.raises(ScanlabError):
        create_model("tiny_linnear")
