"""Clips without labels, and a series with land cover, from files of arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scanlab import data
from scanlab.data.clips import clips_in
from scanlab.data.dataset import IGNORED
from scanlab.data.land_cover import is_land_cover
from scanlab.data.notes import notes_of
from scanlab.ir.diagnostics import ScanlabError

DRAW = np.random.default_rng(0)
CLIPS = DRAW.integers(0, 256, (6, 4, 5, 7), np.uint8)
SPLIT = np.array(["test", "train", "train", "val", "train", "test"])
SHARED = Path(__file__).parents[2] / "../shared/data"


def saved(file: Path, **arrays: np.ndarray) -> str:
    np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
    return str(file)


def test_clips_keep_their_parts(tmp_path: Path) -> None:
    whole = data.whole(saved(tmp_path / "rain.npz", clips=CLIPS, split=SPLIT, event=np.zeros(6)))
    assert whole.video and whole.images.shape == (6, 1, 4, 5, 7) and whole.target_kind.unlabelled
    for part in ("train", "val", "test"):
        got = whole.images[getattr(whole, part)][:, 0]
        np.testing.assert_allclose(got, CLIPS[part == SPLIT] / 255, rtol=1e-6)
    said = notes_of(whole)
    assert "clips without labels" in said["layout"][0] and "event" in said["left out"][0]
    assert "unseen" not in said


def test_colours_sizes_and_words_of_layout(tmp_path: Path) -> None:
    colours = DRAW.integers(40, 60, (6, 4, 8, 8, 3), np.uint8)
    name = saved(tmp_path / "film.npz", videos=colours)
    small = data.load(name, size=(4, 4, 4), layout="scaled_values")
    assert small.images.shape == (6, 3, 4, 4, 4) and small.drawn
    assert (small.images.min(), small.images.max()) == (0, 1)


def test_other_words_are_no_parts(tmp_path: Path) -> None:
    whole = data.whole(saved(tmp_path / "demo.npz", clips=CLIPS, split=np.full(6, "demo")))
    assert len(whole.train) + len(whole.test) == 6 and "demo" in notes_of(whole)["assumed"][0]
    with pytest.raises(ScanlabError, match=r"S642.*demo"):
        data.whole(saved(tmp_path / "b.npz", clips=CLIPS, split=np.array([*SPLIT[:5], "demo"])))
    with pytest.raises(ScanlabError, match="S642"):
        data.whole(saved(tmp_path / "c.npz", clips=CLIPS, split=np.arange(6)))


def test_clips_of_one_frame_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanlabError, match=r"S721.*one frame"):
        data.whole(saved(tmp_path / "one.npz", clips=CLIPS[:, :1]))


def test_clips_with_labels_are_read_as_ever(tmp_path: Path) -> None:
    name = saved(tmp_path / "labelled.npz", clips=CLIPS, labels=np.arange(6) % 2)
    assert clips_in(Path(name)) == "" and not data.whole(name).target_kind.unlabelled


def test_the_fingerprint_knows_them_from_classes(tmp_path: Path) -> None:
    clips = data.whole(saved(tmp_path / "a.npz", clips=CLIPS, split=SPLIT))
    assert clips.fingerprint != data.whole(saved(tmp_path / "b.npz", clips=CLIPS[::-1], split=SPLIT)).fingerprint


LABELS = np.tile(np.array([2, 3, 0, 8], np.uint8), (6, 2))
PARTS = np.repeat(np.array([0, 1, 2], np.uint8), 16).reshape(6, 8)
SERIES = {
    "ndvi": DRAW.integers(0, 20_001, (5, 6, 8)).astype(np.uint16),
    "cloud": DRAW.integers(0, 256, (5, 6, 8)).astype(np.uint8),
    "labels": LABELS,
    "split": PARTS,
}


def test_the_pixels_of_one_place_are_divided(tmp_path: Path) -> None:
    series = data.whole(saved(tmp_path / "s.npz", **SERIES, days=np.arange(5)))
    assert series.video and series.masks and series.images.shape == (3, 2, 5, 6, 8)
    np.testing.assert_allclose(series.images[0, 0], SERIES["ndvi"] / 20_000, rtol=1e-6)
    counted = np.zeros((6, 8), int)
    for code, part in enumerate((series.train, series.val, series.test)):
        [mask] = series.labels[part]
        assert (mask == mask[:1]).all(), "at all dates alike"
        known = mask[0] != IGNORED
        assert np.array_equal(known, (code == PARTS) & (LABELS > 0))
        counted += known
        names = np.array(series.class_names)[mask[0][known]]
        assert set(names) == {"forest", "grassland", "artificial surface"}
    assert counted.max() == 1, "no pixel is in two parts"
    said = notes_of(series)
    assert any("a demonstration, no benchmark" in text for text in said["layout"])
    assert any("12 pixels that nobody labelled" in text for text in said["left out"])


@pytest.mark.parametrize(
    "change",
    [
        {"ndvi": SERIES["ndvi"][:4]},
        {"labels": LABELS[:, :4]},
        {"ndvi": SERIES["ndvi"].astype(np.float32)},
        {"split": np.zeros((6, 8), np.uint8)},
        {"ndvi": SERIES["ndvi"][:1], "cloud": SERIES["cloud"][:1]},
    ],
)
def test_series_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    with pytest.raises(ScanlabError, match="S642"):
        data.whole(saved(tmp_path / "s.npz", **{**SERIES, **change}))


def test_the_real_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (SHARED / "satellite").is_dir():
        pytest.skip("needs ../shared/data/satellite and video")
    monkeypatch.setenv("SCANLAB_DATA", str(SHARED))
    tiles = data.whole("satellite")
    assert (len(tiles.train), len(tiles.val), len(tiles.test), len(tiles.class_names)) == (1782, 216, 402, 10)
    assert is_land_cover(SHARED / "satellite/lulc_series.npz")
    series = data.whole("land_cover")
    labelled = [(series.labels[part][0, 0] != IGNORED).sum() for part in (series.train, series.val, series.test)]
    assert labelled == [4650, 1306, 1989]
    assert len(data.whole("spheres").test) == 4
    radar = data.whole("rain_radar")
    assert (len(radar.train), len(radar.val), len(radar.test)) == (10, 2, 12)
    step = 255 * np.abs(np.diff(radar.images[radar.test], axis=2)).mean()
    assert step == pytest.approx(9.3, abs=0.05), "what the file's own page says of repeating the last frame"
