"""ImageNet-1K as it is downloaded: validation pictures in one folder, and a list of their classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from scanlab import data
from scanlab.data.imagenet import synsets
from scanlab.data.notes import notes_of
from scanlab.ir.diagnostics import ScanlabError

CHOSEN = (3, 65, 970)
# Of the validation pictures, by their numbers, each one of the chosen.
TRUTH = (2, 0, 1, 1, 2, 0)


def pictures(place: Path, names: list[str]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (8, 8), (20 * number, 0, 0)).save(place / name, format="JPEG")


def downloaded(root: Path, train: bool = True) -> Path:
    """Validation pictures in one folder, and perhaps two training pictures for each of three synsets."""
    for number in CHOSEN if train else ():
        synset = synsets()[number]
        pictures(root / "train" / synset, [f"{synset}_{n}.JPEG" for n in (5, 17)])
    pictures(root / "val", [f"ILSVRC2012_val_{n:08}.JPEG" for n in range(1, 1 + len(TRUTH))])
    return root


def lines_of(form: str) -> list[str]:
    return [
        f"ILSVRC2012_val_{n:08}.JPEG {CHOSEN[which] if form == 'numbers' else synsets()[CHOSEN[which]]}"
        for n, which in enumerate(TRUTH, 1)
    ]


def write_numbers(root: Path) -> None:
    (root / "val.txt").write_text("\n".join(lines_of("numbers")))


def write_synsets(root: Path) -> None:
    (root / "val" / "val_map.txt").write_text("\n".join(lines_of("synsets")))


def write_lines(root: Path) -> None:
    words = "\n".join(synsets()[CHOSEN[which]] for which in TRUTH)
    (root / "imagenet_2012_validation_synset_labels.txt").write_text(words)


def write_kit(root: Path) -> None:
    """Its numbers go against the order of the synsets."""
    place = root / "ILSVRC2012_devkit_t12" / "data"
    place.mkdir(parents=True)
    kinds = np.dtype([("ILSVRC2012_ID", object), ("WNID", object), ("words", object)])
    held = np.array([(1000 - n, synset, "words") for n, synset in enumerate(synsets())], kinds)
    savemat(place / "meta.mat", {"synsets": held})
    words = "\n".join(str(1000 - CHOSEN[which]) for which in TRUTH)
    (place / "ILSVRC2012_validation_ground_truth.txt").write_text(words)


@pytest.mark.parametrize("write", [write_numbers, write_synsets, write_lines, write_kit])
@pytest.mark.parametrize("lazy", [False, True])
def test_validation_pictures_have_the_classes_of_the_list(tmp_path: Path, write, lazy: bool):
    root = downloaded(tmp_path / "imagenet")
    write(root)
    made = data.load(str(root), lazy=lazy)
    assert made.class_names == tuple(synsets()[n] for n in CHOSEN)
    assert made.labels[made.train].tolist() == [0, 0, 1, 1, 2, 2]
    assert made.labels[made.test].tolist() == list(TRUTH)
    assert any("classes from a list" in text for text in notes_of(made)["layout"])


def test_kaggles_folders(tmp_path: Path):
    root = downloaded(tmp_path / "kaggle" / "ILSVRC" / "Data" / "CLS-LOC")
    pictures(root / "test", ["ILSVRC2012_test_00000001.JPEG"])
    rows = [
        f"ILSVRC2012_val_{n:08},{synsets()[CHOSEN[w]]} 1 2 3 4 {synsets()[0]} 1 2 3 4" for n, w in enumerate(TRUTH, 1)
    ]
    (tmp_path / "kaggle" / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *rows]))
    for given in (root, tmp_path / "kaggle"):
        made = data.load(str(given))
        assert made.labels[made.test].tolist() == list(TRUTH) and len(made.train) == 6
        assert any("test, of which no list" in text for text in notes_of(made)["left out"])


def test_the_validation_folder_alone(tmp_path: Path):
    root = downloaded(tmp_path / "imagenet", train=False)
    write_numbers(root)
    made = data.load(str(root / "val"))
    assert made.class_names == tuple(synsets()[n] for n in CHOSEN)
    assert len(made.train) + len(made.test) == len(TRUTH) and made.labels.tolist() == list(TRUTH)


def test_without_a_list_it_is_said_what_is_missing(tmp_path: Path):
    root = downloaded(tmp_path / "imagenet")
    with pytest.raises(ScanlabError, match=r"(?s)6 pictures without folders of classes.*val\.txt.*meta\.mat"):
        data.load(str(root))
    write_numbers(root)
    (root / "val.txt").write_text("\n".join(lines_of("numbers")[1:]))
    with pytest.raises(ScanlabError, match=r"no list says the class of ILSVRC2012_val_00000001\.JPEG"):
        data.load(str(root))
    (root / "val.txt").unlink()
    (root / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n" * 6)
    with pytest.raises(ScanlabError, match=r"(?s)order of its own.*meta\.mat"):
        data.load(str(root))


def test_synsets_are_in_the_order_of_their_names():
    assert len(synsets()) == 1000 and list(synsets()) == sorted(synsets())
