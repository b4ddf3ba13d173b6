"""The published preparation of pictures: equal to the official one on a photograph, and by its own words elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, Classifier
from scanlab.zoo import create_model, load, preprocessing, save
from scanlab.zoo.presets import PRESETS
from scanlab.zoo.weights import WEIGHTS, Weights, hash_note

Image = pytest.importorskip("PIL.Image")
GOLDEN = Path(__file__).parents[3] / "shared/golden/preprocessing"
MEAN, STD = (np.float32(numbers) for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
RNG = np.random.default_rng(0)


def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Smooth, so that filters differ, and not the same anywhere."""
    small = Image.fromarray(RNG.integers(0, 256, (9, 11, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the official tensors are not in ../shared/golden")
def test_the_official_tensors_to_the_last_bit() -> None:
    official = np.load(GOLDEN / "official.npz")
    assert {"vim_tiny", "vmamba_tiny"} <= set(official.files)
    for name in official.files:
        assert np.array_equal(preprocessing(name)(Image.open(GOLDEN / "photo.png")).numpy(), official[name])


@pytest.mark.parametrize("width, height", [(400, 340), (333, 517), (256, 256), (256, 391), (80, 60), (257, 1001)])
def test_the_shorter_side_and_the_middle(width: int, height: int) -> None:
    image = photo(width, height)
    scaled = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    whole = image if min(width, height) == 256 else image.resize(scaled, Image.Resampling.BICUBIC)
    left, top = (round((side - 224) / 2) for side in whole.size)
    middle = np.asarray(whole)[top : top + 224, left : left + 224].astype(np.float32) / np.float32(255)
    wanted = ((middle - MEAN) / STD).transpose(2, 0, 1)
    assert np.array_equal(preprocessing("vim_tiny")(image).numpy(), wanted)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_three_colours(mode: str) -> None:
    image = photo(300, 260, mode)
    got = preprocessing("vim_tiny")(image)
    assert got.shape == (3, 224, 224) and got.dtype == torch.float32 and got.is_contiguous()
    assert torch.equal(got, preprocessing("vim_tiny")(image.convert("RGB")))


def test_another_size_keeps_the_share_of_the_picture() -> None:
    assert (preprocessing("vim_tiny", 64).side, preprocessing("vim_tiny", 64).shorter) == (64, 73)
    assert preprocessing("vmamba_base", size=384).shorter == 438
    assert preprocessing(create_model("vim_tiny", classes=2, input_size=(32, 32))).side == 32
    assert "the shorter side to 256 (bicubic), the middle 224x224" in str(preprocessing("vim_tiny"))


@pytest.mark.parametrize(
    "model, size, said",
    [
        ("vim_tinny", None, "there is no model 'vim_tinny'"),
        ("videomamba_tiny", None, "how the authors of videomamba_tiny prepare pictures is not known"),
        (Classifier(Backbone("row", BackboneConfig(dim=8), input_size=(8, 8)), 2), None, "is no published one"),
        (create_model("vim_tiny", classes=2, input_size=(32, 64)), None, "built for 32x64"),
        ("vim_tiny", 0, "no side of 0 pixels"),
    ],
)
def test_what_is_not_known_is_refused(model: object, size: int | None, said: str) -> None:
    with pytest.raises(ScanlabError, match=f"S617.*{said}"):
        preprocessing(model, size)  # pyright: ignore[reportArgumentType]


def test_a_saved_model_remembers(tmp_path: Path) -> None:
    model = create_model("vim_tiny", classes=2, input_size=(32, 32))
    save(model, tmp_path / "m.safetensors")
    assert preprocessing(load(tmp_path / "m.safetensors")) == preprocessing(model)


def test_weights_are_of_models_and_have_addresses() -> None:
    assert set(WEIGHTS) <= set(PRESETS)
    official = {name for name, preset in PRESETS.items() if "in the style of" not in preset.source}
    assert set(WEIGHTS) == official
    assert WEIGHTS["vim_tiny"].address.endswith("Vim-tiny-midclstok/resolve/main/vim_t_midclstok_76p1acc.pth")
    assert len({weights.address for weights in WEIGHTS.values()}) == len(WEIGHTS)


def test_a_wrong_hash_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "vim_x.pth"
    file.write_bytes(b"weights")
    own = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr("scanlab.zoo.weights.WEIGHTS", {"vim_x": Weights("p", "vim_x.pth", 1.0, "s", sha256=own)})
    assert hash_note("vim_x", file) == "" and hash_note("vim_y", file) == ""
    file.write_bytes(b"others")
    assert f"{own[:12]}… was recorded" in hash_note("vim_x", file)
    assert hash_note("vim_x", file.rename(tmp_path / "mine.pth")) == ""


@pytest.mark.parametrize("given", [np.zeros((9, 9, 3), np.uint8), None, "a.png", torch.zeros(3, 9, 9)])
def test_what_is_no_picture_of_pillows_is_refused(given) -> None:
    with pytest.raises(ScanlabError, match=r"S871.*is no picture of Pillow's"):
        preprocessing("vim_tiny")(given)


def test_a_name_that_is_no_text_is_no_model() -> None:
    with pytest.raises(ScanlabError, match="S617"):
        create_model(3)  # pyright: ignore
