"""Folders of classes whose pictures are read when they are needed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data import lazy_folders
from scanlab.data.lazy import LazyImages
from scanlab.data.notes import notes_of
from scanlab.data.summary import dataset_summary
from scanlab.ir.diagnostics import ScanlabError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of two classes and two parts, in two sizes."""
    draw = np.random.RandomState(0)
    for part, count in (("train", 6), ("val", 3)):
        for name in ("a", "b"):
            place = tmp_path / "set" / part / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = draw.randint(0, 255, (9 + number % 2, 11, 3), np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "set"


def test_pixels_labels_and_parts_are_those_in_memory(folder: Path):
    kept, lazy = (data.load(str(folder), size="8x8", lazy=lazy) for lazy in (False, True))
    assert isinstance(lazy.images, LazyImages) and not isinstance(kept.images, LazyImages)
    assert np.array_equal(np.stack([lazy.images[n] for n in range(len(lazy.images))]), kept.images)
    assert np.array_equal(lazy.labels, kept.labels)
    assert np.array_equal(lazy.train, kept.train) and np.array_equal(lazy.test, kept.test)


def test_what_fits_is_read_whole_as_before(folder: Path, monkeypatch: pytest.MonkeyPatch):
    kept = data.load(str(folder), size="8x8")
    assert kept.fingerprint == data.load(str(folder), size="8x8", lazy=False).fingerprint
    # 18 pictures of 8 by 8, three channels of four bytes, held twice: 27,648 bytes, in half of the memory.
    monkeypatch.setattr(lazy_folders, "memory", lambda: 2 * 27_648)
    assert not isinstance(data.load(str(folder), size="8x8").images, LazyImages)
    monkeypatch.setattr(lazy_folders, "memory", lambda: 2 * 27_648 - 2)
    lazy = data.load(str(folder), size="8x8")
    assert isinstance(lazy.images, LazyImages)
    assert any("read when they are needed" in text for text in notes_of(lazy)["assumed"])
    assert dataset_summary(lazy)["values"] is None


def test_a_fingerprint_sees_names_labels_and_sizes(folder: Path):
    def fingerprint() -> str:
        return data.load(str(folder), size="8x8", lazy=True).fingerprint

    before = fingerprint()
    assert fingerprint() == before
    file = folder / "train" / "a" / "0.png"
    file.rename(file.with_name("00.png"))
    renamed = fingerprint()
    assert renamed != before
    file.with_name("00.png").rename(folder / "train" / "b" / "00.png")
    assert fingerprint() not in (before, renamed)
    (folder / "val" / "a" / "0.png").write_bytes((folder / "val" / "a" / "0.png").read_bytes() + b"\0")
    assert fingerprint() not in (before, renamed)


def test_a_file_that_cannot_be_read_is_named(folder: Path):
    lazy = data.load(str(folder), size="8x8", lazy=True)
    (folder / "train" / "b" / "3.png").write_bytes(b"no picture")
    with pytest.raises(ScanlabError, match=r"train/b/3\.png cannot be read"):
        [lazy.images[n] for n in range(len(lazy.images))]


def test_pictures_of_another_size_need_one_to_be_given(folder: Path):
    with pytest.raises(ScanlabError, match="S646"):
        data.load(str(folder), lazy=True)
    pixels = np.zeros((9, 11, 3), np.uint8)
    for file in folder.rglob("*.png"):
        Image.fromarray(pixels).save(file)
    lazy = data.load(str(folder), lazy=True)
    Image.fromarray(pixels[:8]).save(folder / "train" / "b" / "3.png")
    with pytest.raises(ScanlabError, match=r"train/b/3\.png has 8x11 pixels, and the first picture 9x11"):
        list(lazy.images)


def test_other_data_say_that_they_are_read_whole():
    with pytest.raises(ScanlabError, match="S830"):
        data.load("digits", lazy=True)
    with pytest.raises(ScanlabError, match="S608"):
        data.load("digits", lazy="yes")


def test_a_colour_among_grey_pictures_is_named(tmp_path: Path):
    for name, shape in (("a", (8, 8)), ("b", (8, 8))):
        (tmp_path / name).mkdir()
        for number in range(2 * lazy_folders.LOOKED_INTO):
            pixels = np.full(shape, number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number:03}.png")
    odd = tmp_path / "a" / "001.png"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(odd)
    lazy = data.load(str(tmp_path), lazy=True)
    assert lazy.channels == 1 and data.load(str(tmp_path)).channels == 3
    assert any("one in colours will be refused" in text for text in notes_of(lazy)["assumed"])
    with pytest.raises(ScanlabError, match=r"a/001\.png holds colours beside grey pictures"):
        list(lazy.images)


def test_threads_that_read_cannot_be_fewer_than_none(folder: Path):
    with pytest.raises(ScanlabError, match="S608"):
        data.load(str(folder), size="8x8", lazy=True, loaders=-1)


@pytest.mark.parametrize("lazy", [False, "auto", True])
def test_every_folder_is_asked_for_its_content_once(folder: Path, monkeypatch: pytest.MonkeyPatch, lazy: bool | str):
    places = [os.fspath(place) for place in (folder, *folder.rglob("*")) if place.is_dir()]
    asked: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: asked.append(os.fspath(place)) or scan(place))
    data.load(str(folder), size="8x8", lazy=lazy)
    assert {place: asked.count(place) for place in places} == dict.fromkeys(places, 1)


def test_classes_that_a_part_lacks_are_said(folder: Path):
    for file in (folder / "val" / "b").iterdir():
        file.unlink()
    (folder / "val" / "b").rmdir()
    (folder / "val" / "c").mkdir()
    Image.new("RGB", (9, 11)).save(folder / "val" / "c" / "0.png")
    for lazy in (False, True):
        unseen = notes_of(data.load(str(folder), size="8x8", lazy=lazy))["unseen"]
        assert unseen == [
            "class c is in the test part and not in the training part: no model can know it",
            "class b is in no test sample: no result speaks of it",
        ]
