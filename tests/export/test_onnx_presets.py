"""Every published model, exported: all of them at full size by `make sweep`, else a small one of each family."""

from __future__ import annotations

import pytest
import torch
from sweep import sweeping

from scanlab.export import TOLERANCE, compare_onnx, to_onnx
from scanlab.zoo import create_model
from scanlab.zoo.presets import PRESETS

pytest.importorskip("onnxruntime")
# A small input of each family: 32x32 pixels, or two frames of them.
SMALL = {"vim_tiny": (32, 32), "vmamba_tiny_s1l8": (64, 32), "vmamba_tiny_v0": (32, 32), "videomamba_tiny": (2, 32, 32)}
SMALL |= {"plainmamba_l1": (32, 32), "localmamba_vim_tiny": (32, 32)}


def difference(name: str, size: tuple[int, ...] | None, form: str, batches: tuple[int, ...]) -> float:
    torch.manual_seed(0)
    model = create_model(name, classes=10 if size else None, input_size=size).eval()
    return max(row.difference for row in compare_onnx(model, to_onnx(model, form=form), batches, runs=0))


@pytest.mark.parametrize("name", SMALL)
def test_small_inputs(name: str) -> None:
    assert difference(name, SMALL[name], "onnxruntime", (2,)) < TOLERANCE


def test_every_family_is_here() -> None:
    assert {preset.scan for preset in PRESETS.values()} == {PRESETS[name].scan for name in SMALL}


@pytest.mark.sweep
@pytest.mark.parametrize("name", PRESETS)
def test_full_size(name: str) -> None:
    if not sweeping():
        pytest.skip("a whole sweep runs all models at full size")
    worst = difference(name, None, "onnxruntime", (1,))
    print(f"{name}: {worst:.1e}")
    assert worst < TOLERANCE
