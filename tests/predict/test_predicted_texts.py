"""Pictures of text are read as training prepared them, and what is printed of them is what the model gives."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import scanlab
from scanlab import data
from scanlab.data.texts import text_of_numbers
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import Backbone, BackboneConfig, TextReader
from scanlab.predict import prepared_lines, read_texts
from scanlab.study.train import initial_model
from scanlab.study.trial import DataChoice, Problem, Recipe, Trial
from scanlab.zoo import load, save

TEXTS = ("ab", "ba", "aab", "abb", "bba", "baab")
HEIGHTS = (16, 24, 12, 31, 16, 40)


def reader(steps: str = "columns", size: tuple[int, int] = (16, 40), channels: int = 1) -> TextReader:
    torch.manual_seed(0)
    config = BackboneConfig(patch=(8, 4), dim=8, depth=1, positions="none")
    model = TextReader(Backbone("sum(column, -column)", config, input_size=size, channels=channels), " ab", steps)
    torch.nn.init.normal_(model.head.weight)
    return model.eval()


def written(folder: Path, light: bool = False) -> dict[str, Path]:
    """Lines of dark ink in several heights and modes, by their texts."""
    draw, files = np.random.RandomState(0), {}
    for number, (text, height) in enumerate(zip(TEXTS, HEIGHTS, strict=True)):
        grey = np.where(draw.rand(height, 50 + 9 * number) < 0.3, 30, 220).astype(np.uint8)
        shown = Image.fromarray(255 - grey if light else grey)
        file = folder / f"{number}.{'tif' if number == 2 else 'png'}"
        (shown.convert("RGB") if number == 1 else shown).save(file)
        file.with_suffix(".txt").write_text(text)
        files[text] = file
    return files


@pytest.mark.parametrize("light", [False, True])
def test_a_picture_is_what_the_loader_makes_of_it(tmp_path: Path, light: bool) -> None:
    files, model = written(tmp_path, light), reader()
    lines = data.load(str(tmp_path), size=(16,))
    assert lines.ink == ("light_ink" if light else "dark_ink")
    prepared = prepared_lines(model, list(files.values()))
    assert prepared.ink == lines.ink and len(lines.images) == len(TEXTS)
    own = {}
    for number, image in enumerate(lines.images):
        text = text_of_numbers(lines.labels[number], lines.class_names)
        np.testing.assert_array_equal(prepared.image(files[text]).numpy(), image)
        [own[text]] = model.read([torch.tensor(image)])
    said = read_texts(model, (prepared.image(files[text]) for text in TEXTS), batch=4)
    assert [one.text for one in said] == [own[text] for text in TEXTS]
    assert any(own.values())
    assert "heights are 12 to 40 pixels high: lines are scaled to 16, their aspect kept" in prepared.notes
    assert "mean value" in prepared.notes[0] and "the model's file says nothing" in prepared.notes[0]


def test_a_trained_model_keeps_the_ink_of_its_data(tmp_path: Path) -> None:
    written(tmp_path)
    lines = data.load(str(tmp_path), size=(16,))
    config = BackboneConfig(patch=(8, 4), dim=8, depth=1, positions="none")
    scan = scanlab.compile("column", grid=tuple(-(-n // side) for n, side in zip(lines.extents, (8, 4), strict=True)))
    problem = Problem("l", DataChoice("l"), "text_lines", lines.fingerprint, (("c", scan),), config, Recipe())
    save(initial_model(Trial(problem, scan, seed=0), lines), tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").ink == "dark_ink"
    assert data.load("digit-lines").ink == data.load("digit-pages").ink == "light_ink"


def test_pictures_of_another_ink_are_no_silent_guess(tmp_path: Path) -> None:
    (tmp_path / "light").mkdir()
    dark = list(written(tmp_path).values())
    light = list(written(tmp_path / "light", light=True).values())
    model = reader()
    with pytest.raises(ScanlabError, match=r"S737.*1 picture of 7, such as 0.png"):
        prepared_lines(model, [*dark, light[0]])
    model.ink = "dark_ink"
    assert "as in the model's training data" in prepared_lines(model, dark).notes[0]
    with pytest.raises(ScanlabError, match=r"(?s)S737.*6 pictures.*the model learned from ink dark.*--layout"):
        prepared_lines(model, light)
    # As a person says, whatever it looks like.
    settled = prepared_lines(model, light, ink="light_ink")
    for one, other in zip(light, dark, strict=True):
        shown = prepared_lines(model, dark).image(other)
        # Rounded after the change of size, an inverted half may differ by one of 255.
        torch.testing.assert_close(settled.image(one), shown, atol=1.1 / 255, rtol=0)


def test_a_doubtful_picture_is_read_as_the_others(tmp_path: Path) -> None:
    files = list(written(tmp_path).values())
    Image.fromarray(np.full((16, 40), 110, np.uint8)).save(tmp_path / "grey.png")
    assert prepared_lines(reader(), [*files, tmp_path / "grey.png"]).ink == "dark_ink"


@pytest.mark.parametrize("beam", [1, 4])
def test_a_probability_is_that_of_all_alignments(beam: int) -> None:
    model, images = reader(), [torch.rand(1, 16, 13, generator=torch.Generator().manual_seed(1))]
    [said] = read_texts(model, images, beam)
    with torch.no_grad():
        shares = model(images)[0].double().softmax(-1).numpy()
    summed: dict[str, float] = {}
    for alignment in product(range(4), repeat=len(shares)):
        kept = [s for n, s in enumerate(alignment) if s != model.blank and (not n or s != alignment[n - 1])]
        text = "".join(model.alphabet[s] for s in kept)
        summed[text] = summed.get(text, 0) + math.prod(shares[n, s] for n, s in enumerate(alignment))
    assert sum(summed.values()) == pytest.approx(1) and len(shares) == 4
    assert said.probability == pytest.approx(summed[said.text], rel=1e-5)
    if beam > 1:
        assert said.text == max(summed, key=lambda text: summed[text])


def test_pages_have_the_size_that_the_reader_was_built_for(tmp_path: Path) -> None:
    model = reader("path", (32, 40))
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    grey = np.random.RandomState(0).randint(150, 256, (64, 80), np.uint8)
    Image.fromarray(grey).save(files[0])
    Image.fromarray(grey[:32, :40]).save(files[1])
    prepared = prepared_lines(model, files)
    assert [tuple(prepared.image(file).shape) for file in files] == [(1, 32, 40)] * 2
    assert prepared.notes[1] == "pages of 64x80 are resized to 32x40, the size that the model was built for"
    halves = 255 - np.rint(grey.reshape(32, 2, 40, 2).mean((1, 3)))
    np.testing.assert_allclose(prepared.image(files[0])[0], halves / 255, atol=1e-6)
    own = prepared_lines(model, files, size=())
    assert tuple(own.image(files[0]).shape) == (1, 64, 80) and len(own.notes) == 1
    assert len(list(read_texts(model, map(own.image, files)))) == 2


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    def picture(name: str, *size: int) -> list[Path]:
        Image.fromarray(np.full(size, 200, np.uint8)).save(tmp_path / name)
        return [tmp_path / name]

    tall, flat = picture("tall.png", 90, 10), picture("flat.png", 20, 60)
    (tmp_path / "none.png").write_bytes(b"no picture")
    (tmp_path / "empty.pgm").write_bytes(b"P5 0 5 255\n")
    cases = [
        (lambda: prepared_lines(reader(), tall), "S674.*tall.png of 90x10, which is taller than wide and 16x2"),
        (lambda: prepared_lines(reader("path"), picture("s.png", 6, 90), size=()), "S674.*smaller than a patch"),
        (lambda: prepared_lines(reader(), [tmp_path / "none.png"]), "S644.*none.png"),
        (lambda: prepared_lines(reader(), [tmp_path / "empty.pgm"]), "S644.*empty.pgm"),
        (lambda: prepared_lines(reader(), flat, size=(16, 40)), "S659.*keeps its aspect"),
        (lambda: prepared_lines(reader("path"), flat, size=(16,)), "S726.*no size of a page"),
        (lambda: prepared_lines(reader(channels=3), flat), "S726.*3 channels"),
    ]
    for call, said in cases:
        with pytest.raises(ScanlabError, match=said):
            call()
