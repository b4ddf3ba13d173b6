"""Models that bring pixels to ImageNet's mean and deviation themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from scanlab import zoo
from scanlab.export import compare_onnx, to_onnx
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier
from scanlab.nn.config import from_stored, stored
from scanlab.nn.kinds import INPUTS
from scanlab.nn.large import large_pass

MEAN, STD = (torch.tensor(each).view(3, 1, 1) for each in (INPUTS["imagenet"].mean, INPUTS["imagenet"].std))


def classifier(inputs: str, size: tuple[int, ...] = (16, 12), channels: int = 3, **settings) -> Classifier:
    torch.manual_seed(0)
    config = BackboneConfig(**{"patch": 4, "dim": 16, "depth": 1, "inputs": inputs, **settings})
    return Classifier(Backbone("sum(row, -row)", config, input_size=size, channels=channels), 5).eval()


def pictures(*extents: int) -> Tensor:
    return torch.rand(2, 3, *extents, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("stem", ["patch", "overlapping", "halving"])
def test_raw_pixels_are_read_as_prepared_ones_are_by_a_plain_model(stem: str) -> None:
    plain, own, x = classifier("plain", stem=stem), classifier("imagenet", stem=stem), pictures(16, 12)
    assert torch.equal(own(x), plain((x - MEAN) / STD)) and not torch.equal(own(x), plain(x))
    assert own.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize("stem", ["patch", "overlapping"])
def test_a_picture_in_parts_is_read_alike(stem: str) -> None:
    """Its last row of patches is filled up."""
    model, x = classifier("imagenet", (18, 12), stem=stem), pictures(18, 12)
    torch.testing.assert_close(large_pass(model, x[0]), model(x[:1])[0], rtol=1e-5, atol=1e-6)


def test_an_exported_model_does_it_too() -> None:
    pytest.importorskip("onnxruntime")
    model = classifier("imagenet", (18, 12))
    for row in compare_onnx(model, to_onnx(model), (2,), runs=0):
        assert row.difference <= 1e-5 * max(1, row.largest), row


def test_files_and_keys_have_it_only_where_it_is_set(tmp_path: Path) -> None:
    plain, own = classifier("plain").backbone.config, classifier("imagenet").backbone.config
    assert "inputs" not in stored(plain) and stored(own)["inputs"] == "imagenet"
    assert from_stored(stored(plain)) == plain and from_stored(stored(own)) == own
    zoo.save(classifier("imagenet"), tmp_path / "model.safetensors")
    again = zoo.load(tmp_path / "model.safetensors")
    assert torch.equal(again(pictures(16, 12)), classifier("imagenet")(pictures(16, 12)))


def test_other_channels_are_refused() -> None:
    with pytest.raises(ScanlabError, match=r"S612.*3 channels.*reads 1"):
        classifier("imagenet", channels=1)
