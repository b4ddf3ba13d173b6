"""Data of other libraries, through stand-ins with the libraries' own interfaces: torchvision's data sets give Pillow's
images with numbers, by a flag or by split; medmnist's hold arrays. Hugging Face's library is the
real one, without a network."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from scanlab import data
from scanlab.ir.diagnostics import ScanlabError

SIZES = {"train": 20, "val": 6, "test": 8}
DRAW = np.random.default_rng(0)
PIXELS = {part: DRAW.integers(0, 256, (count, 5, 4), dtype=np.uint8) for part, count in SIZES.items()}
LABELS = {part: np.arange(count) % 3 for part, count in SIZES.items()}
COLOURED = {part: np.stack([grey, grey // 2, 255 - grey], -1) for part, grey in PIXELS.items()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCANLAB_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Pictures:
    """What torchvision's data sets have in common: items are (image, class), and `classes` are names."""

    classes = ["0 - zero", "1 - one", "2 - two"]
    arrays = PIXELS

    def __init__(self, root: str, part: str, download: bool) -> None:
        assert Path(root).is_dir() and download
        self.part = part

    def __len__(self) -> int:
        return SIZES[self.part]

    def __getitem__(self, number: int) -> tuple[Image.Image, int]:
        if number >= len(self):
            raise IndexError
        return Image.fromarray(self.arrays[self.part][number]), int(LABELS[self.part][number])


class Flagged(Pictures):
    def __init__(self, root, train=True, transform=None, target_transform=None, download=False) -> None:
        super().__init__(root, "train" if train else "test", download)


class Split(Pictures):
    arrays = COLOURED

    def __init__(self, root, split="train", transform=None, target_transform=None, download=False) -> None:
        if split not in ("train", "test", "extra"):
            raise ValueError(f"Unknown value {split!r} for argument split.")
        super().__init__(root, split, download)


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    sets = SimpleNamespace(MNIST=Flagged, SVHN=Split)
    module = ModuleType("torchvision")
    module.datasets = sets
    monkeypatch.setitem(sys.modules, "torchvision", module)
    return sets


@pytest.mark.parametrize("name, channels", [("MNIST", 1), ("SVHN", 3)])
def test_torchvision(torchvision: SimpleNamespace, name: str, channels: int) -> None:
    dataset = data.load(f"torchvision:{name}")
    assert dataset.images.shape == (28, channels, 5, 4) and dataset.classes == 3
    assert dataset.class_names == ("0 - zero", "1 - one", "2 - two")
    expected = PIXELS["test"][:, None] if channels == 1 else np.moveaxis(COLOURED["test"], -1, 1)
    np.testing.assert_allclose(dataset.images[dataset.test], expected / 255, atol=1e-6)
    assert dataset.labels[dataset.train].tolist() == LABELS["train"].tolist()
    assert "torchvision" in dataset.credit


def test_another_size_and_a_limit(torchvision: SimpleNamespace) -> None:
    dataset = data.load("torchvision:MNIST", size=(10, 8), limit=6)
    assert dataset.extents == (10, 8) and np.bincount(dataset.labels[dataset.train]).tolist() == [2, 2, 2]


def test_images_that_differ_are_refused(torchvision: SimpleNamespace) -> None:
    class Odd(Flagged):
        def __getitem__(self, number):
            image, label = super().__getitem__(number)
            return image.resize((3, 3)) if number == 7 else image, label

    class Deep(Flagged):
        def __getitem__(self, number):
            image, label = super().__getitem__(number)
            return image.convert("I"), label

    class Negative(Flagged):
        def __getitem__(self, number):
            image, label = super().__getitem__(number)
            return image, label - 1

    torchvision.Odd, torchvision.Deep, torchvision.Negative = Odd, Deep, Negative
    for name, words in (("Odd", "differ in size"), ("Deep", "mode I"), ("Negative", "from -1 to 1")):
        with pytest.raises(ScanlabError, match=f"S646.*{words}"):
            data.load(f"torchvision:{name}")


class Medical:
    """medmnist's: all arrays at once; labels [M, 1]; `info` as in its INFO."""

    info = {"label": {"0": "adipose", "1": "debris", "2": "mucus"}, "task": "multi-class"}
    arrays = COLOURED

    def __init__(self, split, transform=None, target_transform=None, download=False, as_rgb=False, root=None) -> None:
        if not Path(root).exists() or not download:
            raise RuntimeError("Failed to setup the default `root` directory.")
        self.imgs, self.labels = self.arrays[split], LABELS[split][:, None].astype(np.uint8)


class Volumes(Medical):
    arrays = {part: np.repeat(grey[..., None], 6, -1) for part, grey in PIXELS.items()}


class Several(Medical):
    def __init__(self, *rest, **more) -> None:
        super().__init__(*rest, **more)
        self.labels = np.hstack([self.labels > 0, self.labels > 1, self.labels < 1]).astype(np.uint8)


