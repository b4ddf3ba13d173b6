"""``scanlab predict`` with a reader of text: what it prints and writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scanlab import data
from scanlab.data.texts import text_of_numbers
from scanlab.nn import Backbone, BackboneConfig, TextReader
from scanlab.zoo import load, save

Command = Callable[..., tuple[int, str, str]]
TEXTS = {"a.png": "ab", "b.bin.png": "bba", "d.png": "ba", "e.png": "abb", "f.jpg": "aab", "more/c.tif": "baab"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two readers, and lines with their transcriptions beside them."""
    folder = tmp_path_factory.mktemp("reading")
    config = BackboneConfig(patch=(8, 4), dim=8, depth=1, positions="none")
    for name, steps in (("lines", "columns"), ("pages", "path")):
        torch.manual_seed(0)
        model = TextReader(Backbone("sum(column, -column)", config, input_size=(16, 40)), " abß", steps)
        torch.nn.init.normal_(model.head.weight)
        # As a training keeps it: symbols are no classes.
        model.class_names, model.ink = tuple(model.alphabet), "dark_ink"
        save(model, folder / f"{name}.safetensors")
    draw = np.random.RandomState(0)
    (folder / "given/more").mkdir(parents=True)
    for number, (name, text) in enumerate(TEXTS.items()):
        grey = np.where(draw.rand(20 + number, 70) < 0.2, 20, 230).astype(np.uint8)
        Image.fromarray(grey).save(folder / "given" / name)
        (folder / "given" / name).with_name(f"{Path(name).name.split('.')[0]}.gt.txt").write_text(text)
    return folder


def expected(place: Path, beam: int = 1) -> dict[str, str]:
    """What the model reads of each file in the image that the loader of training data makes of it."""
    model, lines = load(place / "lines.safetensors"), data.load(str(place / "given"), size=(16,))
    assert isinstance(model, TextReader)
    files = {text: name for name, text in TEXTS.items()}
    made = {}
    for number, image in enumerate(lines.images):
        text = text_of_numbers(lines.labels[number], lines.class_names)
        [made[files[text]]] = model.read([torch.tensor(image)], beam)
    return made


@pytest.mark.parametrize("beam", [1, 3])
def test_the_texts_of_a_folder(predict: Command, place: Path, tmp_path: Path, beam: int) -> None:
    read = expected(place, beam)
    words = (place / "lines.safetensors", place / "given", "--beam", beam)
    code, printed, _ = predict(*words, "-o", tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").open(encoding="utf-8")))
    assert code == 0 and {row["file"]: row["text"] for row in rows} == read
    assert list(rows[0]) == ["file", "text", "probability"] and all(0 <= float(r["probability"]) <= 1 for r in rows)
    for row in rows:
        assert f"{row['file']}: {row['text']} ({float(row['probability']):.3g})" in printed
    assert "heights are 20 to 25 pixels high: lines are scaled to 16, their aspect kept (6 files)" in printed
    assert "ink is taken to be dark on light paper (as in the model's training data) (6 files)" in printed
    predict(*words, "-o", tmp_path / "t.json")
    assert {row["file"]: row["text"] for row in json.loads((tmp_path / "t.json").read_text("utf-8"))} == read
    _, printed, _ = predict(*words, "--json")
    assert {row["file"]: row["text"] for row in json.loads(printed)} == read


def test_a_text_file_for_each(predict: Command, place: Path, tmp_path: Path) -> None:
    read = expected(place)
    code, *_ = predict(place / "lines.safetensors", place / "given", "-o", tmp_path / "texts")
    names = {f"{name.rpartition('.')[0]}.txt": name for name in TEXTS}
    made = {p.relative_to(tmp_path / "texts").as_posix() for p in (tmp_path / "texts").rglob("*.*")}
    assert code == 0 and made == set(names)
    for name, file in names.items():
        assert (tmp_path / "texts" / name).read_text(encoding="utf-8") == read[file] + "\n"
    code, *_ = predict(place / "lines.safetensors", place / "given/a.png", "-o", tmp_path / "one.txt")
    assert code == 0 and (tmp_path / "one.txt").read_text(encoding="utf-8") == read["a.png"] + "\n"


def test_pages_are_read_at_the_size_of_the_model(predict: Command, place: Path) -> None:
    words = (place / "pages.safetensors", place / "given/a.png", "--json")
    [row] = json.loads(predict(*words)[1])
    assert "pages of 20x70 are resized to 16x40, the size that the model was built for" in row["notes"]
    [row] = json.loads(predict(*words, "--size", "own")[1])
    assert len(row["notes"]) == 1


def test_no_transcription_is_written_over(predict: Command, place: Path) -> None:
    lines = place / "lines.safetensors"
    theirs = place / "given/a.txt"
    theirs.write_text("by hand")
    for given, out in (("given", "given"), ("given/a.png", "given/a.txt"), ("given/a.png", "given")):
        code, _, err = predict(lines, place / given, "-o", place / out)
        assert code == 1 and "S729" in err and "may be a transcription" in err
    assert theirs.read_text() == "by hand"
    theirs.unlink()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lines", "given", "-o", "texts.png"), "S729"),
        (("lines", "given", "-o", "texts.txt"), "S729"),
        (("lines", "lines.safetensors"), "S725"),
        (("lines", "given", "--size", "16x40"), "S659"),
        (("lines", "given", "--size", "own"), "S659"),
        (("lines", "given", "--names", "a,b"), "S659"),
        (("lines", "given", "--bands", "1"), "S659"),
        (("lines", "given", "--tile", "8"), "S659"),
        (("lines", "given", "--score", "0.5"), "S659"),
        (("lines", "given", "--layout", "masks"), "S690"),
        (("lines", "given", "--stream", "--beam", "2"), "S659"),
        (("lines", "given", "--stream"), "S726"),
    ],
)
def test_what_cannot_be_is_refused(
    predict: Command, place: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(place)
    code, _, err = predict(f"{words[0]}.safetensors", *words[1:])
    assert code == 1 and said in err


def test_ink_is_settled_by_a_person(predict: Command, place: Path, tmp_path: Path) -> None:
    for name in TEXTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(255 - np.asarray(Image.open(place / "given" / name))).save(tmp_path / name)
    words = (place / "lines.safetensors", tmp_path)
    code, _, err = predict(*words)
    assert code == 1 and "S737" in err and "--layout dark_ink" in err
    code, printed, _ = predict(*words, "--layout", "light_ink")
    assert code == 0 and "ink is taken to be light on dark paper (layout says so)" in printed
