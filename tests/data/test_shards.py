"""Tar shards: the numbers of the same files in folders, names, kept indices, what is wrong with a shard."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data import shard_index
from scanlab.data.lazy import LazyImages
from scanlab.data.notes import notes_of
from scanlab.data.shard_index import indexed
from scanlab.data.shard_names import expanded, is_shards
from scanlab.ir.diagnostics import ScanlabError

DRAWN = np.random.RandomState(0)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shard_index, "user_caches", lambda: tmp_path / "caches")
    return tmp_path / "caches" / "shards"


def encoded(number: int, kind: str = "PNG", shape: Sequence[int] = (9, 11, 3)) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.RandomState(number).randint(0, 256, shape).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def write(shard: Path, members: Mapping[str, bytes]) -> Path:
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return shard


def samples(numbers: Sequence[int], suffix: str = "png", kind: str = "PNG") -> dict[str, bytes]:
    """Pictures and classes side by side, as webdataset writes them."""
    made = {}
    for number in numbers:
        made[f"{number:04}.{suffix}"] = encoded(number, kind)
        made[f"{number:04}.cls"] = str(number % 2).encode()
    return made


@pytest.fixture
def shards(tmp_path: Path) -> str:
    """Two to train on and one to measure on, of 5, 7 and 6 samples."""
    write(tmp_path / "set" / "train-000.tar", samples(range(0, 5)))
    write(tmp_path / "set" / "train-001.tar", samples(range(5, 12)))
    write(tmp_path / "set" / "val-000.tar", samples(range(12, 18)))
    return str(tmp_path / "set")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The same pictures, in folders of classes."""
    for number in range(18):
        place = tmp_path / "folder" / ("train" if number < 12 else "val") / str(number % 2)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:04}.png").write_bytes(encoded(number))
    return str(tmp_path / "folder")


@pytest.mark.parametrize("size", [None, "6x7"])
def test_numbers_are_those_in_folders_in_memory_and_not(shards: str, folder: str, size: str | None):
    kept, lazy, files = (data.load(name, size=size, lazy=lazy) for name, lazy in
                         ((shards, False), (shards, True), (folder, False)))  # fmt: skip
    assert isinstance(lazy.images, LazyImages)
    assert np.array_equal(np.stack(list(lazy.images)), kept.images) and np.array_equal(lazy.labels, kept.labels)
    assert (len(kept.train), len(kept.test)) == (12, 6)
    # Folders come class by class.
    order = [*range(0, 12, 2), *range(1, 12, 2), *range(12, 18, 2), *range(13, 18, 2)]
    assert np.array_equal(kept.images[order], files.images) and np.array_equal(kept.labels[order], files.labels)


def test_grey_jpegs_and_turned_photographs_are_read_as_files_are(tmp_path: Path):
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.arange(99, dtype=np.uint8).reshape(9, 11)).save(turned, "JPEG", exif=exif)
    members = {"a.jpg": turned.getvalue(), "a.cls": b"0", "b.jpg": encoded(1, "JPEG", (11, 9)), "b.cls": b"1"}
    many = {f"{n}{name}": content for n in range(4) for name, content in members.items()}
    shard = write(tmp_path / "one.tar", many)
    kept = data.load(str(shard), lazy=False)
    assert kept.images.shape == (8, 1, 11, 9) and kept.drawn
    assert np.array_equal(np.stack(list(data.load(str(shard), lazy=True).images)), kept.images)
    stored = data.load(str(shard), layout="as_stored", size="9x11")
    assert stored.images.shape == (8, 1, 9, 11)
    with pytest.raises(ScanlabError, match="S690"):
        data.load(str(shard), layout="raw_values")


def test_names_in_braces_stand_for_many(shards: str, tmp_path: Path):
    name = f"{tmp_path}/set/train-{{000..001}}.tar::{tmp_path}/set/val-000.tar"
    assert is_shards(name) and is_shards(shards) and not is_shards(str(tmp_path)) and not is_shards("digits")
    made = data.load(name, lazy=True)
    assert made.fingerprint == data.load(shards, lazy=True).fingerprint
    assert len(data.whole(f"{tmp_path}/set/{{train,val}}-000.tar").train) == 5
    assert expanded("a{9..11}b{x,y}") == ["a9bx", "a9by", "a10bx", "a10by", "a11bx", "a11by"]
    alone = data.load(f"{tmp_path}/set/val-000.tar")
    assert alone.drawn and len(alone.images) == 6


def test_parts_may_be_folders(tmp_path: Path):
    for part, numbers in (("train", range(6)), ("test", range(6, 10))):
        write(tmp_path / "parts" / part / "0.tar", samples(numbers))
    made = data.load(str(tmp_path / "parts"))
    assert (len(made.train), len(made.test)) == (6, 4) and not made.drawn


@pytest.mark.parametrize(
    "name, words",
    [
        ("{p}/gone-{{0..2}}.tar", "there is no .*gone-0.tar"),
        ("{p}/a-{{3..1}}.tar", "counts from 3 to 1"),
        ("{p}/a-{{b{{c,d}}}}.tar", "braces within braces"),
        ("{p}/a-{{7}}.tar", "stands for no names"),
        ("{p}/a.tar.gz", "is compressed"),
        ("{p}/set/train-000.tar::{p}/set/odd.tar", "odd.tar is not"),
    ],
)
def test_names_that_lead_nowhere(shards: str, tmp_path: Path, name: str, words: str):
    write(tmp_path / "set" / "odd.tar", samples([1]))
    with pytest.raises(ScanlabError, match=rf"S846.*{words}"):
        data.load(name.format(p=tmp_path))