@pytest.fixture
def medmnist(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("medmnist")
    module.PathMNIST, module.OrganMNIST3D, module.ChestMNIST = Medical, Volumes, Several
    monkeypatch.setitem(sys.modules, "medmnist", module)


def test_medmnist(medmnist: None) -> None:
    dataset = data.whole("medmnist:PathMNIST")
    assert [len(p) for p in (dataset.train, dataset.val, dataset.test)] == [20, 6, 8]
    assert dataset.images.shape == (34, 3, 5, 4) and dataset.class_names == ("adipose", "debris", "mucus")
    np.testing.assert_allclose(dataset.images[dataset.val], np.moveaxis(COLOURED["val"], -1, 1) / 255, atol=1e-6)
    assert len(data.load("medmnist:PathMNIST", part="val").images) == 26


def test_volumes_of_medmnist(medmnist: None) -> None:
    dataset = data.load("medmnist:OrganMNIST3D", size=(5, 4, 3))
    assert dataset.images.shape == (28, 1, 5, 4, 3)
    np.testing.assert_allclose(dataset.images[0, 0, ..., 1], PIXELS["train"][0] / 255, atol=1e-6)


def test_several_labels(medmnist: None) -> None:
    dataset = data.whole("medmnist:ChestMNIST")
    assert dataset.several and not dataset.masks and dataset.labels.dtype == np.uint8
    assert dataset.labels.shape == (len(dataset.images), dataset.classes)


def huggingface(monkeypatch: pytest.MonkeyPatch, parts: dict[str, str], label: str = "fine_label") -> list:
    """The library itself, which gives what was made here in place of what it would fetch."""
    module = pytest.importorskip("datasets")
    features = module.Features({"img": module.Image(), label: module.ClassLabel(names=["a", "b", "c"])})
    asked = []

    def rows(part: str):
        pictures = [Image.fromarray(array) for array in PIXELS[part]]
        pictures[0] = pictures[0].convert("RGB")
        return module.Dataset.from_dict({"img": pictures, label: LABELS[part].tolist()}, features=features)

    def load_dataset(path, name=None, *, cache_dir=None):
        asked.append((path, name, cache_dir))
        return module.DatasetDict({there: rows(part) for part, there in parts.items()})

    monkeypatch.setattr(module, "load_dataset", load_dataset)
    return asked


def test_huggingface(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    asked = huggingface(monkeypatch, {"train": "train", "val": "validation", "test": "test"})
    dataset = data.whole("huggingface:owner/birds")
    assert asked == [("owner/birds", None, str(folder))]
    assert [len(p) for p in (dataset.train, dataset.val, dataset.test)] == [20, 6, 8]
    # One image has colours, so all have.
    assert dataset.images.shape == (34, 3, 5, 4) and dataset.class_names == ("a", "b", "c")
    np.testing.assert_allclose(dataset.images[1, 2], PIXELS["train"][1] / 255, atol=1e-6)


@pytest.mark.parametrize("parts", [{"train": "train"}, {"train": "train", "val": "validation"}])
def test_a_test_part_is_held_out_where_there_is_none(monkeypatch: pytest.MonkeyPatch, parts: dict) -> None:
    huggingface(monkeypatch, parts)
    dataset = data.whole("huggingface:owner/birds")
    together = np.concatenate([dataset.train, dataset.val, dataset.test])
    assert len(np.unique(together)) == len(together) == len(dataset.images)
    assert len(dataset.test) == 6 and dataset.test.max() < 20


def test_what_a_library_raises_is_reported(torchvision: SimpleNamespace) -> None:
    class Broken(Flagged):
        def __init__(self, *rest, **more) -> None:
            raise OSError("Network is unreachable")

    torchvision.Broken = Broken
    with pytest.raises(ScanlabError, match=r"S645.*cannot load Broken: OSError: Network is unreachable"):
        data.load("torchvision:Broken")
    with pytest.raises(ScanlabError, match=r"S645.*cannot load Unheard: AttributeError"):
        data.load("torchvision:Unheard")


@pytest.mark.parametrize(
    "library, package", [("torchvision", "torchvision"), ("medmnist", "medmnist"), ("huggingface", "datasets")]
)
def test_a_missing_library(monkeypatch: pytest.MonkeyPatch, library: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    help = r'pip install "scanlab\[huggingface\]"' if package == "datasets" else f"pip install {package}"
    with pytest.raises(ScanlabError, match=f"S645.*need {package}[^$]*{help}"):
        data.load(f"{library}:MNIST")


def test_an_unknown_library() -> None:
    with pytest.raises(ScanlabError, match=r"(?s)S600.*tfds:mnist.*torchvision:NAME"):
        data.load("tfds:mnist")
