"""Whole models on a real GPU: the same logits and gradients as on the CPU; compiled, under autocast, swapped."""

from __future__ import annotations

import pytest
import torch

from scanlab.nn import Backbone, BackboneConfig, Classifier, MixerConfig, set_scan
from scanlab.zoo import create_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA or ROCm device"),
]
DEVICE = "cuda"


def _models() -> dict[str, Classifier]:
    torch.manual_seed(0)
    ssd = BackboneConfig(patch=8, dim=32, mixer=MixerConfig(kind="ssd", state=16, convolution="path"))
    return {
        "vim": create_model("vim_tiny", classes=10, input_size=(64, 64)),
        "vmamba": create_model("vmamba_tiny", classes=10, input_size=(64, 64)),
        "ssd": Classifier(Backbone("cross", ssd, input_size=(64, 64), channels=3)),
    }


@pytest.fixture
def no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convolutions of float32 round to TF32 by default on a GPU, which alone differs by 6e-4 from the CPU."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.mark.usefixtures("no_tf32")
@pytest.mark.parametrize("name", ["vim", "vmamba", "ssd"])
def test_logits_and_gradients_are_those_of_the_cpu(name: str) -> None:
    model, images = _models()[name], torch.rand(2, 3, 64, 64)
    results = []
    for device in ("cpu", DEVICE):
        model = model.to(device)
        model.zero_grad()
        logits = model(images.to(device))
        logits.square().sum().backward()
        # Copies: a model that moves takes its gradients along.
        gradients = [p.grad.to("cpu", copy=True) for p in model.parameters() if p.grad is not None]
        results.append((logits.detach().cpu(), gradients))
    torch.testing.assert_close(results[1][0], results[0][0], rtol=1e-3, atol=1e-4)
    for ours, theirs in zip(results[1][1], results[0][1], strict=True):
        assert (ours - theirs).abs().max() <= 5e-3 * theirs.abs().max()


@pytest.mark.parametrize("name", ["vim", "vmamba"])
def test_bfloat16_compiled_and_swapped(name: str) -> None:
    model, images = _models()[name].to(DEVICE), torch.rand(2, 3, 64, 64, device=DEVICE)
    with torch.autocast(DEVICE, torch.bfloat16):
        eager = model(images)
        compiled = torch.compile(model, fullgraph=True)(images)
    torch.testing.assert_close(compiled.float(), eager.float(), rtol=5e-2, atol=5e-2)
    swapped = set_scan(model, "hilbert")(images)
    assert swapped.isfinite().all() and (swapped - eager).abs().max() > 0