def test_classes_may_be_words_and_stand_in_json(tmp_path: Path):
    words = {"0": "bee", "1": "ant"}
    members = {
        name.replace("cls", "json"): json.dumps({"label": words[content.decode()], "id": 3}).encode()
        if name.endswith("cls")
        else content
        for name, content in samples(range(8)).items()
    }
    made = data.load(str(write(tmp_path / "a.tar", members)))
    assert made.class_names == ("ant", "bee") and made.labels.tolist() == [1, 0] * 4
    notes = notes_of(made)
    assert notes["layout"] == ["1 tar shard, classes by label in .json"] and "ant is class 0" in notes["mapped"][0]
    counted = {name: b"17" if content == b"1" else b"4" if content == b"0" else content
               for name, content in samples(range(8)).items()}  # fmt: skip
    made = data.load(str(write(tmp_path / "b.tar", counted)))
    assert made.class_names == ("4", "17") and made.classes == 2


@pytest.mark.parametrize(
    "change, words",
    [
        ({"0000.cls": None}, "no class for 0000"),
        ({"0000.png": None}, "no picture for 0000, but .cls"),
        ({"0000.jpg": b""}, "several pictures for 0000"),
        ({"0000.cls": b"ant"}, "numbers such as 0 and words such as 'ant'"),
        ({"0000.cls": b"\xff"}, "0000.cls in .* is no text"),
        ({"x.tar": b"inner"}, "it holds tar files: unpack it first"),
    ],
)
def test_shards_of_another_layout_are_named(tmp_path: Path, change: Mapping[str, bytes | None], words: str):
    members = {name: content for name, content in (samples(range(4)) | change).items() if content is not None}
    with pytest.raises(ScanlabError, match=rf"S845.*{words}"):
        data.load(str(write(tmp_path / "a.tar", members)))


def test_json_without_one_class_is_named(tmp_path: Path):
    def refused(table: object, words: str) -> None:
        members = {"a.png": encoded(0), "a.json": json.dumps(table).encode() if table != "{" else b"{"}
        with pytest.raises(ScanlabError, match=rf"S845.*{words}"):
            data.load(str(write(tmp_path / "a.tar", members)))

    refused({"caption": "a bee"}, "no key for the class")
    refused({"label": 1, "class": 2}, "each of which may be the class")
    refused({"label": [1, 2]}, r"label is \[1, 2\]")
    refused("{", "is no JSON")


def test_a_shard_cut_short_anywhere_is_named(shards: str):
    shard = Path(shards, "train-001.tar")
    content = shard.read_bytes()
    whole = indexed(shard)
    ends = {int(whole.starts[-1] + whole.sizes[-1]) + 512 * k for k in (-1, 0)} | {300, 512, 700, 1024 * 3}
    # At every block, as a copy ends that was stopped, and between two.
    ends |= set(range(512, int(whole.starts[-1]), 512))
    for end in sorted(ends):
        shard.write_bytes(content[:end])
        with pytest.raises(ScanlabError, match=r"S844.*train-001\.tar is cut short"):
            data.load(shards)
    shard.write_bytes(b"")
    with pytest.raises(ScanlabError, match=r"S844.*train-001\.tar"):
        data.load(shards)
    damaged = bytearray(content)
    damaged[int(whole.starts[3]) - 512 : int(whole.starts[3])] = b"x" * 512
    shard.write_bytes(damaged)
    with pytest.raises(ScanlabError, match=r"S844.*train-001\.tar is cut short or damaged"):
        data.load(shards)
    shard.write_bytes(content)
    assert len(data.load(shards).train) == 12


def test_what_goes_wrong_later_is_named_where_it_is_read(shards: str):
    lazy = data.load(shards, lazy=True)
    shard = Path(shards, "train-001.tar")
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 3])
    with pytest.raises(ScanlabError, match=r"S844.*train-001\.tar is cut short"):
        list(lazy.images)
    shard.unlink()
    with pytest.raises(ScanlabError, match=r"S844.*train-001\.tar cannot be read: No such file"):
        list(lazy.images)
    write(shard, samples(range(5, 12)) | {"0007.png": b"no picture"})
    with pytest.raises(ScanlabError, match=r"S644.*train-001\.tar/0007\.png cannot be read as an image"):
        list(data.load(shards, lazy=False).images)


def test_an_index_is_made_once(shards: str, caches: Path, monkeypatch: pytest.MonkeyPatch):
    before = data.load(shards, lazy=True).fingerprint
    assert len(list(caches.iterdir())) == 3
    monkeypatch.setattr(shard_index, "_made", lambda *_: pytest.fail("it is there"))
    assert data.load(shards, lazy=True).fingerprint == before
    monkeypatch.undo()
    monkeypatch.setattr(shard_index, "user_caches", lambda: caches.parent)
    for file in caches.iterdir():
        file.write_bytes(b"damaged")
    assert data.load(shards, lazy=True).fingerprint == before
    shard = Path(shards, "train-000.tar")
    write(shard, samples(range(20, 26)))
    assert data.load(shards, lazy=True).fingerprint != before


def test_no_place_for_an_index_is_no_obstacle(shards: str, monkeypatch: pytest.MonkeyPatch):
    def homeless() -> Path:
        raise FileNotFoundError(2, "this user has no home folder", "~")

    monkeypatch.setattr(shard_index, "user_caches", homeless)
    assert len(data.load(shards).train) == 12
    monkeypatch.setattr(shard_index, "user_caches", lambda: Path("/proc/nowhere"))
    assert len(data.load(shards).train) == 12
