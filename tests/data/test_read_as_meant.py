"""Data that were once read in silence as something else: each is read as it was meant, noted, or refused."""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from layouts import DRAW, classes, colours, grey, masked, noted, refused, save
from PIL import Image, features

from scanlab import data

THREE = DRAW.integers(0, 3, (6, 6, 8), dtype=np.uint8)
TWO = np.minimum(THREE, 1)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(path: Path, rows: list[bytes], width: int, bits: int, colour: int) -> None:
    """A PNG of any depth, as Pillow does not write it."""
    head = struct.pack(">IIBBBBB", width, len(rows), bits, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def deep_png(path: Path, high: int) -> None:
    rows = DRAW.integers(high // 2, high, (6, 8, 3)).astype(">u2")
    png(path, [row.tobytes() for row in rows], 8, 16, 2)


def table(path: Path, *rows: str) -> None:
    path.write_text("\n".join(rows))


def nested(folder: Path, parts: tuple[str, ...] = ("",)) -> Path:
    for part in parts:
        for place in range(3):
            for n in range(2):
                name = f"{part}{place}/{n}.png"
                save(folder / "images" / part / name, colours())
                save(folder / "masks" / part / name, TWO[n])
    return folder


LOSSY = {
    "avif": (".avif", {"quality": 60}),
    "jpeg 2000": (".jp2", {"irreversible": True, "quality_mode": "rates", "quality_layers": [20]}),
    "cut jpeg 2000": (".jp2", {"quality_mode": "rates", "quality_layers": [20]}),
    "webp": (".webp", {"quality": 60}),
    "jpeg in tiff": (".tif", {"compression": "jpeg"}),
}


@pytest.mark.parametrize("suffix, options", LOSSY.values(), ids=LOSSY.keys())
def test_lossy_masks_are_refused(tmp_path: Path, suffix: str, options: dict) -> None:
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    for n in range(4):
        mask = np.kron(TWO[n] * 9, np.ones((8, 8), np.uint8))
        save(tmp_path / "images" / f"{n}.png", colours((48, 64)))
        save(tmp_path / "masks" / f"{n}{suffix}", Image.fromarray(mask).convert("RGB"), **options)
    refused(tmp_path, "S692", f"the mask 0{suffix} is a", "may blur", "threshold")


def test_masks_in_webp_without_loss(tmp_path: Path) -> None:
    for n in range(6):
        save(tmp_path / "images" / f"{n}.png", colours())
        save(tmp_path / "masks" / f"{n}.webp", Image.fromarray(THREE[n]).convert("RGB"), lossless=True)
    assert np.array_equal(data.whole(str(tmp_path)).labels, THREE)


WORDS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "multi_label": (lambda folder: masked(folder, lambda n: TWO[n]), "multi_label", "images with masks"),
    "table": (lambda folder: classes(folder), "levels", "folders of classes"),
    "group=": (lambda folder: classes(folder), "group=patient", "folders of classes"),
    "label=": (lambda folder: classes(folder), "label=grade", "folders of classes"),
    "masked_only": (lambda folder: classes(folder), "masked_only", "folders of classes"),
    "groups": (lambda folder: classes(folder), "groups", "no folder there is one"),
    "groups of masks": (lambda folder: masked(folder, lambda n: TWO[n]), "groups", "no folder there is one"),
}


@pytest.mark.parametrize("make, word, what", WORDS.values(), ids=WORDS.keys())
def test_words_that_would_do_nothing(tmp_path: Path, make: Callable, word: str, what: str) -> None:
    make(tmp_path)
    refused(tmp_path, "S690", "layout says", what, layout=word)


@pytest.mark.parametrize("word", ["masks", "levels", "instances"])
def test_words_for_masks_where_arrays_hold_labels(tmp_path: Path, word: str) -> None:
    np.savez(tmp_path / "a.npz", x=DRAW.integers(0, 256, (20, 8, 8), dtype=np.uint8), y=np.arange(20) % 2)
    refused(tmp_path / "a.npz", "S690", f"layout says {word}", "labelled images in arrays", layout=word)


def test_folders_of_images_are_groups(tmp_path: Path) -> None:
    folder = nested(tmp_path / "plain")
    refused(folder, "S691", "lie in the folders 0, 1, 2", "nested", "groups")
    assert data.whole(str(folder), layout="nested").groups is None
    grouped = data.whole(str(folder), layout="groups")
    assert grouped.groups is not None and grouped.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert not set(grouped.groups[grouped.train]) & set(grouped.groups[grouped.test])
    parted = data.whole(str(nested(tmp_path / "parts", ("train", "test"))))
    assert parted.groups is not None and np.bincount(parted.groups).tolist() == [2] * 6
    noted(parted, "assumed", "are groups, which no split divides", "nested")


def test_a_part_without_masks(tmp_path: Path) -> None:
    masked(tmp_path, lambda n: TWO[n], "images/train/{}.png", "masks/train/{}.png")
    save(tmp_path / "images" / "test" / "9.png", colours())
    refused(tmp_path, "S644", "images has the part test, and masks has not", "masked_only")
    dataset = data.whole(str(tmp_path), layout="masked_only")
    assert len(dataset.images) == 6
    noted(dataset, "left out", "images/test")


def test_tables_beside_folders_of_classes(tmp_path: Path) -> None:
    folder = classes(tmp_path, ("a", "b"))
    rows = [f"{name}/{n}.png,{name},{'test' if n > 3 else 'train'},{name}{n // 2}" for name in "ab" for n in range(6)]
    table(folder / "t.csv", "image,label,split,patient", *rows)
    dataset = data.whole(str(folder))
    assert (len(dataset.train), len(dataset.test), dataset.drawn) == (8, 4, False)
    assert dataset.groups is not None and len(np.unique(dataset.groups)) == 6
    table(folder / "t.csv", "image,label,split", *[row.rpartition(",")[0] for row in rows[1:]])
    refused(folder, "S691", "without a row for 1 picture", "classes")
    table(folder / "t.csv", "image,patient", *[f"{row.split(',')[0]},{row[-2:]}" for row in rows])
    refused(folder, "S691", "the column patient of t.csv would divide", "classes")
    noted(data.whole(str(folder), layout="classes"), "left out", "the column patient of t.csv")
    table(folder / "t.csv", "image,label,split,patient", *[row[:-1] + "0" for row in rows])
    refused(folder, "S644", "a0 in train and in test")


def test_a_table_of_patients_beside_masks(tmp_path: Path) -> None:
    masked(tmp_path, lambda n: TWO[n])
    table(tmp_path / "t.csv", "image,patient", *[f"{n}.png,p{n // 2}" for n in range(6)])
    refused(tmp_path, "S691", "the column patient of t.csv would divide", "masks")
    noted(data.whole(str(tmp_path), layout="masks"), "left out", "the column patient of t.csv")


def test_a_table_of_which_half_the_pictures_are_missing(tmp_path: Path) -> None:
    for n in range(8):
        save(tmp_path / f"part_{n // 4}" / f"I_{n}.png", colours())
    table(tmp_path / "t.csv", "id,dx", *[f"I_{n},{'mel' if n % 3 else 'nv'}" for n in range(20)])
    refused(tmp_path, "S644", "its column id names pictures, and 8 of 20 are there: I_8 is not", "classes")
    assert data.whole(str(tmp_path), layout="classes").class_names == ("part_0", "part_1")


def test_codes_of_classes(tmp_path: Path) -> None:
    for n in range(12):
        save(tmp_path / f"{n}.png", colours())
    codes = ("12345678901234567", "12345678901234568")
    table(tmp_path / "t.csv", "image,label", *[f"{n}.png,{codes[n % 2]}" for n in range(12)])
    assert data.whole(str(tmp_path)).class_names == codes
    table(tmp_path / "t.csv", "image,label", *[f"{n}.png,{('5E10', '50E9')[n % 2]}" for n in range(12)])
    refused(tmp_path, "S691", "the classes 50E9, 5E10", "may be one")


def test_groups_of_one_part(tmp_path: Path) -> None:
    images, labels = DRAW.integers(0, 256, (20, 8, 8), dtype=np.uint8), np.arange(20) % 2
    arrays = {"x": images, "y": labels, "groups": np.arange(20) // 4, "x_test": images[:6], "y_test": labels[:6]}
    np.savez(tmp_path / "a.npz", **arrays)
    dataset = data.whole(str(tmp_path / "a.npz"))
    assert dataset.groups is not None and sorted(np.bincount(dataset.groups)) == [1] * 6 + [4] * 5
    noted(dataset, "assumed", "test names no groups")
    np.savez(tmp_path / "b.npz", x=images, y=labels, groups=np.where(labels, np.nan, 1))
    refused(tmp_path / "b.npz", "S642", "its groups have samples without one")


def test_numbers_of_pgm_masks(tmp_path: Path) -> None:
    for n in range(6):
        save(tmp_path / "images" / f"{n}.png", colours())
        mask = THREE[n] if n % 2 else TWO[n]
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "masks" / f"{n}.pgm").write_bytes(b"P5 # made up\n8 6\n%d\n" % mask.max() + mask.tobytes())
    expected = [THREE[n] if n % 2 else TWO[n] for n in range(6)]
    assert np.array_equal(data.whole(str(tmp_path)).labels, expected)


def test_masks_of_few_bits(tmp_path: Path) -> None:
    for n in range(6):
        bits = 2 if n % 2 else 1
        save(tmp_path / "images" / f"{n}.png", colours())
        spread = np.unpackbits((THREE[n] if bits == 2 else TWO[n])[..., None], axis=-1)[..., 8 - bits :]
        rows = np.packbits(spread.reshape(6, -1), axis=1)
        png(tmp_path / "masks" / f"{n}.png", [row.tobytes() for row in rows], 8, bits, 0)
    refused(tmp_path, "S691", "1 and 2 bits")


def test_colours_of_sixteen_bits(tmp_path: Path) -> None:
    for name, high in (("dark", 4096), ("whole", 65536)):
        for n in range(8):
            deep_png(tmp_path / name / "ab"[n % 2] / f"{n}.png", high)
    refused(tmp_path / "dark", "S644", "colours of 16 bits", "nearly black")
    noted(data.whole(str(tmp_path / "whole")), "left out", "8 pictures with colours of 16 bits")
    folder = masked(tmp_path / "masks", lambda n: TWO[n])
    deep_png(folder / "masks" / "0.png", 4096)
    refused(folder, "S692", "the mask 0.png has colours of 16 bits")


def test_white_first(tmp_path: Path) -> None:
    for n in range(8):
        plain = np.full((6, 8), 1000 * n, np.uint16)
        stored, options = (65535 - plain, {"tiffinfo": {262: 0}}) if n % 2 else (plain, {})
        save(tmp_path / "deep" / "ab"[n // 4] / f"{n}.tif", stored, **options)
    means = data.whole(str(tmp_path / "deep")).images.mean((1, 2, 3))
    assert np.allclose(means, np.arange(8) * 1000 / 65535)
    folder = masked(tmp_path / "masks", lambda n: TWO[n], masks="masks/{}.tif")
    save(folder / "masks" / "0.tif", TWO[0], tiffinfo={262: 0})
    refused(folder, "S691", "the mask 0.tif is a TIFF in which 0 is white")


def test_exif_behind_the_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [colours((8, 8)) for _ in range(8)]
    for n, picture in enumerate(pictures):
        path = tmp_path / "ab"[n // 4] / f"{n}.png"
        save(path, picture)
        content = path.read_bytes()
        path.write_bytes(content[:-12] + chunk(b"eXIf", exif.tobytes()[6:]) + content[-12:])
    dataset = data.whole(str(tmp_path))
    upright = np.stack([np.rot90(picture, -1) for picture in pictures]).transpose(0, 3, 1, 2)
    assert np.array_equal(np.round(dataset.images * 255), upright)
    noted(dataset, "assumed", "8 photographs turned upright")


def test_arrays_called_videos_or_volumes(tmp_path: Path) -> None:
    labels = np.arange(20) % 2
    for name, shape in (("videos", (20, 6, 8, 8, 3)), ("clips", (20, 6, 8, 8))):
        np.savez(tmp_path / f"{name}.npz", **{name: DRAW.integers(0, 256, shape, dtype=np.uint8), "y": labels})
        dataset = data.whole(str(tmp_path / f"{name}.npz"))
        assert dataset.video and dataset.extents == (6, 8, 8)
        noted(dataset, "assumed", f"{name} are videos, by their name")
    for shape, word in (((20, 16, 16, 3), "channels_last"), ((20, 3, 16, 16), "channels_first")):
        np.savez(tmp_path / "v.npz", volumes=DRAW.integers(0, 256, shape, dtype=np.uint8), y=labels)
        refused(tmp_path / "v.npz", "S691", "volumes of shape", word, "no_channels")
        assert data.whole(str(tmp_path / "v.npz"), layout="no_channels").images.shape == (20, 1, *shape[1:])


def test_masks_that_count(tmp_path: Path) -> None:
    counted = [np.minimum(np.arange(48).reshape(6, 8) // 4, 2 + n).astype(np.uint8) for n in range(6)]
    dataset = data.whole(str(masked(tmp_path / "objects", lambda n: counted[n])))
    noted(dataset, "assumed", "8 classes, numbered as objects would be", "2 to 7", 'layout = "instances"')
    plain = data.whole(str(masked(tmp_path / "plain", lambda n: THREE[n])))
    assert not any("objects" in note.text for note in plain.notes)
    high = masked(tmp_path / "high", lambda n: np.array([0, 200, 255], np.uint8)[THREE[n]])
    refused(high, "S692", "values up to 200 beside 255", layout="ignore_255")


def test_names_written_in_two_ways(tmp_path: Path) -> None:
    labels = np.array(["cat", "cat ", "dog"] * 4)
    np.savez(tmp_path / "a.npz", x=DRAW.integers(0, 256, (12, 8, 8), dtype=np.uint8), y=labels)
    refused(tmp_path / "a.npz", "S691", "'cat', 'cat '", "may be one")
    for name in ("café", "thé"):
        own = {"train": unicodedata.normalize("NFC", name), "test": unicodedata.normalize("NFD", name)}
        for part, written in own.items():
            for n in range(3):
                save(tmp_path / "parts" / part / written / f"{part}{n}.png", grey())
    assert data.whole(str(tmp_path / "parts")).class_names == ("café", "thé")


def test_a_single_number_is_no_set_of_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.uint8(3), y=np.arange(20) % 2)
    refused(tmp_path / "a.npz", "S642", "its x have shape []")


def test_labels_beyond_whole_numbers(tmp_path: Path) -> None:
    images, labels = DRAW.integers(0, 256, (12, 8, 8), dtype=np.uint8), np.array([2**63 + 1, 2**63 + 2] * 6, np.uint64)
    np.savez(tmp_path / "a.npz", x=images, y=labels)
    refused(tmp_path / "a.npz", "S642", "its labels go up to 9223372036854775810")


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    folder = classes(tmp_path, ("a", "b"), 3)
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "b" / "self").symlink_to(folder / "b")
    assert len(data.whole(str(folder), layout="nested").images) == 6


def test_pictures_of_nnunet(tmp_path: Path) -> None:
    folder = masked(tmp_path / "test part", lambda n: THREE[n], "imagesTr/a{}_0000.png", "labelsTr/a{}.png")
    masked(folder, lambda n: THREE[n], "imagesTs/b{}_0000.png", "labelsTs/b{}.png", 3)
    dataset = data.whole(str(folder))
    assert (len(dataset.train), len(dataset.test)) == (6, 3)
    assert np.array_equal(dataset.labels, np.concatenate([THREE, THREE[:3]]))
    folder = masked(tmp_path / "channels", lambda n: THREE[n], "imagesTr/a{}_0000.png", "labelsTr/a{}.png")
    save(folder / "imagesTr" / "a0_0001.png", colours())
    refused(folder, "S644", "a0_0001.png is another channel of a0", layout="masked_only")
