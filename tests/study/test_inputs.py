"""Pictures of a folder, read as they are needed: numbers of classes, parts, damaged files, and equality to memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab.data.layout import Layout
from scanlab.ir.diagnostics import ScanlabError
from scanlab.study.evaluate import evaluate, notes
from scanlab.study.inputs import of_folder
from scanlab.zoo import create_model, preprocessing

RNG = np.random.default_rng(0)
PREPARE = preprocessing("vim_tiny", 32)
# The first, the second and the last of ImageNet-1K.
TENCH, GOLDFISH, PAPER = "n01440764", "n01443537", "n15075141"


def folder(place: Path, classes: tuple[str, ...], each: int = 3) -> list[Image.Image]:
    made = []
    for name in classes:
        (place / name).mkdir(parents=True)
        for n in range(each):
            image = Image.fromarray(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8))
            image.save(place / name / f"{n}.png")
            made.append(image)
    return made


def read(place: Path, outputs: int, **options: object):
    inputs = of_folder(place, PREPARE, outputs, **{"loaders": 0, **options})  # pyright: ignore[reportArgumentType]
    batches = list(inputs.batches(4))
    return inputs, np.concatenate([indices for indices, _ in batches]), torch.cat([images for _, images in batches])


@pytest.mark.parametrize("loaders", [0, 2])
def test_pictures_come_in_order_and_prepared(tmp_path: Path, loaders: int) -> None:
    made = folder(tmp_path, ("cat", "dog", "eel"))
    inputs, indices, images = read(tmp_path, 3, loaders=loaders)
    assert indices.tolist() == list(range(9)) and inputs.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert torch.equal(images, torch.stack([PREPARE(image) for image in made]))
    assert (inputs.classes, inputs.part) == (3, "all") and "Pictures are prepared" in inputs.notes[-1]


def test_synsets_have_their_numbers_be_they_all_or_some(tmp_path: Path) -> None:
    folder(tmp_path, (PAPER, GOLDFISH), each=1)
    inputs, _, _ = read(tmp_path, 1000)
    assert inputs.labels.tolist() == [1, 999]
    folder(tmp_path, ("n00000001",), each=1)
    with pytest.raises(ScanlabError, match=r"S643.*n00000001.*no such classes"):
        read(tmp_path, 1000)


def test_classes_go_by_the_models_names_or_by_their_count(tmp_path: Path) -> None:
    folder(tmp_path, ("dog", "cat"), each=1)
    assert read(tmp_path, 3, class_names=("dog", "eel", "cat"))[0].labels.tolist() == [2, 0]
    with pytest.raises(ScanlabError, match=r"S643.*2 classes, and the model 3"):
        read(tmp_path, 3)
    with pytest.raises(ScanlabError, match=r"S643.*the classes cat, and the model no such classes"):
        read(tmp_path, 2, class_names=("dog", "eel"))


def test_parts(tmp_path: Path) -> None:
    folder(tmp_path / "train", ("a", "b"), each=2)
    folder(tmp_path / "val", ("a", "b"), each=1)
    inputs, indices, _ = read(tmp_path, 2)
    assert (inputs.part, len(indices)) == ("val", 2) and "There is no test part" in inputs.notes[-1]
    assert len(read(tmp_path, 2, part="train")[1]) == 4 and len(read(tmp_path, 2, part="all")[1]) == 6
    with pytest.raises(ScanlabError, match=r"S643.*'validation'"):
        read(tmp_path, 2, part="validation")


def test_damaged_files_are_an_error_or_counted(tmp_path: Path) -> None:
    folder(tmp_path, ("a", "b"))
    whole = (tmp_path / "a" / "1.png").read_bytes()
    (tmp_path / "a" / "1.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b" / "0.png").write_bytes(b"nothing")
    with pytest.raises(ScanlabError, match=r"S644.*1\.png cannot be read as an image"):
        read(tmp_path, 2)
    with pytest.raises(ScanlabError, match=r"S644.*0\.png cannot be read as an image"):
        read(tmp_path, 2, unreadable_at_most=1)
    inputs, indices, _ = read(tmp_path, 2, unreadable_at_most=2)
    assert indices.tolist() == [0, 2, 4, 5]
    assert inputs.notes[-1] == "2 files could not be read and count nowhere, such as 1.png."


def test_pictures_with_several_labels_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, ("pictures",), each=4)
    rows = ["image,cat,dog", *(f"{n}.png,{n % 2},{n // 2}" for n in range(4))]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    with pytest.raises(ScanlabError, match=r"S643.*several labels"):
        read(tmp_path, 2, layout=Layout.read("multi_label"))


def test_evaluation_reads_every_picture_once_and_leaves_damaged_ones_out(tmp_path: Path) -> None:
    made = folder(tmp_path, ("a", "b"), each=4)
    (tmp_path / "b" / "3.png").write_bytes(b"nothing")
    torch.manual_seed(0)
    model = create_model("vim_tiny", classes=2, input_size=(32, 32)).eval()
    inputs = of_folder(tmp_path, preprocessing(model), 2, unreadable_at_most=1, loaders=0, layout=Layout())
    evaluation = evaluate(model, [], inputs, batch=3)
    with torch.no_grad():
        guesses = model(torch.stack([PREPARE(image) for image in made[:7]])).argmax(1)
    assert evaluation.images == 7
    assert evaluation.rows[0].accuracy == pytest.approx((guesses == torch.tensor([0] * 4 + [1] * 3)).double().mean())
    assert any("1 file could not be read" in sentence for sentence in notes(evaluation))
