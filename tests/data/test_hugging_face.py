"""Hugging Face's data sets, by the library itself, from folders: no network is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.data.lazy import LazyImages
from scanlab.data.notes import notes_of
from scanlab.ir.diagnostics import ScanlabError

datasets = pytest.importorskip("datasets")

COUNT = 20
PIXELS = np.random.RandomState(0).randint(0, 256, (COUNT, 9, 11, 3)).astype(np.uint8)
PICTURES = [Image.fromarray(array) for array in PIXELS]
CLASSES = datasets.ClassLabel(names=["ant", "bee"])


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCANLAB_DATA", str(tmp_path / "cache"))
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def made(columns: dict[str, Any] | None = None, **features: Any) -> Any:
    columns = columns or {"image": PICTURES, "label": [n % 2 for n in range(COUNT)]}
    return datasets.Dataset.from_dict(
        columns, features=datasets.Features({"image": datasets.Image(), "label": CLASSES} | features)
    )


def alike(kept: data.Dataset, lazy: data.Dataset) -> bool:
    assert isinstance(lazy.images, LazyImages) and isinstance(kept.images, np.ndarray)
    same = np.array_equal(np.stack(list(lazy.images)), kept.images) and np.array_equal(lazy.labels, kept.labels)
    return same and lazy.class_names == kept.class_names and np.array_equal(lazy.train, kept.train)


@pytest.mark.parametrize("size", [None, "6x6"])
def test_a_folder_that_was_saved_is_read_in_memory_and_not(tmp_path: Path, size: str | None):
    splits = {"train": made().select(range(12)), "validation": made().select(range(12, 15)), "test": made()}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "bees")
    kept, lazy = (data.whole(f"hf:{tmp_path}/bees", size, lazy=lazy) for lazy in (False, True))
    assert alike(kept, lazy) and kept.name == "bees"
    assert (len(lazy.train), len(lazy.val), len(lazy.test)) == (12, 3, 20) and lazy.class_names == ("ant", "bee")
    if size is None:
        assert np.allclose(kept.images[:12], np.moveaxis(PIXELS[:12], -1, 1) / 255, atol=1e-6)


def test_a_part_alone_and_parts_of_other_names(tmp_path: Path):
    made().save_to_disk(tmp_path / "one")
    assert data.load(f"hf:{tmp_path}/one", lazy=True).drawn
    datasets.DatasetDict({"train": made(), "unsupervised": made()}).save_to_disk(tmp_path / "two")
    two = data.load(f"hf:{tmp_path}/two", lazy=True)
    assert len(two.images) == COUNT and "the parts unsupervised" in notes_of(two)["left out"]
    datasets.DatasetDict({"first": made(), "test": made()}).save_to_disk(tmp_path / "odd")
    with pytest.raises(ScanlabError, match=r"S847.*the parts first, test, and none to train on"):
        data.load(f"hf:{tmp_path}/odd")


def test_a_configuration_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def load_dataset(*names: str, cache_dir: str) -> Any:
        asked.append(names)
        return datasets.DatasetDict({"train": made()})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    first, second = (data.load(f"{library}:owner/bees@small") for library in ("hf", "huggingface"))
    assert asked == [("owner/bees", "small")] * 2 and first.fingerprint == second.fingerprint


def test_no_image_is_decoded_for_the_targets(monkeypatch: pytest.MonkeyPatch):
    decoded = []
    decode = datasets.Image.decode_example
    monkeypatch.setattr(datasets.Image, "decode_example", lambda *a, **k: decoded.append(1) or decode(*a, **k))
    monkeypatch.setattr("scanlab.data.item_data.LOOKED_INTO", 3)
    lazy = data.from_dataset(made(), lazy=True)
    assert 0 < len(decoded) < COUNT / 2 and lazy.labels.tolist() == [n % 2 for n in range(COUNT)]


def test_columns_are_told_by_their_types():
    arrays = np.random.RandomState(1).randint(0, 256, (COUNT, 3, 6, 7)).astype(np.uint8)
    several = [[0], [0, 1], []] * 6 + [[1], [1]]
    rows = {"pixels": arrays, "tags": several, "id": list(range(COUNT))}
    features = {"pixels": datasets.Array3D((3, 6, 7), "uint8"), "tags": datasets.List(CLASSES)}
    some = datasets.Dataset.from_dict(rows, features=datasets.Features(features | {"id": datasets.Value("int64")}))
    kept, lazy = (data.from_dataset(some, lazy=lazy) for lazy in (False, True))
    assert alike(kept, lazy) and kept.several and kept.labels[:3].tolist() == [[1, 0], [1, 1], [0, 0]]
    assert np.allclose(kept.images, arrays / 255, atol=1e-6)
    plain = made(label=datasets.Value("int32"))
    assert alike(*(data.from_dataset(plain, lazy=lazy) for lazy in (False, True)))
    two = made({"image": PICTURES, "label": [0, 1] * 10, "coarse": [0] * COUNT}, coarse=CLASSES)
    assert any("the columns coarse" in text for text in notes_of(data.from_dataset(two, lazy=True))["left out"])


def test_masks_are_a_second_image():
    masks = [Image.fromarray(array[..., 0] % 3) for array in PIXELS]
    rows = {"image": PICTURES, "annotation": masks}
    features = datasets.Features({"image": datasets.Image(), "annotation": datasets.Image()})
    kept, lazy = (
        data.from_dataset(datasets.Dataset.from_dict(rows, features=features), lazy=lazy, size="6x6")
        for lazy in (False, True)
    )
    assert alike(kept, lazy) and lazy.masks and lazy.classes == 3


def test_formats_and_transforms_of_its_own():
    expected = data.from_dataset(made()).images
    assert np.array_equal(data.from_dataset(made().with_format("torch")).images, expected)
    dark = made().with_transform(
        lambda rows: {"pixel_values": [np.asarray(i, np.float32) / 510 for i in rows["image"]], "label": rows["label"]}
    )
    assert np.allclose(data.from_dataset(dark, lazy=True).images[3], expected[3] / 2, atol=1e-6)


def test_what_does_not_fit_is_refused():
    words = datasets.Dataset.from_dict({"text": ["a", "b"], "label": ["ant", "bee"]})
    with pytest.raises(ScanlabError, match=r"S847.*text \(Value\), label \(Value\)") as caught:
        data.from_dataset(words)
    assert 'class_encode_column("label")' in str(caught.value)
    holes = made({"image": [None, *PICTURES[1:]], "label": [n % 2 for n in range(COUNT)]})
    with pytest.raises(ScanlabError, match=r"S840.*sample 0 .*no image"):
        data.from_dataset(holes, lazy=True)


def test_a_stream_is_refused_until_it_is_kept(tmp_path: Path):
    stream = made().to_iterable_dataset(num_shards=2)
    for some in (stream, {"train": stream, "test": made()}):
        with pytest.raises(ScanlabError, match="S843") as caught:
            data.from_dataset(some)
        assert "kept_stream" in str(caught.value)
    kept = data.kept_stream(stream.filter(lambda row: row["label"] == 1 or row["image"].width > 0), tmp_path / "kept")
    assert data.from_dataset(kept, lazy=True).fingerprint == data.from_dataset(made(), lazy=True).fingerprint
    again = data.kept_stream(lambda: pytest.fail("it is there"), tmp_path / "kept")
    assert len(again) == COUNT and sorted(place.name for place in tmp_path.iterdir()) == ["kept"]
    (tmp_path / "other").mkdir()
    with pytest.raises(ScanlabError, match="S847"):
        data.kept_stream(stream, tmp_path / "other")
    for given in (3, lambda: iter([])):
        with pytest.raises(ScanlabError, match=r"S871.*no stream"):
            data.kept_stream(given, tmp_path / "new")


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path):
    def broken(row: dict[str, Any]) -> dict[str, Any]:
        raise OSError("the network is gone")

    with pytest.raises(Exception, match=r"network is gone|generating the dataset"):
        data.kept_stream(made().to_iterable_dataset().map(broken), tmp_path / "kept")
    assert not list(tmp_path.iterdir())
