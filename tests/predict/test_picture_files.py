"""Pictures by Pillow: their values are those that training reads, or they are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError
from scanlab.predict.lines import PreparedLines
from scanlab.predict.picture_files import picture_rows

RNG = np.random.default_rng(0)


def values_of(file: Path, channels: int = 1, scale: float | None = None) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    rows = picture_rows(file, channels, scale, notes)
    return rows.read(0, rows.extents[0]).numpy(), notes


def test_twelve_bits_are_divided_as_in_training(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            values = RNG.integers(0, 4096, (6, 5)).astype(np.uint16)
            values[0, 0] = 4095
            Image.fromarray(values).save(tmp_path / name / f"{number}.png")
    dataset = data.whole(str(tmp_path))
    file = tmp_path / "a" / "0.png"
    with pytest.raises(ScanlabError, match=r"(?s)S724.*0.png has grey values.*4,095.*--scale 4095"):
        values_of(file)
    for channels in (1, 3):
        seen, _ = values_of(file, channels, 4095)
        assert np.array_equal(seen, np.broadcast_to(dataset.images[0], (channels, 6, 5)))


def test_bytes_need_no_scale(tmp_path: Path) -> None:
    values = RNG.integers(0, 256, (6, 5), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.array_equal(values_of(tmp_path / "a.png")[0][0], values.astype(np.float32) / np.float32(255))
    assert np.array_equal(values_of(tmp_path / "a.png", scale=51)[0][0], values.astype(np.float32) / np.float32(51))
    for scale in (0.0, -1.0, float("nan")):
        with pytest.raises(ScanlabError, match="S724"):
            values_of(tmp_path / "a.png", scale=scale)


def test_several_frames_are_refused(tmp_path: Path) -> None:
    shades = [Image.fromarray(np.full((6, 5), 40 * n, np.uint8)) for n in range(4)]
    for name in ("a.gif", "a.png", "a.webp"):
        shades[0].save(tmp_path / name, save_all=True, append_images=shades[1:])
        with pytest.raises(ScanlabError, match=r"S694.*has 4 frames"):
            values_of(tmp_path / name)
        with pytest.raises(ScanlabError, match=r"S694.*has 4 frames"):
            PreparedLines("dark_ink", 6).image(tmp_path / name)
    shades[0].save(tmp_path / "one.gif")
    assert values_of(tmp_path / "one.gif")[0].shape == (1, 6, 5)


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    clear = np.full((6, 5, 4), 255, np.uint8)
    Image.fromarray(clear).save(tmp_path / "whole.png")
    clear[2, 2, 3] = 7
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert values_of(tmp_path / "whole.png", 3)[1] == []
    [note] = values_of(tmp_path / "clear.png", 3)[1]
    assert note == "with transparent pixels: transparency is left out, and the colours that it hides are seen"
    (tmp_path / "deep.ppm").write_bytes(b"P6 5 6 65535\n" + RNG.integers(0, 65536, 90).astype(">u2").tobytes())
    [note] = values_of(tmp_path / "deep.ppm", 3)[1]
    assert note == "with colours of 16 bits: the upper eight bits are read"
    with pytest.raises(ScanlabError, match="S724"):
        values_of(tmp_path / "deep.ppm", 3, 4095)
